"""Coming in and going out."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from verification import tokens
from verification.api.base import EVERYONE, Endpoint
from verification.api.problems import Problem
from verification.models import Staff, StaffToken

WRONG = _("The code was not accepted. Wait for the next one, and give that.")


class StaffTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped library
    """Describe the token to OpenAPI."""

    target_class = "verification.api.base.StaffTokenAuthentication"
    name = "staffToken"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """Return the security scheme."""
        return {
            "type": "apiKey", "in": "header", "name": "Authorization",
            "description": "`Token` and a space before the token that POST /api/v1/tokens/ gives.",
        }  # fmt: skip


class ProofSerializer(serializers.Serializer[tokens.Proof]):
    """User name, password and the code that the second factor shows now."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=256, trim_whitespace=False, style={"input_type": "password"})
    otp = serializers.CharField(max_length=12)


class TokenSerializer(serializers.Serializer[StaffToken]):
    """The token in clear, this once."""

    token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    role = serializers.ChoiceField(choices=Staff.Role.choices)


class Tokens(Endpoint):
    """Password and second factor for a token."""

    authentication_classes = []
    permission_classes = []

    @extend_schema(
        operation_id="token_issue", auth=[], request=ProofSerializer, responses={200: TokenSerializer}, tags=["tokens"]
    )
    def post(self, request: Request) -> Response:
        """Give a token that lives 60 minutes. Whatever was wrong, the answer is the same 401."""
        typed = ProofSerializer(data=request.data)
        typed.is_valid(raise_exception=True)
        proof = tokens.Proof(**{**typed.validated_data, "otp": "".join(typed.validated_data["otp"].split())})
        try:
            word, token = tokens.issue(proof, request=request._request, address=self.address, at=self.at)
        except tokens.NotProven as error:
            raise Problem("unauthenticated") from error
        return Response({"token": word, "expires_at": token.expires_at, "role": token.role})


class FactorSerializer(serializers.Serializer[str]):
    """The code that the second factor shows now."""

    otp = serializers.CharField(max_length=12)


class CurrentToken(Endpoint):
    """The token that the request itself bears."""

    roles = EVERYONE

    @extend_schema(
        operation_id="token_step_up", request=FactorSerializer, responses={200: TokenSerializer}, tags=["tokens"]
    )
    def post(self, request: Request) -> Response:
        """Give the second factor again, for a fresh token in this one's place; it ends when this one would have."""
        typed = FactorSerializer(data=request.data)
        typed.is_valid(raise_exception=True)
        otp = "".join(typed.validated_data["otp"].split())
        try:
            word, token = tokens.step_up(
                _token(request), otp, request=request._request, address=self.address, at=self.at
            )
        except tokens.NotProven as error:
            raise Problem("step-up", detail=str(WRONG)) from error
        return Response({"token": word, "expires_at": token.expires_at, "role": token.role})

    @extend_schema(
        operation_id="token_revoke",
        request=None,
        tags=["tokens"],
        responses={204: OpenApiResponse(description="Ended.")},
    )
    def delete(self, request: Request) -> Response:
        """End it now."""
        tokens.revoke(_token(request), address=self.address, at=self.at)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _token(request: Request) -> StaffToken:
    if not isinstance(request.auth, StaffToken):
        raise Problem("unauthenticated")
    return request.auth
