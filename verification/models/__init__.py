"""The nouns of verification: who is served, who speaks, what was seen, what was decided."""

from verification.models.authenticators import Authenticator, CodeTry, KeypadRoad, ListCode, ListCodeUse
from verification.models.batches import Batch
from verification.models.customers import ContactChange, ContactVeto, Customer
from verification.models.decisions import (
    DecisionKey,
    Grant,
    Opening,
    ParkedMatter,
    Refusal,
    Spent,
    Telling,
    Tripwire,
)
from verification.models.holds import Hold, HoldLift
from verification.models.interactions import Claim, Evidence, Interaction, NameSearch, Speaker
from verification.models.staff import Organisation, Staff
from verification.models.tokens import StaffToken

__all__ = [
    "Authenticator",
    "Batch",
    "Claim",
    "CodeTry",
    "ContactChange",
    "ContactVeto",
    "Customer",
    "DecisionKey",
    "Evidence",
    "Grant",
    "Hold",
    "HoldLift",
    "Interaction",
    "KeypadRoad",
    "ListCode",
    "ListCodeUse",
    "NameSearch",
    "Opening",
    "Organisation",
    "ParkedMatter",
    "Refusal",
    "Speaker",
    "Spent",
    "Staff",
    "StaffToken",
    "Telling",
    "Tripwire",
]
