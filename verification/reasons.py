"""Why the gate says no, and what each reader of a refusal is told.

Each reason has words for the caller and for the staff.
"""

from __future__ import annotations

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Reason(models.TextChoices):
    UNDECLARED = "UNDECLARED", _("no such action")
    NOT_LIVE = "NOT_LIVE", _("the contact is not open")
    NOT_SERVING = "NOT_SERVING", _("a colleague serves this contact")
    ROLE = "ROLE", _("not this role's work")
    OWN_MATTER = "OWN_MATTER", _("a matter of his own or of his family")
    NO_CLAIM = "NO_CLAIM", _("no customer has been named")
    AUTHORITY = "AUTHORITY", _("the right to act has not been shown")
    LEVEL = "LEVEL", _("the level of assurance is too low")
    STALE = "STALE", _("the evidence is too old for this")
    CONTACT = "CONTACT", _("the evidence rests on the contact that would change")
    NOT_APPROVED = "NOT_APPROVED", _("not yet approved by the customer himself")
    HOLD = "HOLD", _("a hold or freeze is in force")
    CLOSED = "CLOSED", _("the account has been closed")
    CAP = "CAP", _("done as often as it may be")
    SECOND_PERSON = "SECOND_PERSON", _("a second person must decide")
    NOT_DUE = "NOT_DUE", _("there is nothing left for it to do")
    LOG_BEHIND = "LOG_BEHIND", _("an interruption on our side")
    FAILED = "FAILED", _("it could not be carried out")


# Said to the caller. One sentence for all that could tell a stranger something: no customer, wrong code
# and hold sound alike.
_PROVE = _(
    "Your affairs are kept safe for you, so we first make sure that they are in the right hands. It is the same "
    "for everyone."
)
_ELSEWHERE = _("I am sorry, this cannot be done just now, but your matter is not lost.")

CALLER: dict[str, Promise] = {
    Reason.NO_CLAIM: _PROVE,
    Reason.LEVEL: _PROVE,
    Reason.STALE: _("Some time has passed since we made sure that it is you, so for this we do it once more."),
    Reason.CONTACT: _("As this contact is the one to be changed, we make sure in another way that it is you."),
    Reason.AUTHORITY: _(
        "When somebody acts for another, we also need to see the right to do so. That protects the one who is "
        "spoken for."
    ),
    Reason.NOT_APPROVED: _("For this we ask you to look at it yourself and to approve exactly what will be done."),
    Reason.HOLD: _(
        "Your account is under protection at the moment, and the protection works. We will see together how it is"
        " lifted."
    ),
    Reason.CLOSED: _("This account has been closed at the customer's own wish, so nothing is done in it any more."),
    Reason.CAP: _("This has been done as often as it may be for now, for your safety."),
    Reason.LOG_BEHIND: _(
        "There is an interruption on our side just now. It has nothing to do with you, and nothing of yours is lost."
    ),
    Reason.SECOND_PERSON: _("For your safety, two of us look at this before it is done."),
}

# Read by the agent: what to do next.
STAFF: dict[str, Promise] = {
    Reason.UNDECLARED: _("There is no such action. Choose one from the list."),
    Reason.NOT_LIVE: _("This contact has ended. Open the one that is on the line now."),
    Reason.NOT_SERVING: _(
        "You do not serve this contact. Take it from the queue, or leave it to the colleague who has it."
    ),
    Reason.ROLE: _("Your role does not do this. Pass the contact to a colleague whose role does."),
    Reason.OWN_MATTER: _("You may not serve yourself, your family or your household. Pass the contact to a colleague."),
    Reason.NO_CLAIM: _("Ask for the customer number first, or let the caller type it on the keypad."),
    Reason.AUTHORITY: _(
        "Ask nothing more on the phone: the right to act is shown with papers, and so is the age of one whose date of "
        "birth we don't have. Offer a way below."
    ),
    Reason.LEVEL: _("Read the sentence aloud and offer the ways below, the first one first."),
    Reason.STALE: _("The proof is too old for this action. Offer a way below to renew it."),
    Reason.CONTACT: _("The proof leans on the contact that would change. Offer a way below that does not."),
    Reason.NOT_APPROVED: _("Send him the request with exactly these particulars, then ask for the action once more."),
    Reason.HOLD: _("A hold is in force. It can be lifted once the caller is proven; offer a way below."),
    Reason.CLOSED: _("The account is closed and stays closed. Take his question down, or offer a way below."),
    Reason.CAP: _("The limit for this action is reached. Do not promise a date; offer a way below."),
    Reason.SECOND_PERSON: _("This takes a second person. Ask a colleague, or offer a way below."),
    Reason.NOT_DUE: _("It has been done already, or there is nothing to do."),
    Reason.LOG_BEHIND: _(
        "The log is behind, so nothing that weighs is done for anybody now; what protects goes on. Offer to call back,"
        " and tell the operator if it lasts."
    ),
    Reason.FAILED: _("Nothing was changed. Try once more; if it fails again, open a case and tell the operator."),
}


def to_caller(reason: str) -> str:
    """Return the sentence said to the caller, in the active language."""
    return str(CALLER.get(reason, _ELSEWHERE))


def to_staff(reason: str) -> str:
    """Return what the agent should do next, in the active language."""
    return str(STAFF[reason])
