"""The erasure of former customers, and which columns of this room it empties."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from verification import erasing, guard
from verification.declarations import Occasion, Result, action
from verification.forms import NoParameters
from verification.levels import Level

guard.may_be_emptied(
    "verification.Customer", "number", "family_name", "given_names", "birth_date", "account", "identity_mark"
)
guard.may_be_emptied("verification.ContactChange", "value")
guard.may_be_emptied("verification.Authenticator", "sealed_secret")
guard.may_be_emptied("verification.ListCode", "hashed")
guard.may_be_emptied("verification.Passkey", "credential_id", "credential_digest", "public_key")
guard.may_be_emptied("verification.Mandate", "evidence")
guard.may_be_emptied("verification.Claim", "mark", "person_mark")


@action(
    name="erase_customers",
    label=_("Forget former customers"),
    required=Level.NONE,
    because=(
        "A former customer has the right to be forgotten once no law makes us keep him (GDPR art. 17); what is gone "
        "never comes back, so two people agree on it."
    ),
    form=NoParameters,
    origin="batch",
    roles=frozenset({"ADMINISTRATOR", "SUPERVISOR"}),
    erases=True,
)
def erase_customers(occasion: Occasion) -> Result:
    """Forget those of the list whose account has been closed for long enough and who have nothing under way."""
    batch = occasion.grant.batch
    if batch is None or occasion.by is None:
        raise LookupError("an erasure without its list")
    return erasing.carry_out(batch, by=occasion.by, at=occasion.at)
