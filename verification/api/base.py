"""What every endpoint of the API shares: who may come, what is read and answered, and the one reading of the clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from axes.helpers import get_client_ip_address
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from verification import tokens
from verification.api import problems
from verification.api.parsing import StrictJSON
from verification.models import Staff, StaffToken

SERVING = frozenset({Staff.Role.AGENT, Staff.Role.CLERK, Staff.Role.SUPERVISOR})
EVERYONE = frozenset(Staff.Role)


class StaffTokenAuthentication(BaseAuthentication):
    """`Authorization: Token ...`; whatever is wrong with it gives one and the same 401."""

    def authenticate(self, request: Request) -> tuple[Staff, StaffToken] | None:
        """Return who holds the token, and the token; None when the header is absent."""
        header = get_authorization_header(request).split()
        if not header:
            return None
        if len(header) != 2 or header[0].lower() != b"token" or len(header[1]) > 100:
            raise AuthenticationFailed
        token = tokens.holder(header[1].decode("latin-1"), at=timezone.now())
        if token is None:
            raise AuthenticationFailed
        return token.staff, token

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme, for 401's WWW-Authenticate."""
        return "Token"


class OfRole(BasePermission):
    """Let in the roles that the endpoint names; one that names none lets nobody in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the token's role is among the endpoint's."""
        return isinstance(request.user, Staff) and request.user.role in getattr(view, "roles", ())


class Endpoint(APIView):
    """One address of the API. `roles` are those who may come; `at` is the moment that the request is judged by."""

    authentication_classes = [StaffTokenAuthentication]
    permission_classes = [OfRole]
    parser_classes = [StrictJSON]
    renderer_classes = [JSONRenderer]
    metadata_class = None
    roles: frozenset[str] = frozenset()
    weighty = False  # asks for the second factor of the last ten minutes, as the staff's pages do
    at: datetime

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Read the clock once, then see who comes."""
        self.at = timezone.now()
        super().initial(request, *args, **kwargs)
        if self.weighty and not (isinstance(request.auth, StaffToken) and tokens.fresh(request.auth, self.at)):
            raise problems.Problem("step-up", max_age=int(tokens.FRESH.total_seconds()))

    def get_exception_handler(self) -> Any:
        """Answer every error as a problem."""
        return problems.answer

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Let nobody on the way keep an answer (ASVS 14.3.2)."""
        final = super().finalize_response(request, response, *args, **kwargs)
        final["Cache-Control"] = "no-store"
        return final

    @property
    def by(self) -> Staff:
        """Return who asks; only behind authentication."""
        staff = self.request.user
        if not isinstance(staff, Staff):
            raise problems.Problem("unauthenticated")
        return staff

    @property
    def address(self) -> str:
        """Return the other end's address, as our own proxies tell it."""
        return str(get_client_ip_address(self.request._request) or "")


class Nothing(Endpoint):
    """Any address under /api/v1/ that is none of ours."""

    authentication_classes = []
    permission_classes = []
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Answer 404, whatever the method."""
        raise problems.Problem("not-found")


class ProblemKind(Endpoint):
    """What one `type` of problem means, for whoever follows its address."""

    authentication_classes = []
    permission_classes = []
    schema = None

    def get(self, request: Request, code: str) -> Response:
        """Return its title and status."""
        return Response(problems.described(code))
