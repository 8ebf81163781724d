"""The nouns of visits: where people are received, when they come, what they bring, and what is still to be done."""

from visits.models.checklists import ChecklistItem, ItemAccepted, ItemConfirmed
from visits.models.keys import VisitCode, VisitToken
from visits.models.offices import AbilityHours, Office, OfficeException, OfficeHours
from visits.models.visits import IdentityTry, SeenDocument, Visit, VisitEvent
from visits.models.work import Escalation, Reminder

__all__ = [
    "AbilityHours",
    "ChecklistItem",
    "Escalation",
    "IdentityTry",
    "ItemAccepted",
    "ItemConfirmed",
    "Office",
    "OfficeException",
    "OfficeHours",
    "Reminder",
    "SeenDocument",
    "Visit",
    "VisitCode",
    "VisitEvent",
    "VisitToken",
]
