"""What the clerk reads when a step can't be taken."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from verification.claims import TooMany
from verification.evidence import NotSeen
from verification.gate import Unavailable
from verification.interactions import Ended
from visits.desk import NotHere
from visits.keys import Shown
from visits.parked import NotOpen
from visits.slips import Differs

STOPS = (NotHere, NotSeen, NotOpen, Differs, TooMany, Ended, Unavailable)

NOT_HERE: dict[str, Promise] = {
    "ROLE": _("Your role does not stand behind the desk."),
    "OWN_MATTER": _("You may not serve yourself, your family or your household. Ask a colleague."),
    "STATE": _("The visit is no longer in a state in which this can be done."),
    "DAY": _("This visit is on another day: %(day)s."),
    "NOT_CHECKED_IN": _("Check the visit in first."),
    "COLLEAGUE": _("A colleague serves this visit."),
    "OTHER_CUSTOMER": _(
        "The number that is noted now is not the one this visit was booked with. Note that number again; or, for "
        "another customer, end this contact, open one at the desk for him, and receive him there or book him a visit."
    ),
}
NOT_SEEN: dict[str, Promise] = {
    "DESK": _("This is only seen at a desk."),
    "ROLE": NOT_HERE["ROLE"],
    "OWN_MATTER": NOT_HERE["OWN_MATTER"],
    "CLAIM": _("The customer number comes first. Ask for it and note it."),
    "INCOMPLETE": _("Confirm all four: the document, its data, the person and the matter."),
    "SAME_PERSON": _("The second clerk must be another person than the first."),
    "TOO_NEW": _("Your account is too new to be the second clerk's. Ask another colleague, or use the visit code."),
    "OTHER_CUSTOMER": NOT_HERE["OTHER_CUSTOMER"],
    "MATTER": _("The matter cannot be read any more. Ask for it anew."),
    "ORDER": _("The first clerk has not compared the document yet."),
}
NOT_OPEN: dict[str, Promise] = {
    "NONE": _("Nothing is waiting to be carried out, or it has waited too long. Ask for it anew."),
    "IDENTITY": _("Compare the document first."),
    "PAPERS": _("Papers are still missing; see the list."),
    "NOT_CONFIRMED": _("Read the matter back, and let the customer confirm it."),
    "NOT_APPROVED": _("The customer approves exactly this himself first: on his page, or on a slip that he signs."),
}
# Why a code does not count stands in the log alone: here it would tell whether, when and where one had been sent.
NOT_COUNTED = _("This code does not count here. Read it once more off the message; a second clerk can confirm instead.")
SHOWN: Mapping[Shown, Promise] = dict.fromkeys(Shown, NOT_COUNTED) | {
    Shown.MATCHED: _("The visit code is right, and it counts."),
}
ELSE: dict[type[Exception], Promise] = {
    Differs: _("These are not the letters of the matter that waits. Compare the slip with the page of your colleague."),
    TooMany: _("Too many customers have been named. Ask a supervisor."),
    Ended: _("This contact has ended."),
    Unavailable: _("Nothing was changed, and not even that could be written down. Try again soon."),
}


def why_not(stop: Exception) -> str:
    """Say in the active language why a step was stopped; one of STOPS."""
    match stop:
        case NotHere():
            text = str(NOT_HERE[stop.code])
            return text % {"day": date_format(stop.day, "j.n.Y")} if stop.day else text
        case NotSeen():
            return str(NOT_SEEN[stop.code])
        case NotOpen():
            return str(NOT_OPEN[stop.code])
        case _:
            return str(ELSE[type(stop)])
