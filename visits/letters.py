"""What the customer is told in writing about his visit, in the language in which he spoke to us."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from notices.actions import send
from verification.declarations import declared
from verification.models import ContactChange
from verification.telling import CHANNELS
from visits import keys
from visits.models import Visit
from visits.papers import groups_of, unconfirmed
from visits.placing import sendable

DAY = {"fi": "l j.n.Y", "sv": "l j F Y", "en": "l j F Y"}


def tell_of_booking(visit: Visit, *, at: datetime) -> int:
    """Send place, time, list, code and link to each recorded phone and e-mail out of quarantine; return how many.

    Never to the number that called: it isn't known whose it is.
    """
    contacts = sendable(visit.customer, at) if visit.customer else []
    with translation.override(visit.language):
        for contact in contacts:
            code = keys.issue_code(visit, contact, at=at)
            parts = [
                _("%(organisation)s has booked a visit for you.") % {"organisation": visit.organisation.name},
                where_and_when(visit),
                *_errand(visit),
                _("Please bring:") + "\n" + "\n".join(f"- {line}" for line in list_lines(visit)),
                _("Your visit code: %(code)s. Show it at the desk, and give it to nobody before that.")
                % {"code": code},
                _link(visit),
                _("If you did not ask for this visit, tell us by the link above or call us: %(number)s.")
                % {"number": number(visit)},
            ]
            _send(visit, contact, _("Your visit on %(day)s") % {"day": day(visit)}, parts, "visit_booked", at)
    return len(contacts)


def remind(visit: Visit, *, at: datetime) -> int:
    """Send a reminder that names what is not confirmed yet; return to how many contacts."""
    contacts = sendable(visit.customer, at) if visit.customer else []
    with translation.override(visit.language):
        open_lines = [f"- {group.line()}" for group in unconfirmed(visit)]
        asked = _("You have not confirmed yet that you have these:") + "\n" + "\n".join(open_lines)
        parts = [
            _("A reminder of your visit to %(organisation)s.") % {"organisation": visit.organisation.name},
            where_and_when(visit),
            asked if open_lines else _("Thank you for confirming everything on the list. Please bring it with you."),
        ]
        for contact in contacts:
            title = _("Your visit on %(day)s") % {"day": day(visit)}
            _send(visit, contact, title, [*parts, _link(visit)], "visit_reminder", at)
    return len(contacts)


def list_lines(visit: Visit) -> list[str]:
    """Write what must be brought, a line a group, in the active language."""
    return [group.line() for group in groups_of(visit) if group.mandatory]


def day(visit: Visit) -> str:
    """Write the visit's day in the active language."""
    return str(date_format(visit.on, DAY.get(translation.get_language() or "en", DAY["en"])))


def clock(visit: Visit) -> str:
    """Write the visit's time as the office's clock shows it."""
    return visit.starts_at.astimezone(visit.office.tz).strftime("%H.%M")


def where_and_when(visit: Visit) -> str:
    """Write time and place in the active language."""
    when = _("%(day)s at %(time)s") % {"day": day(visit), "time": clock(visit)}
    step_free = f" ({_('step-free entrance')})" if visit.office.step_free else ""
    return f"{when}\n{visit.office.address}{step_free}"


def errand(visit: Visit) -> str:
    """Name what the visit is for in the active language, or "" when nobody said."""
    asked = declared(visit.action)
    return str(asked.errand) if asked else ""


def number(visit: Visit) -> str:
    """Return the number at which the customer reaches us."""
    return visit.organisation.number_to_call or settings.IVR_NUMBER


def _errand(visit: Visit) -> list[str]:
    named = errand(visit)
    return [_("Your errand: %(errand)s.") % {"errand": named}] if named else []


def _link(visit: Visit) -> str:
    return _("See the list and confirm what you have: %(link)s") % {"link": keys.issue_link(visit)}


def _send(visit: Visit, contact: ContactChange, title: str, parts: list[str], about: str, at: datetime) -> None:
    send(
        subject=str(contact.customer.pseudonym),
        channel=CHANNELS[contact.kind],
        address=contact.value,
        language=visit.language,
        title=title,
        text="\n\n".join(parts),
        about=about,
        reference=None,
        at=at,
        organisation=str(visit.organisation_id),
    )
