"""The nouns of verification: who is served, who speaks, what was seen, what was decided."""

from verification.models.authenticators import (
    Authenticator,
    AuthenticatorEnd,
    AuthenticatorSetup,
    CodeTry,
    KeypadRoad,
    ListCode,
    ListCodeUse,
    Passkey,
    PasskeyEnd,
    PasskeyUse,
    SmsCode,
)
from verification.models.authority import Mandate, MandateEnd, RegisterAnswer
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
from verification.models.holds import ClosedAccount, Hold, HoldLift
from verification.models.interactions import Claim, Evidence, Interaction, NameSearch, Speaker
from verification.models.namesakes import SeparatingQuestion
from verification.models.prompts import (
    BrokerLogin,
    CibaRequest,
    Prompt,
    PromptEnd,
    PromptProgress,
    PromptToken,
)
from verification.models.proposals import Proposal, ProposalEnd
from verification.models.signals import Signal
from verification.models.staff import Organisation, Staff
from verification.models.staff_changes import StaffChange, StaffChangeApproval
from verification.models.tokens import StaffToken

__all__ = [
    "Authenticator",
    "AuthenticatorEnd",
    "AuthenticatorSetup",
    "Batch",
    "BrokerLogin",
    "CibaRequest",
    "Claim",
    "ClosedAccount",
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
    "Mandate",
    "MandateEnd",
    "NameSearch",
    "Opening",
    "Organisation",
    "ParkedMatter",
    "Passkey",
    "PasskeyEnd",
    "PasskeyUse",
    "Prompt",
    "PromptEnd",
    "PromptProgress",
    "PromptToken",
    "Proposal",
    "ProposalEnd",
    "Refusal",
    "RegisterAnswer",
    "SeparatingQuestion",
    "Signal",
    "SmsCode",
    "Speaker",
    "Spent",
    "Staff",
    "StaffChange",
    "StaffChangeApproval",
    "StaffToken",
    "Telling",
    "Tripwire",
]
