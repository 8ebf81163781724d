"""What a caller has that can carry a proof: from his record once he is known, from the house's fittings before."""

from __future__ import annotations

from verification import roads
from verification.attempts import Attempt
from verification.levels import Level
from verification.models import ContactChange, Passkey
from verification.ways import USABLE

CARRIES = frozenset({ContactChange.Kind.PHONE.value, ContactChange.Kind.EMAIL.value})


def usable(asked: Attempt) -> frozenset[str]:
    """Return which of `ways.USABLE` this caller can use now.

    Below LOW it is asked of nobody's record: what a stranger is offered tells nothing of who has which contact.
    """
    e_id = frozenset({"E_ID"} if roads.with_login() else ())
    possible = roads.by_passkey() > Level.NONE
    claim = asked.scene.claim
    if asked.held.level < Level.LOW or claim is None or claim.person is None:
        return (USABLE - {"E_ID", "PASSKEY"}) | e_id | frozenset({"PASSKEY"} if possible else ())
    contacts = claim.person.recorded_contacts(asked.at)
    found = {each.kind for each in contacts if each.kind in CARRIES and each.quarantined_until <= asked.at}
    keys = Passkey.objects.in_force(asked.at).filter(customer=claim.person)
    return frozenset(found) | e_id | frozenset({"PASSKEY"} if possible and keys.exists() else ())
