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
from verification.models import Interaction
from verification.reasons import Reason

Said = Interaction.Said
USABLE: Final = frozenset({"PHONE", "EMAIL", "PASSKEY", "E_ID"})


@dataclass(frozen=True)
class Situation:
    """What a way may look at.

    `usable` is what can carry a proof: PHONE, EMAIL, PASSKEY, E_ID. It comes from the caller's record once he is known
    at LOW or more, and before that it is what the house is fitted with: the record must not show through. `said` holds
    what he told us that he has or can't use (values of Interaction.Said).
    """

    action: Declaration | None
    reason: str
    channel: str
    held: Level
    required: Level
    keypad: str
    usable: frozenset[str] = USABLE
    said: frozenset[str] = frozenset()

    @property
    def unproven(self) -> bool:
        """Tell whether what is missing is a proof of who he is, and not something else."""
        return self.reason in (Reason.LEVEL, Reason.STALE, Reason.CONTACT, Reason.NO_CLAIM, Reason.NOT_APPROVED)


@dataclass(frozen=True)
class Way:
    """One thing the caller can do.

    `effort` orders them, easiest first; `action` is the declared action that starts it, `page` the staff's page that
    does when it is no action. `needs` is what it leans on: any of these must be usable. `not_for` names those who said
    that they can't go it.
    """

    code: str
    effort: int
    label: Promise
    say: Promise
    open: Callable[[Situation], bool]
    action: str = ""
    page: str = ""
    needs: frozenset[str] = frozenset()
    not_for: frozenset[str] = frozenset()

    def fits(self, situation: Situation) -> bool:
        """Tell whether it is open here, and leans on something that this caller has."""
        return (not self.needs or bool(self.needs & situation.usable)) and self.open(situation)


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
    """Return the open ways, easiest first. Raises NoWay when there is none.

    None is among them that the caller said he can't go, unless nothing else is open at all.
    """
    every = sorted((way for way in _WAYS.values() if way.fits(situation)), key=lambda way: way.effort)
    ways = [way for way in every if not way.not_for & situation.said] or every
    if not ways:
        raise NoWay(f"no way forward from {situation.reason} on {situation.channel}")
    return ways


def leads_on(situation: Situation) -> bool:
    """Tell whether any way is open at all: quicker than listing them."""
    return any(way.fits(situation) for way in _WAYS.values())


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
        not_for=frozenset({Said.CANNOT_HEAR, Said.RELAY}),  # the line is another's, or in the interpreter's hands
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
        needs=frozenset({"PHONE", "EMAIL"}),
        not_for=frozenset({Said.NO_MOBILE, Said.NO_E_ID}),
    )
)


def _has_passkey(situation: Situation) -> bool:
    """Tell whether a passkey may be spoken of: by his record once he is known, and before that by his own word.

    Where the link leads to nothing else, everybody is asked for it.
    """
    known = situation.held >= Level.LOW
    return known or Said.PASSKEY in situation.said or roads.by_link() == Level.NONE


register(
    Way(
        code="passkey",
        effort=18,
        label=_("a link, and the passkey that he made with us"),
        say=_(
            "If you have made a passkey with us, I can send a link to the phone or e-mail that we have for you. You "
            "use your passkey there, and we go on in this same call."
        ),
        open=lambda s: (
            s.channel in ("PHONE", "WEB", "CHAT")
            and s.unproven
            and Level.LOW < s.required <= roads.by_passkey()
            and bool(s.usable & {"PHONE", "EMAIL"})  # the link goes there
            and _has_passkey(s)
        ),
        page="prompt",
        needs=frozenset({"PASSKEY"}),
    )
)

register(
    Way(
        code="e_id_elsewhere",
        effort=21,
        label=_("a link by e-mail, opened on another device that he trusts"),
        say=_(
            "I can send the link to the e-mail that we have for you. You can open it on a computer, or on the device "
            "of somebody you trust, and we go on in this same call."
        ),
        open=lambda s: (
            s.channel in ("PHONE", "WEB", "CHAT")
            and bool(s.said & {Said.NO_MOBILE, Said.CANNOT_TRAVEL})
            and s.unproven
            and Level.LOW < s.required <= roads.by_link()
        ),
        page="prompt",
        needs=frozenset({"EMAIL"}),
        not_for=frozenset({Said.NO_E_ID}),
    )
)

register(
    Way(
        code="ciba",
        effort=22,
        label=_("a request to the app with which he identifies himself"),
        say=_(
            "I can send a request to the app with which you identify yourself. You type there what I read to you, and "
            "we go on in this same call."
        ),
        open=lambda s: (
            s.channel in ("PHONE", "WEB", "CHAT")
            and s.unproven
            and s.reason != Reason.NOT_APPROVED  # an app has no room for all that he would approve
            and Level.LOW < s.required <= roads.by_app()
        ),
        page="prompt_in_app",
        needs=frozenset({"E_ID"}),
        not_for=frozenset({Said.NO_MOBILE, Said.NO_E_ID}),
    )
)

register(
    Way(
        code="interpreter",
        effort=25,
        label=_("the interpreter as a second speaker"),
        say=_(
            "Your interpreter is welcome to speak with us for you. You prove who you are yourself, in writing or on "
            "your own device, and the interpreter needs to know none of it."
        ),
        open=lambda s: s.unproven and bool(s.said & {Said.RELAY, Said.CANNOT_HEAR}),
    )
)

register(
    Way(
        code="in_writing",
        effort=35,
        label=_("in writing, by chat or a text relay service"),
        say=_("We can go on in writing: on our chat, through a text relay service, or at the desk."),
        open=lambda s: s.channel == "PHONE" and Said.CANNOT_HEAR in s.said,
    )
)

register(
    Way(
        code="representative",
        effort=50,
        label=_("somebody with a mandate acts for him"),
        say=_(
            "Somebody you trust can act for you with a mandate for just this matter. That person proves who he or she "
            "is, and you need not travel."
        ),
        open=lambda s: Said.CANNOT_TRAVEL in s.said and s.reason != Reason.HOLD,
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
