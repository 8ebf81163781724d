"""Contacts: open, list, look at, take, note a claim, end. What is in a record is never in here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from verification import interactions
from verification.api.attempts import problem
from verification.api.base import SERVING, Endpoint
from verification.api.catalogue import LevelField
from verification.api.problems import Problem
from verification.claims import TooMany, claim_number, join_and_claim
from verification.masking import standing
from verification.models import Claim, Customer, Evidence, Interaction, Staff

PAGE = 50
SERVED = ["ME", "COLLEAGUE", "NOBODY"]
ID = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The interaction.")


class ChannelField(serializers.ChoiceField):
    """A channel in capitals; small letters are taken too."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the channel's code."""
        return super().to_internal_value(data.upper() if isinstance(data, str) else data)


class OpeningSerializer(serializers.Serializer[Any]):
    """How the contact came in, and the language spoken in it."""

    channel = ChannelField(choices=Interaction.Channel.choices)
    language = serializers.ChoiceField(choices=Customer.Language.choices, default=Customer.Language.FI)


class RowSerializer(serializers.Serializer[Any]):
    """One live contact as the queue shows it."""

    id = serializers.UUIDField()
    channel = serializers.ChoiceField(choices=Interaction.Channel.choices)
    language = serializers.ChoiceField(choices=Customer.Language.choices)
    keypad = serializers.ChoiceField(choices=Interaction.Keypad.choices)
    started_at = serializers.DateTimeField()
    waiting_since = serializers.DateTimeField(allow_null=True)
    served = serializers.ChoiceField(choices=SERVED)


class PageSerializer(serializers.Serializer[Any]):
    """A page of the queue; `next` is the cursor of the following page, or null."""

    results = RowSerializer(many=True)
    next = serializers.UUIDField(allow_null=True)


class MadeSerializer(serializers.Serializer[Any]):
    """Whether a customer has been named, never which, nor whether he exists."""

    made = serializers.BooleanField()
    capacity = serializers.ChoiceField(choices=Claim.Capacity.choices, allow_null=True)


class StandingSerializer(RowSerializer):
    """One contact with the level that its evidence gives now, and until when."""

    level = LevelField()
    until = serializers.DateTimeField(allow_null=True)
    claim = MadeSerializer()
    evidence = serializers.ListField(child=serializers.ChoiceField(choices=Evidence.Kind.choices))
    ended_at = serializers.DateTimeField(allow_null=True)


class ClaimSerializer(serializers.Serializer[Any]):
    """Who the speaker says that he speaks for, in which capacity, and when it is another, who he is himself.

    `another_speaker` notes it of one more who is heard: those who act together are all claimed in one contact.
    """

    customer_number = serializers.RegexField(r"^[0-9]{8}$")
    capacity = serializers.ChoiceField(choices=Claim.Capacity.choices, default=Claim.Capacity.SELF)
    own_number = serializers.RegexField(r"^[0-9]{8}$", required=False)
    another_speaker = serializers.BooleanField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a number of his own in his own matter, and one more speaker who speaks for nobody."""
        himself = attrs["capacity"] == Claim.Capacity.SELF
        if himself and attrs.get("own_number"):
            raise serializers.ValidationError({"own_number": [_("In his own matter one number is enough.")]})
        if attrs["another_speaker"] and himself:
            raise serializers.ValidationError({"another_speaker": [_("One more speaker speaks for another.")]})
        return attrs


class NotedSerializer(serializers.Serializer[Any]):
    """The same answer whether or not there is such a customer; `speaker` is who said it, to ask him by himself."""

    noted = serializers.BooleanField()
    speaker = serializers.UUIDField()


def of_organisation(by: Staff) -> QuerySet[Interaction]:
    """Return the interactions of the asker's own organisation."""
    return Interaction.objects.filter(organisation_id=by.organisation_id)


def found(by: Staff, id: UUID) -> Interaction:
    """Return one of them. Raises Http404."""
    interaction = of_organisation(by).filter(public_id=id).first()
    if interaction is None:
        raise Http404
    return interaction


def served_by(by: Staff, id: UUID) -> Interaction:
    """Return one that `by` serves. Raises Http404, or Problem not-serving."""
    interaction = found(by, id)
    if interaction.served_by_id != by.pk:
        raise Problem("not-serving")
    return interaction


def row(interaction: Interaction, by: Staff) -> dict[str, Any]:
    """Describe a contact as the queue shows it."""
    served = {None: "NOBODY", by.pk: "ME"}.get(interaction.served_by_id, "COLLEAGUE")
    return {
        "id": str(interaction.public_id),
        "channel": interaction.channel,
        "language": interaction.language,
        "keypad": interaction.keypad,
        "started_at": interaction.started_at,
        "waiting_since": interaction.waiting_since,
        "served": served,
    }


class Interactions(Endpoint):
    """The queue, and contacts that staff open by hand."""

    roles = SERVING

    @extend_schema(
        operation_id="interaction_list",
        tags=["interactions"],
        parameters=[OpenApiParameter("cursor", OpenApiTypes.UUID, description="`next` of the page before.")],
        responses={200: PageSerializer, (400, "application/problem+json"): problem("No such cursor.")},
    )
    def get(self, request: Request) -> Response:
        """List live contacts, the oldest first: those that wait and one's own; a supervisor sees all of them."""
        shown = of_organisation(self.by).filter(ended_at=None, pk__gt=self._after())
        if self.by.role != Staff.Role.SUPERVISOR:
            shown = shown.filter(Q(served_by=self.by) | Q(served_by=None, waiting_since__isnull=False))
        rows = list(shown.order_by("pk")[: PAGE + 1])
        more = str(rows[PAGE - 1].public_id) if len(rows) > PAGE else None
        return Response({"results": [row(one, self.by) for one in rows[:PAGE]], "next": more})

    def _after(self) -> int:
        given = self.request.query_params.get("cursor")
        if given is None:
            return 0
        try:
            return of_organisation(self.by).get(public_id=UUID(given)).pk
        except (ValueError, Interaction.DoesNotExist) as error:
            raise Problem("malformed", errors={"cursor": ["?"]}) from error

    @extend_schema(
        operation_id="interaction_open",
        tags=["interactions"],
        request=OpeningSerializer,
        responses={201: StandingSerializer, (400, "application/problem+json"): problem("No such channel or language.")},
    )
    def post(self, request: Request) -> Response:
        """Open a contact by hand, served by the asker. It starts at NONE and opens no record."""
        asked = OpeningSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        opened = interactions.open_by_staff(self.by, at=self.at, **asked.validated_data)
        return Response(detail(opened, self), status=status.HTTP_201_CREATED)


def detail(interaction: Interaction, endpoint: Endpoint) -> dict[str, Any]:
    """Describe a contact with the level held at the endpoint's moment."""
    claim, held = standing(interaction, endpoint.at)
    kinds = Evidence.objects.filter(claim=claim).order_by("pk").values_list("kind", flat=True) if claim else []
    return row(interaction, endpoint.by) | {
        "level": held.level.name,
        "until": held.until,
        "claim": {"made": claim is not None, "capacity": claim.capacity if claim else None},
        "evidence": list(kinds),
        "ended_at": interaction.ended_at,
    }


class OneInteraction(Endpoint):
    """One contact."""

    roles = SERVING

    @extend_schema(
        operation_id="interaction_show", tags=["interactions"], parameters=[ID], responses=StandingSerializer
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Show it to who serves it, and to a supervisor."""
        supervisor = self.by.role == Staff.Role.SUPERVISOR
        return Response(detail(found(self.by, id) if supervisor else served_by(self.by, id), self))


class Taking(Endpoint):
    """Taking a contact from the queue."""

    roles = SERVING

    @extend_schema(
        operation_id="interaction_take",
        tags=["interactions"],
        parameters=[ID],
        request=None,
        responses={200: StandingSerializer, (409, "application/problem+json"): problem("Taken, or over.")},
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Serve it from now on. Who serves it already changes nothing."""
        found(self.by, id)
        try:
            return Response(detail(interactions.take(id, by=self.by, at=self.at), self))
        except interactions.Taken as error:
            raise Problem("taken") from error
        except interactions.Ended as error:
            raise Problem("ended") from error


class Claiming(Endpoint):
    """Noting whom the speaker says that he speaks for."""

    roles = SERVING

    @extend_schema(
        operation_id="interaction_claim",
        tags=["interactions"],
        parameters=[ID],
        request=ClaimSerializer,
        responses={
            200: NotedSerializer,
            (409, "application/problem+json"): problem("The contact is over."),
            (429, "application/problem+json"): problem("Too many customers were tried."),
        },
    )
    def post(self, request: Request, id: UUID) -> Response:
        """Note the claim, which voids all earlier evidence. Whether there is such a customer is not told."""
        served_by(self.by, id)
        asked = ClaimSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            claim = self._note(id, asked.validated_data)
        except interactions.Ended as error:
            raise Problem("ended") from error
        except TooMany as error:
            raise Problem("too-many") from error
        return Response({"noted": True, "speaker": str(claim.speaker.public_id)})

    def _note(self, id: UUID, said: dict[str, Any]) -> Claim:
        number, own = said["customer_number"], said.get("own_number", "")
        if said["another_speaker"]:
            return join_and_claim(id, number, capacity=said["capacity"], own_number=own, by=self.by, at=self.at)
        return claim_number(
            id, number, capacity=said["capacity"], source=Claim.Source.STAFF, by=self.by, at=self.at, own_number=own
        )


class Ending(Endpoint):
    """Ending a contact, and with it all its evidence."""

    roles = SERVING

    @extend_schema(
        operation_id="interaction_end",
        tags=["interactions"],
        parameters=[ID],
        request=None,
        responses=StandingSerializer,
    )
    def post(self, request: Request, id: UUID) -> Response:
        """End it. Ending what has ended changes nothing."""
        served_by(self.by, id)
        interactions.end(id, by=self.by, at=self.at)
        return Response(detail(found(self.by, id), self))
