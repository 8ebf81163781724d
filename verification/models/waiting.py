"""What takes effect after a delay: not while a hold stands on its customer, nor before the day after it was over.

Derived, like all that is in force: when the delay ends, or the hold, nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.apps import apps
from django.db import connection, models
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q
from django.db.models.functions import Coalesce

AFTER_HOLD: Final = timedelta(days=1)  # whoever lifts a hold hears what waits, and has this day to stop it


def took_effect(at: datetime, *, due: str, made: str, customer: str = "customer") -> Q:
    """Keep the rows that have taken effect by `at`.

    `due` and `made` name the columns of when the delay ends and when the row was made. What is due while a hold of its
    customer stands takes effect a day after that hold is over, if no other has been put on in that day.
    """
    own = _holds().filter(customer=OuterRef(customer))
    standing = own.filter(Q(over__isnull=True) | Q(over__gt=OuterRef(due)), held_at__lte=OuterRef(due))
    another = _holds().filter(
        Q(over__isnull=True) | Q(over__gt=OuterRef("over")),
        customer=OuterRef("customer"),
        held_at__lt=OuterRef("free_at"),
    )
    past = own.filter(over__gt=OuterRef(due), free_at__lte=at).filter(~Exists(another))
    at_once = Q(**{f"{due}__lte": F(made)})
    return Q(**{f"{due}__lte": at}) & (at_once | ~Exists(standing) | Exists(past))


def _holds() -> models.QuerySet[Any]:
    """Return all holds with the moment at which each was over, and the one from which it keeps nothing back."""
    over = Coalesce("lift__lifted_at", "until")
    free_at = ExpressionWrapper(F("over") + AFTER_HOLD, output_field=models.DateTimeField())
    return apps.get_model("verification", "Hold").objects.annotate(over=over).annotate(free_at=free_at)


def insert(model: type[models.Model], columns: Sequence[str], rows: models.QuerySet[Any, Any]) -> None:
    """Insert what `rows` selects, by one statement that is run whether or not it finds any."""
    quote = connection.ops.quote_name
    names = ", ".join(quote(column) for column in columns)
    select, values = rows.query.get_compiler(connection=connection).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {quote(model._meta.db_table)} ({names}) {select}", values)
