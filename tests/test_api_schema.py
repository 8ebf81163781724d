"""The API's own description: OpenAPI 3.1, true to the declarations, and no request made from it gets a 500."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from drf_spectacular.validation import validate_schema
from hypothesis import strategies
from jsonschema import Draft202012Validator
from schemathesis.checks import content_type_conformance, not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.actions_asked import VALID
from tests.api_client import Api, is_problem, now, token_of
from tests.cast import Cast
from verification.api.parameters import schema_of
from verification.declarations import all_declared

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
LIVE = [declared for declared in all_declared() if declared.origin == "live"]


@pytest.fixture
def document(db: None) -> dict[str, Any]:
    answered = Api(Cast(None)).get("schema/")  # type: ignore[arg-type]  # nobody asks
    assert answered.status_code == 200
    found: dict[str, Any] = answered.json()
    return found


def test_the_document_is_openapi_3_1_and_in_order(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    validate_schema(document)
    for method in (way for path in document["paths"].values() for way in path.values()):
        assert method["operationId"]
        assert "default" in method["responses"]


def test_it_names_the_parameters_of_every_action_that_can_be_asked_for(document: dict[str, Any]) -> None:
    attempt = document["paths"]["/api/v1/interactions/{id}/actions/{action}/"]["post"]
    assert {"200", "202", "400", "403", "503"} <= set(attempt["responses"])
    for declared in LIVE:
        described = document["components"]["schemas"][f"{declared.name}_parameters"]
        assert set(described["properties"]) == set(declared.form.base_fields)


@pytest.mark.parametrize("declared", all_declared(), ids=lambda declared: declared.name)
def test_a_forms_schema_is_json_schema_and_takes_what_the_form_takes(declared: Any) -> None:
    described = schema_of(declared.form)
    Draft202012Validator.check_schema(described)
    if declared.name in VALID:
        Draft202012Validator(described).validate(VALID[declared.name])
    assert not Draft202012Validator(described).is_valid({"no such parameter": 1})


def test_the_page_is_for_staff_with_both_factors_only(cast: Cast) -> None:
    api = Api(cast)
    assert api.get("docs/").status_code == 302
    api.client.force_login(cast.agent_aino, backend="django.contrib.auth.backends.ModelBackend")
    assert api.get("docs/").status_code == 302  # a password alone
    is_problem(api.get("problems/nonsense/"), 404)


@pytest.mark.slow
def test_no_request_made_from_the_document_gets_a_500(live_cast: Cast) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/", get_wsgi_application())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 25
    for operation in operations:
        _knock(operation, live_cast)


def _knock(operation: Any, cast: Cast) -> None:
    """Send some requests to one operation, as a clerk, about random ids and about a contact of his own."""
    call = str(cast.call(at=now(), claims=cast.antti, by="clerk_kalle").public_id)
    header = {"Authorization": f"Token {token_of(cast, 'clerk_kalle')}"}

    @hypothesis.settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(), his_own=strategies.booleans())
    def knock(case: Any, his_own: bool) -> None:
        if his_own and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = call
        answered = case.call(headers=header)
        case.validate_response(answered, checks=CHECKS)

    knock()
