"""Receipts of grants, and the keys with which anybody can check them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from verification import receipts
from verification.api.base import SERVING, Endpoint
from verification.models import Grant, Staff

FRESH = 300  # seconds for which a copy of the keys may be kept; a new key is published well before it signs
ID = OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The grant.")


class ReceiptSerializer(serializers.Serializer[Any]):
    """A signed receipt: a compact JWS, see docs/receipts.md."""

    receipt = serializers.CharField()


class KeySerializer(serializers.Serializer[Any]):
    """One public key (RFC 7517, RFC 8037)."""

    kty = serializers.CharField()
    crv = serializers.CharField()
    x = serializers.CharField()
    kid = serializers.CharField(help_text="The key's thumbprint (RFC 7638).")
    use = serializers.CharField()
    alg = serializers.CharField()


class KeysSerializer(serializers.Serializer[Any]):
    """A JWK Set."""

    keys = KeySerializer(many=True)


class Receipts(Endpoint):
    """The receipt of one grant."""

    roles = SERVING

    @extend_schema(operation_id="grant_receipt", tags=["receipts"], parameters=[ID], responses=ReceiptSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Sign it anew, for ten minutes: to who serves or served the contact, and to a supervisor."""
        grant = _seen_by(self.by).filter(public_id=id).select_related("customer").first()
        if grant is None:
            raise Http404
        try:
            return Response({"receipt": receipts.signed(grant, at=self.at)})
        except receipts.NoReceipt as error:
            raise Http404 from error


def _seen_by(by: Staff) -> QuerySet[Grant]:
    """Return the grants of the asker's organisation whose contact he may see."""
    own = Grant.objects.filter(organisation_id=by.organisation_id)
    return own if by.role == Staff.Role.SUPERVISOR else own.filter(interaction__served_by=by)


def of(grant: Grant, endpoint: Endpoint) -> str | None:
    """Return the receipt that goes with an answer, or None where there can be none: what was done stays done."""
    try:
        return receipts.signed(grant, at=endpoint.at)
    except receipts.NoReceipt:
        return None


class Keys(Endpoint):
    """The public keys. Open to all: they let a receipt be checked and nothing be signed."""

    authentication_classes = []
    permission_classes = []

    @extend_schema(operation_id="receipt_keys", tags=["receipts"], auth=[], responses=KeysSerializer)
    def get(self, request: Request) -> Response:
        """Return the JWK Set: the key in use, and those whose receipts may still be good."""
        return Response(receipts.published())

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Let everybody keep a copy for five minutes."""
        final = super().finalize_response(request, response, *args, **kwargs)
        final["Cache-Control"] = f"public, max-age={FRESH}"
        return final
