"""Several who stand at one desk: whose document lies on it is named by the clerk, and it proves nobody else."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from verification import masking
from verification.models import Claim, Interaction, Speaker
from verification.scene import claims_of_all


def speaker_of(request: HttpRequest, interaction_id: UUID | None) -> UUID | None:
    """Return the speaker of this contact whom a form or an address names, None when it names none. Raises Http404."""
    named = request.POST.get("speaker") or request.GET.get("speaker")
    if not named:
        return None
    if interaction_id is None:
        raise Http404
    try:
        found = Speaker.objects.filter(interaction__public_id=interaction_id, public_id=UUID(named)).first()
    except ValueError:
        found = None
    if found is None:
        raise Http404
    return found.public_id


def who(claim: Claim) -> str:
    """Name a speaker as the desk tells him from the others: his place among them and his capacity, "" when alone."""
    order = list(claim.speaker.interaction.speakers.order_by("pk").values_list("pk", flat=True))
    if len(order) == 1:
        return ""
    place = {"place": order.index(claim.speaker_id) + 1, "capacity": claim.get_capacity_display()}
    return _("speaker %(place)d, %(capacity)s") % place


def choices(here: Interaction, chosen: UUID | None, at: datetime) -> list[dict[str, Any]]:
    """Return who stands at the desk when there are several, each with how sure we are of him; [] for one alone."""
    claims = claims_of_all(here)
    if len(claims) < 2:
        return []
    first = claims[0].speaker.public_id
    return [
        {
            "speaker": claim.speaker.public_id,
            "who": who(claim),
            "level": masking.held_by(claim, here, at).level.label,
            "chosen": claim.speaker.public_id == (chosen or first),
        }
        for claim in claims
    ]
