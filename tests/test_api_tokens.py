"""Staff come into the API with password and second factor, for an hour, and whatever was wrong looks alike."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from axes.models import AccessAttempt
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.log import read
from audit.models import Entry
from tests.api_client import Api, is_problem, now
from tests.cast import PASSWORD, Cast, wrong
from verification.models import Organisation, StaffToken
from verification.tokens import holder


def come_in(cast: Cast, username: str = "agent_aino", **other: Any) -> Any:
    code = other.pop("otp", None) or cast.staff_code("agent_aino")
    return Api(cast).post("tokens/", {"username": username, "password": PASSWORD, "otp": code} | other)


def test_password_and_code_give_a_token_for_an_hour(cast: Cast) -> None:
    given = come_in(cast)
    assert given.status_code == 200
    body = given.json()
    assert body["role"] == "AGENT"
    token = StaffToken.objects.get()
    assert token.expires_at - token.issued_at == timedelta(minutes=60)
    assert len(body["token"]) >= 43  # 256 bits in base64
    assert body["token"] not in json.dumps([str(value) for value in token.__dict__.values()])
    assert Entry.objects.filter(kind="staff.token_issued", actor=cast.agent_aino.actor).count() == 1


def test_the_token_opens_the_api_until_it_is_revoked(cast: Cast) -> None:
    api = Api(cast)
    api.client.credentials(HTTP_AUTHORIZATION=f"Token {come_in(cast).json()['token']}")
    assert api.get("interactions/").status_code == 200
    assert api.delete("tokens/current/").status_code == 204
    is_problem(api.get("interactions/"), 401, "unauthenticated")
    assert Entry.objects.filter(kind="staff.token_revoked").count() == 1


@pytest.mark.parametrize(
    "other",
    [
        {"password": "four harmless grey heron"},
        {"username": "nobody_here"},
        {"otp": "wrong"},
        {"otp": "not a code"},
        {"otp": "٣٣٣٣٣٣"},
    ],
)
def test_whatever_is_wrong_gives_one_answer_and_one_entry(cast: Cast, other: dict[str, str]) -> None:
    if other.get("otp") == "wrong":
        other = {"otp": wrong(cast.staff_code("agent_aino"))}
    refused = come_in(cast, **other)
    body = is_problem(refused, 401, "unauthenticated")
    assert set(body) == {"type", "title", "status", "detail"}
    assert refused["WWW-Authenticate"] == "Token"
    assert Entry.objects.filter(kind="staff.token_refused").count() == 1
    assert not StaffToken.objects.exists()


def test_wrong_password_code_and_name_are_answered_with_the_same_bytes(cast: Cast) -> None:
    code = cast.staff_code("agent_aino")
    answers = {
        come_in(cast, password="wrong").content,
        come_in(cast, username="nobody_here").content,
        come_in(cast, otp=wrong(code)).content,
    }
    assert len(answers) == 1


def test_what_was_typed_is_not_in_the_log(cast: Cast) -> None:
    come_in(cast, username="my own password here", password="another secret")
    entry = Entry.objects.get(kind="staff.token_refused")
    assert "my own" not in str(read(entry))
    assert "another secret" not in str(read(entry))


def test_too_many_tries_look_like_any_other_and_even_the_right_pair_waits(cast: Cast) -> None:
    first = come_in(cast, password="wrong").content
    for _ in range(6):
        last = come_in(cast, password="wrong")
    assert last.content == first
    is_problem(come_in(cast), 401, "unauthenticated")


def test_wrong_codes_count_as_wrong_passwords_do(cast: Cast) -> None:
    for _ in range(5):
        come_in(cast, otp=wrong(cast.staff_code("agent_aino")))
    assert AccessAttempt.objects.get(username="agent_aino").failures_since_start == 5
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    is_problem(come_in(cast), 401, "unauthenticated")


def test_coming_in_clears_the_failures(cast: Cast) -> None:
    come_in(cast, password="wrong")
    assert come_in(cast).status_code == 200
    assert not AccessAttempt.objects.exists()


def test_a_code_is_taken_once(cast: Cast) -> None:
    code = cast.staff_code("agent_aino")
    assert come_in(cast, otp=code).status_code == 200
    is_problem(come_in(cast, otp=code), 401, "unauthenticated")


def test_no_second_factor_no_token(cast: Cast) -> None:
    TOTPDevice.objects.filter(user=cast.agent_aino).delete()
    is_problem(come_in(cast, otp="123456"), 401, "unauthenticated")


@pytest.mark.parametrize("change", ["role", "password", "left", "hour"])
def test_a_token_dies_with_role_password_account_and_hour(cast: Cast, change: str) -> None:
    word, staff = come_in(cast).json()["token"], cast.agent_aino
    assert holder(word, at=now()) is not None
    if change == "role":
        staff.role = "SUPERVISOR"
    if change == "password":
        staff.set_password("five harmless grey herons")
    staff.is_active = change != "left"
    staff.save()
    assert holder(word, at=now() + timedelta(minutes=61 if change == "hour" else 0)) is None


@pytest.mark.parametrize(
    "header",
    ["", "Token", "Token x", "Bearer abc", "Token a b", "Token " + "x" * 5000, "Token é", "Basic dXNlcjpwdw=="],
)
def test_a_header_that_is_no_token_is_401(cast: Cast, header: str) -> None:
    api = Api(cast)
    api.client.credentials(HTTP_AUTHORIZATION=header)
    is_problem(api.get("interactions/"), 401, "unauthenticated")


def stale(api: Api, cast: Cast, minutes: int = 11) -> StaffToken:
    """Let the client's token be as old as that."""
    old = StaffToken.objects.get(staff=cast.supervisor, revoked_at=None)
    StaffToken.objects.filter(pk=old.pk).update(issued_at=old.issued_at - timedelta(minutes=minutes))
    return StaffToken.objects.get(pk=old.pk)


def approve(api: Api) -> Any:
    return api.post(f"proposals/{uuid4()}/approve/")


def test_what_weighs_most_asks_for_the_second_factor_of_the_last_ten_minutes(cast: Cast) -> None:
    api = Api(cast, "supervisor")
    is_problem(approve(api), 404, "not-found")
    old = stale(api, cast)
    told = is_problem(approve(api), 403, "step-up")
    assert told["max_age"] == 600
    assert "tokens/current/" in told["title"] or "tokens/current/" in told["detail"]
    assert api.get("proposals/").status_code == 200, "the rest goes on as before"
    given = api.post("tokens/current/", {"otp": cast.staff_code("supervisor")})
    assert given.status_code == 200, given.content
    assert StaffToken.objects.get(staff=cast.supervisor, revoked_at=None).expires_at == old.expires_at
    is_problem(approve(api), 401, "unauthenticated")  # the old one ended with it
    api.client.credentials(HTTP_AUTHORIZATION=f"Token {given.json()['token']}")
    is_problem(approve(api), 404, "not-found")
    assert Entry.objects.filter(kind="staff.stepped_up", actor=cast.supervisor.actor).count() == 1


def test_a_wrong_code_steps_nobody_up_and_counts(cast: Cast) -> None:
    api = Api(cast, "supervisor")
    stale(api, cast)
    code = wrong(cast.staff_code("supervisor"))
    is_problem(api.post("tokens/current/", {"otp": code}), 403, "step-up")
    is_problem(api.post("tokens/current/", {}), 400, "malformed")
    is_problem(approve(api), 403, "step-up")
    assert Entry.objects.filter(kind="staff.token_refused").count() == 1
    assert AccessAttempt.objects.filter(username="supervisor").exists()


def test_one_role_below_is_told_of_its_role_and_not_of_a_factor(cast: Cast) -> None:
    api = Api(cast, "agent_aino")
    StaffToken.objects.update(issued_at=now() - timedelta(minutes=30))
    is_problem(approve(api), 403, "not-allowed")


def test_a_staff_session_does_not_open_the_api(cast: Cast) -> None:
    api = Api(cast)
    api.client.force_login(cast.agent_aino, backend="django.contrib.auth.backends.ModelBackend")
    is_problem(api.get("interactions/"), 401, "unauthenticated")


def test_what_is_recorded_about_tokens_is_read_by_the_persons_own_auditors(cast: Cast) -> None:
    assert come_in(cast).status_code == 200
    assert Entry.objects.get(kind="staff.token_issued").org == str(cast.organisation.pk)


@pytest.mark.parametrize(("houses", "told"), [(1, True), (2, False)])
def test_a_try_under_no_ones_name_is_read_where_there_is_one_organisation_only(
    cast: Cast, houses: int, told: bool
) -> None:
    for each in range(1, houses):
        Organisation.objects.create(name=f"Another {each}")
    come_in(cast, username="nobody_here")
    refused = Entry.objects.get(kind="staff.token_refused")
    assert refused.org == (str(cast.organisation.pk) if told else "")
