"""Who bears a name: counted, never listed; the name is kept, sealed, while it may be asked which one is calling."""

from __future__ import annotations

import hmac
import json
from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.db.models import QuerySet

from audit import keys
from verification.models import Customer, Interaction, NameSearch, SeparatingQuestion


def bearers(interaction: Interaction, *, family_name: str, given_names: str) -> QuerySet[Customer]:
    """Return those of the contact's organisation who bear a name, however it is cased."""
    return Customer.objects.filter(
        organisation_id=interaction.organisation_id,
        family_name__iexact=family_name.strip(),
        given_names__iexact=given_names.strip(),
    )


def offer(search: NameSearch, *, family_name: str, given_names: str) -> SeparatingQuestion:
    """Note that the caller may be asked which bearer of this name he is; names looked up before are forgotten."""
    interaction = search.interaction
    forget(interaction, at=search.searched_at)
    offered = SeparatingQuestion(
        search=search, interaction=interaction, mark=mark_of(interaction, family_name, given_names)
    )
    name = json.dumps([family_name.strip()[:120], given_names.strip()[:120]])
    offered.sealed_name = keys.seal(name, context=_context(offered))
    offered.save(force_insert=True)
    return offered


def name_of(question: SeparatingQuestion) -> tuple[str, str]:
    """Return (family name, given names) of a question that is not settled yet."""
    family, given = json.loads(keys.unseal(bytes(question.sealed_name), context=_context(question)))
    return family, given


def forget(interaction: Interaction, *, at: datetime) -> None:
    """Settle whatever may still be asked in a contact, or is, and forget the name. One statement, whatever there is."""
    unsettled = SeparatingQuestion.objects.filter(interaction=interaction, settled_at=None)
    unsettled.update(state=SeparatingQuestion.State.OVER, sealed_name=b"", settled_at=at)


def mark_of(interaction: Interaction, family_name: str, given_names: str) -> str:
    """Return the keyed hash that stands for a name in one organisation, somebody's or nobody's (HMAC-SHA-256, hex)."""
    name = json.dumps([interaction.organisation_id, family_name.strip().casefold(), given_names.strip().casefold()])
    return hmac.new(settings.FIELD_KEY, b"name\x00" + name.encode(), sha256).hexdigest()


def _context(question: SeparatingQuestion) -> str:
    return f"namesakes:{question.public_id}"
