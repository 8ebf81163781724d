"""Ways forward: what this caller can do next. Rooms to the left register theirs; a refusal without one is a defect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from verification import roads
from verification.declarations import Declaration
from verification.levels import Level
from verification.reasons import Reason


@dataclass(frozen=True)
class Situation:
    """What a way may look at. Nothing in it comes from the record: it must not show through before LOW."""

    action: Declaration | None
    reason: str
    channel: str
    held: Level
    required: Level
    keypad: str


@dataclass(frozen=True)
class Way:
    """One thing the caller can do.

    `effort` orders them, easiest first; `action` is the declared action that starts it, `page` the staff's page that
    does when it is no action.
    """

    code: str
    effort: int
    label: Promise
    say: Promise
    open: Callable[[Situation], bool]
    action: str = ""
    page: str = ""


_WAYS: Final[dict[str, Way]] = {}


class NoWay(RuntimeError):
    """A situation without a way forward: found by the start-up check, never by a caller."""


def register(way: Way) -> Way:
    """Add a way forward. Two ways of one code stop the process."""
    if way.code in _WAYS:
        raise RuntimeError(f"the way {way.code!r} is registered twice")
    _WAYS[way.code] = way
    return way


def forward(situation: Situation) -> list[Way]:
    """Return the open ways, easiest first. Raises NoWay when there is none."""
    ways = sorted((way for way in _WAYS.values() if way.open(situation)), key=lambda way: way.effort)
    if not ways:
        raise NoWay(f"no way forward from {situation.reason} on {situation.channel}")
    return ways


def by_code(code: str) -> Way | None:
    """Return a registered way, or None when it has been withdrawn since."""
    return _WAYS.get(code)


_KEYPAD_ENDED = frozenset({"WRONG", "BACKING_OFF", "NO_CODES"})

register(
    Way(
        code="keypad_code",
        effort=10,
        label=_("a one-time code on the keypad"),
        say=_("If you have your codes at hand, you can type one on the keypad of your phone."),
        open=lambda s: (
            s.channel == "PHONE"
            and s.held < s.required == Level.LOW
            and s.reason in (Reason.LEVEL, Reason.NO_CLAIM, Reason.STALE)
            and s.keypad not in _KEYPAD_ENDED
        ),
    )
)

register(
    Way(
        code="e_id_link",
        effort=20,
        label=_("a link to his own phone, and his own bank or certificate"),
        say=_(
            "I can send a link to the phone or e-mail that we have for you. You log in there as to your bank, and we "
            "go on in this same call."
        ),
        open=lambda s: (
            s.channel in ("PHONE", "WEB", "CHAT")
            and s.reason in (Reason.LEVEL, Reason.STALE, Reason.CONTACT, Reason.NO_CLAIM, Reason.NOT_APPROVED)
            and Level.LOW < s.required <= roads.by_link()
        ),
        page="prompt",
    )
)

register(
    Way(
        code="lift_hold",
        effort=15,
        label=_("lift the temporary hold at once"),
        say=_("Now that we know it is you, we can lift the hold at once if you like."),
        open=lambda s: s.reason == Reason.HOLD and s.held >= Level.SUBSTANTIAL,
        action="lift_hold",
    )
)
