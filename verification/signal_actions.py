"""The intake for "it wasn't me": what a customer, or anybody who is worried for him, tells us of what was done."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from verification import signals
from verification.declarations import Occasion, Result, action
from verification.forms import NoParameters
from verification.levels import Level
from verification.models import Signal


@action(
    name="not_me",
    label=_("Note that it was not him"),
    matter=_("Your word that it was not you"),
    required=Level.NONE,
    because=(
        "Who says that something in his name was not his doing is believed at once; it only makes us ask for more, "
        "and for no more than a strong proof as long as he has not shown who he is."
    ),
    form=NoParameters,
    needs_claim=True,
    protective=True,
    by_caller=True,
    told=_(
        "We were told that something done in your name was not your doing. For some days we ask for a stronger proof."
    ),
)
def not_me(occasion: Occasion) -> Result:
    """Note it. The answer is the same when there is no such customer.

    From LOW on it is the customer's own word and raises the bar as far as it goes; a stranger's raises it to what every
    customer can still reach on the telephone, so that nobody is sent travelling by a stranger.
    """
    proven = occasion.grant.held >= Level.LOW
    kind = Signal.Kind.NOT_ME if proven else Signal.Kind.SAID_NOT_ME
    signals.note_of_claimed(occasion.customer, kind, interaction=occasion.interaction, at=occasion.at)
    return {}
