"""What cases asks of its own rows: was an instruction intended, and nothing heard of it? See audit.alarms."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext_lazy as _

from audit.alarms import Question, register
from cases.models import Delivery

PATIENCE: Final = timedelta(hours=1)


def without_outcome(at: datetime) -> int:
    """Count instructions that have been due for an hour and are neither out, nor stopped, nor given up."""
    return Delivery.objects.filter(state=Delivery.State.PENDING, due_at__lt=at - PATIENCE).count()


register(
    Question(
        "intents_without_outcome",
        _("instructions that were made and never came to an end"),
        _("See that the worker and beat run, that RECEIPT_KEY is set, and that DATA_DIR/outbox can be written."),
        without_outcome,
    )
)
