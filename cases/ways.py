"""Ways forward that need no proof: be called back, leave the question, protect the account."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from verification.levels import Level
from verification.reasons import Reason
from verification.ways import Said, Way, register

register(
    Way(
        code="call_back",
        effort=30,
        label=_("a call back to the recorded number"),
        say=_("If your codes are elsewhere now, we can call you back later on the number that we have for you."),
        open=lambda s: (
            s.channel == "PHONE"
            and s.required <= Level.LOW  # the codes that are elsewhere now would be enough
            and s.reason in (Reason.LEVEL, Reason.NO_CLAIM, Reason.STALE)
        ),
        action="request_callback",
        not_for=frozenset({Said.CANNOT_HEAR}),
    )
)
register(
    Way(
        code="call_back_after",
        effort=12,
        label=_("a call back once the interruption is over"),
        say=_("We can call you back on the number that we have for you as soon as it is over."),
        open=lambda s: (
            s.channel == "PHONE"
            and s.reason == Reason.LOG_BEHIND
            and (s.action is None or s.action.name != "request_callback")
        ),
        action="request_callback",
        not_for=frozenset({Said.CANNOT_HEAR}),
    )
)
register(
    Way(
        code="we_come",
        effort=55,
        label=_("a call, to agree on how we come to him"),
        say=_(
            "If you cannot come to us, we call you on the number that we have for you, and agree with you on how we "
            "can come to you."
        ),
        open=lambda s: (
            Said.CANNOT_TRAVEL in s.said
            and s.channel != "DESK"
            and (s.action is None or s.action.name != "request_home_visit")
        ),
        action="request_home_visit",
        not_for=frozenset({Said.CANNOT_HEAR}),
    )
)
register(
    Way(
        code="leave_question",
        effort=60,
        label=_("leave the question with us"),
        say=_("You can also leave your question with us, and we answer it as soon as we safely can."),
        open=lambda s: s.action is None or s.action.name != "open_case",
        action="open_case",
    )
)
register(
    Way(
        code="protect",
        effort=80,
        label=_("a temporary hold, if you are worried"),
        say=_("If you are worried that somebody uses your name, we can put a temporary hold on the account at once."),
        open=lambda s: s.reason != Reason.HOLD and (s.action is None or not s.action.protective),
        action="temporary_hold",
    )
)
