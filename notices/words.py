"""What messages are about, in words. The apps that send them name what they write about; the rest is named here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.words import in_words

Source = Callable[[str], "str | Promise | None"]
ABOUTS: Final[dict[str, Promise]] = {
    "account_alarm": _("an account was let in from the console"),
    "code_list_low": _("few codes left on a list"),
    "identity_accepted": _("identity document accepted"),
    "sms_code": _("code by text message"),
    "staff_passkey": _("passkey of one of the staff"),
    "visit_booked": _("visit booked"),
    "visit_reminder": _("reminder of a visit"),
}
# What these say proves the recipient to be himself on the line: nobody of ours reads it, not even in the demo.
FOR_HIS_EYES: Final = frozenset({"sms_code"})
_sources: list[Source] = []


def ask(source: Source) -> None:
    """Have `source` name what this module doesn't: it returns the words of a code, or None."""
    _sources.append(source)


def about(code: str) -> str:
    """Return what a message is about in words, its code as the title; an unknown code as it is."""
    asked = (said for source in _sources if (said := source(code)))
    said = ABOUTS.get(code) or next(asked, None)
    return in_words(code, {code: said} if said else {})
