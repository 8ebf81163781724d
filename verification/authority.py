"""The right to act for a customer: a question apart from who speaks. For now only the customer himself has it."""

from __future__ import annotations

from verification.declarations import Declaration
from verification.models import Claim, Customer


def stated(action: Declaration, claim: Claim | None) -> bool:
    """Tell whether what the speaker himself says of his capacity can give the authority that the action asks for.

    Judged before the level, and from his own words alone: nothing of the record shows through.
    """
    return not action.scope or claim is None or claim.capacity == Claim.Capacity.SELF


def recorded(action: Declaration, customer: Customer | None) -> bool:
    """Tell whether the record lets the customer act alone: a company speaks through signatories, a ward through a
    guardian.

    Judged only once the level is reached, since the answer tells something of the record.
    """
    if not action.scope or customer is None:
        return True
    return customer.kind == Customer.Kind.PERSON and not customer.needs_guardian
