"""Every address of the API x every role. Auditors and administrators reach nothing of a customer's."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import URLPattern

from contactcentre.api import urlpatterns
from tests.api_client import Api, is_problem, now
from tests.cast import Cast

ROLES = {
    "AGENT": "agent_aino", "CLERK": "clerk_kalle", "SUPERVISOR": "supervisor",
    "AUDITOR": "auditor", "ADMINISTRATOR": "administrator",
}  # fmt: skip
SERVING, RECEIVING, ALL = {"AGENT", "CLERK", "SUPERVISOR"}, {"CLERK", "SUPERVISOR"}, set(ROLES)
DECIDING = {"SUPERVISOR"}
MATRIX: dict[tuple[str, str], set[str]] = {
    ("DELETE", "tokens/current/"): ALL,
    ("POST", "tokens/current/"): ALL,
    ("GET", "actions/"): ALL,
    ("GET", "interactions/"): SERVING,
    ("POST", "interactions/"): SERVING,
    ("GET", "interactions/<uuid:id>/"): SERVING,
    ("POST", "interactions/<uuid:id>/take/"): SERVING,
    ("POST", "interactions/<uuid:id>/claim/"): SERVING,
    ("POST", "interactions/<uuid:id>/end/"): SERVING,
    ("GET", "interactions/<uuid:id>/prompts/"): SERVING,
    ("POST", "interactions/<uuid:id>/prompts/"): SERVING,
    ("POST", "interactions/<uuid:id>/register/"): SERVING,
    ("POST", "interactions/<uuid:id>/actions/<str:action>/"): SERVING,
    ("GET", "grants/<uuid:id>/receipt/"): SERVING,
    ("GET", "proposals/"): DECIDING,
    ("GET", "proposals/<uuid:id>/"): DECIDING,
    ("POST", "proposals/<uuid:id>/approve/"): DECIDING,
    ("POST", "proposals/<uuid:id>/reject/"): DECIDING,
    ("POST", "cases/"): SERVING,
    ("GET", "cases/<uuid:id>/"): SERVING,
    ("POST", "cases/<uuid:id>/close/"): SERVING,
    ("GET", "visits/"): RECEIVING,
    ("GET", "visits/<uuid:id>/"): RECEIVING,
}
OPEN = {"tokens/", "receipts/jwks/", "schema/", "docs/", "problems/<slug:code>/", ""}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SOMETHING = "7f8a1c1e-3f5b-4c55-9a51-2f1f5a7d1f3a"


def routes() -> set[str]:
    return {str(pattern.pattern) for pattern in urlpatterns if isinstance(pattern, URLPattern)}


def ask(api: Api, method: str, route: str, which: str = SOMETHING) -> Any:
    path = route.replace("<uuid:id>", which).replace("<str:action>", "request_callback")
    return api.client.generic(method, f"/api/v1/{path}", b"{}", content_type="application/json")


def test_the_matrix_names_every_address() -> None:
    assert {route for _, route in MATRIX} | OPEN == routes()


@pytest.mark.parametrize(("method", "route"), sorted(MATRIX))
def test_nobody_comes_in_without_a_token(cast: Cast, method: str, route: str) -> None:
    is_problem(ask(Api(cast), method, route), 401, "unauthenticated")


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize(("method", "route"), sorted(MATRIX))
def test_each_role_reaches_what_is_its_own(cast: Cast, method: str, route: str, role: str) -> None:
    call = cast.call(at=now(), by=ROLES[role] if role in SERVING else "agent_aino")
    answered = ask(Api(cast, ROLES[role]), method, route, str(call.public_id))
    if role in MATRIX[method, route]:
        assert answered.status_code not in (401, 403, 405, 500)
    else:
        is_problem(answered, 403, "refused" if "/actions/" in route else "not-allowed")


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("route", sorted({route for _, route in MATRIX}))
def test_no_address_takes_another_method(cast: Cast, route: str, role: str) -> None:
    api = Api(cast, ROLES[role])
    for method in METHODS:
        if (method, route) not in MATRIX:
            answered = ask(api, method, route)
            assert answered.status_code in (403, 405), method
            is_problem(answered, answered.status_code)
