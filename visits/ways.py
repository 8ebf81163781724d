"""The way forward that is always open: come to the desk, with a list of what to bring."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from verification.levels import Level
from verification.reasons import Reason
from verification.ways import Said, Situation, Way, register


def _needed(situation: Situation) -> bool:
    return situation.channel != "DESK"


register(
    Way(
        code="visit",
        effort=40,
        label=_("a visit to the office"),
        say=_("It can be done at the office: we book a time for you and send you a list of exactly what to bring."),
        open=_needed,
        action="book_visit",
        not_for=frozenset({Said.CANNOT_TRAVEL}),
    )
)
register(
    Way(
        code="desk_papers",
        effort=20,
        label=_("papers at this desk"),
        say=_("We can look at your identity document here and now."),
        open=lambda situation: situation.channel == "DESK" and situation.held < Level.HIGH,
        action="receive_walk_in",
    )
)
register(
    Way(
        code="next_visit",
        effort=45,
        label=_("another visit, with the papers that are missing"),
        say=_("What you have shown is kept; we book the next time for you and name what is still missing."),
        open=lambda situation: situation.channel == "DESK" and situation.reason != Reason.HOLD,
        action="book_visit",
        not_for=frozenset({Said.CANNOT_TRAVEL}),
    )
)
