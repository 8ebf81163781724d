"""Visits through the API: the day's list of an office, and one visit, for those who receive it at the desk."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from verification.api.attempts import problem
from verification.api.base import Endpoint
from verification.models import Customer, Staff
from visits.models import Office, Visit, VisitEvent

RECEIVING = frozenset({Staff.Role.CLERK, Staff.Role.SUPERVISOR})


class DaySerializer(serializers.Serializer[Any]):
    """Which day of which office; today and every office of the organisation, unless said."""

    office = serializers.UUIDField(required=False)
    day = serializers.DateField(required=False)


class VisitSerializer(serializers.Serializer[Any]):
    """One visit, without the customer's name: the record opens at the desk, once his papers are complete."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=Visit.State.choices)
    office = serializers.UUIDField()
    desk = serializers.IntegerField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    action = serializers.CharField(allow_blank=True)
    language = serializers.ChoiceField(choices=Customer.Language.choices)


class HappenedSerializer(serializers.Serializer[Any]):
    """One thing that happened to a visit."""

    kind = serializers.ChoiceField(choices=VisitEvent.Kind.choices)
    at = serializers.DateTimeField()


class WholeVisitSerializer(VisitSerializer):
    """One visit with what happened to it, and the desk's contact once he is here."""

    refusal = serializers.UUIDField(allow_null=True)
    interaction = serializers.UUIDField(allow_null=True)
    events = HappenedSerializer(many=True)


def _row(visit: Visit) -> dict[str, Any]:
    return {
        "id": visit.public_id,
        "state": visit.state,
        "office": visit.office.public_id,
        "desk": visit.desk,
        "starts_at": visit.starts_at,
        "ends_at": visit.ends_at,
        "action": visit.action,
        "language": visit.language,
    }


class Visits(Endpoint):
    """The day's list."""

    roles = RECEIVING

    @extend_schema(
        operation_id="visit_list",
        tags=["visits"],
        parameters=[
            OpenApiParameter("office", OpenApiTypes.UUID, description="All offices, unless one is named."),
            OpenApiParameter("day", OpenApiTypes.DATE, description="In the office's zone; today, unless named."),
        ],
        responses={200: VisitSerializer(many=True), (400, "application/problem+json"): problem("No such day.")},
    )
    def get(self, request: Request) -> Response:
        """List the visits of one day, the earliest first."""
        asked = DaySerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        offices = Office.objects.filter(organisation_id=self.by.organisation_id)
        if "office" in asked.validated_data:
            offices = offices.filter(public_id=asked.validated_data["office"])
        day = asked.validated_data.get("day")
        found = [visit for office in offices for visit in _of_day(office, day or self.at.astimezone(office.tz).date())]
        return Response([_row(visit) for visit in sorted(found, key=lambda visit: visit.starts_at)])


def _of_day(office: Office, day: date) -> QuerySet[Visit]:
    begins = datetime.combine(day, time(), tzinfo=office.tz)
    ends = begins + timedelta(days=1)  # wall clock: the day on which clocks are turned has 23 or 25 hours
    return office.visits.filter(starts_at__gte=begins, starts_at__lt=ends).select_related("office")


class OneVisit(Endpoint):
    """One visit."""

    roles = RECEIVING

    @extend_schema(
        operation_id="visit_show",
        tags=["visits"],
        parameters=[OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The visit.")],
        responses={200: WholeVisitSerializer, (404, "application/problem+json"): problem("No such visit.")},
    )
    def get(self, request: Request, id: UUID) -> Response:
        """Show it with what happened to it."""
        ours = Visit.objects.filter(organisation_id=self.by.organisation_id)
        visit = ours.select_related("office", "refusal").filter(public_id=id).first()
        if visit is None:
            raise Http404
        desk = visit.desk_interaction
        return Response(
            _row(visit)
            | {
                "refusal": visit.refusal.public_id if visit.refusal else None,
                "interaction": desk.public_id if desk else None,
                "events": [{"kind": event.kind, "at": event.at} for event in visit.events.all()],
            }
        )
