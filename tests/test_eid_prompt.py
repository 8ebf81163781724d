"""The prompt on the phone (CIBA), against the real provider; what that one never does is made up."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
import respx
from django.utils import timezone

from tests.provider import LOA2, LOA3, Provider, notify_path
from verification.eid import ciba, judging
from verification.eid.ciba import CibaStart, Pending, SlowDown
from verification.eid.identity import Identity
from verification.eid.rejected import Code, Rejected

CODE = "48213"


def prompted(provider: Provider, code: str = "mobile", **given: Any) -> CibaStart:
    asked = {
        "login_hint": "+358501234567",
        "binding_message": "Lähiturva: osoitteen muutos, A7K2",
        "acr_values": [LOA3, LOA2],
        "requested_expiry": 120,
        "at": timezone.now(),
        "transfer_code": CODE if code == "mobile" else "",
    }
    return ciba.start(provider.broker(code), **{**asked, **given})


def asked(provider: Provider, start: CibaStart, code: str = "mobile") -> Any:
    return ciba.poll(provider.broker(code), start, at=timezone.now())


def ended(provider: Provider, start: CibaStart, code: str = "mobile") -> Code:
    with pytest.raises(Rejected) as caught:
        asked(provider, start, code)
    return caught.value.code


def test_a_prompt_is_pending_until_it_is_approved_and_then_tells_who(provider: Provider) -> None:
    at = timezone.now()
    start = prompted(provider)
    assert start.interval == 5, "the provider names none, and 5 s is the default (7.3)"
    assert at + timedelta(seconds=115) < start.expires_at < at + timedelta(seconds=125)
    assert asked(provider, start) == Pending()
    provider.approve(start.auth_req_id)
    found = asked(provider, start)
    assert isinstance(found, Identity)
    assert (found.person, found.acr) == ("131052-308T", LOA3)
    assert judging.accepted_kind(provider.broker("mobile"), found, asked_at=at, demo=False) == "E_ID_HIGH"
    assert ended(provider, start) == Code.REPLAYED, "an answer is fetched once"


@pytest.mark.parametrize(
    ("how", "why"),
    [("deny", Code.DECLINED), ("expire", Code.EXPIRED), ("fail", Code.PROVIDER)],
)
def test_every_other_end_has_a_code_of_its_own(provider: Provider, how: str, why: Code) -> None:
    start = prompted(provider)
    getattr(provider, how)(start.auth_req_id)
    assert ended(provider, start) == why


def test_a_prompt_that_we_know_to_be_over_is_not_asked_about(provider: Provider) -> None:
    start = prompted(provider)
    with respx.mock, pytest.raises(Rejected) as caught:
        ciba.poll(provider.broker("mobile"), start, at=start.expires_at + timedelta(seconds=5))
    assert caught.value.code == Code.EXPIRED


def test_the_prompt_is_signed_and_shows_the_action_but_never_the_code(provider: Provider) -> None:
    start = prompted(provider)
    [shown] = [each for each in provider.prompts() if each["id"] == start.auth_req_id]
    assert shown["accountId"] == "anna"
    assert shown["params"]["binding_message"] == "Lähiturva: osoitteen muutos, A7K2"
    with pytest.raises(ValueError, match="does not show"):
        prompted(provider, binding_message=f"Koodi {CODE}")
    with pytest.raises(ValueError, match="four characters"):
        prompted(provider, transfer_code="")
    with pytest.raises(ValueError, match="cannot ask"):
        prompted(provider, "tapping", transfer_code=CODE)


@pytest.mark.parametrize(
    ("parameter", "member", "sent"), [("verification_code", "", CODE), ("request_context", "otp", {"otp": CODE})]
)
def test_where_the_code_travels_is_agreed_with_each_broker(
    provider: Provider, parameter: str, member: str, sent: object
) -> None:
    agreed = replace(provider.broker("mobile"), transfer_parameter=parameter, transfer_member=member)
    given = ciba._transfer(agreed, CODE, "Esimerkki Oy: who is calling, ACDE")[parameter]
    assert (json.loads(given) if member else given) == sent


def test_the_phone_takes_the_code_that_the_caller_hears_and_declines_at_the_third_wrong_one(provider: Provider) -> None:
    start = prompted(provider)
    assert "did not match" in provider.answers_on_the_phone(start.auth_req_id, "approve", "11111")
    assert asked(provider, start) == Pending()
    assert "Approved" in provider.answers_on_the_phone(start.auth_req_id, "approve", CODE)
    assert isinstance(asked(provider, start), Identity)
    other = prompted(provider)
    for _ in range(3):
        said = provider.answers_on_the_phone(other.auth_req_id, "approve", "11111")
    assert "Declined" in said
    assert ended(provider, other) == Code.DECLINED
    assert "no longer valid" in provider.answers_on_the_phone(other.auth_req_id, "approve", CODE)


def test_the_phone_no_longer_offers_what_ran_out(provider: Provider) -> None:
    start = prompted(provider, requested_expiry=1, binding_message="Vahvista 8RZ")
    deadline = time.monotonic() + 10
    while "Vahvista 8RZ" in httpx.get(f"{provider.issuer}/device/").text:
        assert time.monotonic() < deadline
    assert "no longer valid" in provider.answers_on_the_phone(start.auth_req_id, "approve", CODE)


def test_the_phone_lists_what_waits_and_offers_both_answers(provider: Provider) -> None:
    start = prompted(provider, binding_message="Vahvista 7QX")
    page = httpx.get(f"{provider.issuer}/device/", params={"lang": "en"}).text
    assert "Vahvista 7QX" in page
    assert page.count('value="deny"') == page.count('value="approve"')
    provider.deny(start.auth_req_id)
    strange = httpx.post(f"{provider.issuer}/device/", data={"id": "x"}, headers={"origin": "https://evil.example"})
    assert strange.status_code == 403


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"login_hint": "+358000000000"}, Code.UNKNOWN_PERSON),
        ({"binding_message": "x" * 200}, Code.BINDING_MESSAGE),
        ({"login_hint": ""}, Code.PROVIDER),
    ],
)
def test_a_prompt_that_cannot_be_sent_says_why(provider: Provider, given: dict[str, str], why: Code) -> None:
    with pytest.raises(Rejected) as caught:
        prompted(provider, **given)
    assert caught.value.code == why


def test_a_broker_of_redirects_is_never_asked_for_a_prompt(provider: Provider) -> None:
    with pytest.raises(Rejected) as caught:
        prompted(provider, "bank")
    assert caught.value.code == Code.PROVIDER


def test_the_prompt_of_another_client_is_not_ours_to_fetch(provider: Provider) -> None:
    start = prompted(provider)
    provider.approve(start.auth_req_id)
    assert ended(provider, start, "tapping") == Code.REPLAYED


@pytest.mark.parametrize(("acr", "why"), [(None, Code.ACR_ABSENT), ("urn:other", Code.ACR_REFUSED)])
def test_the_level_of_an_approval_is_judged_as_it_came(provider: Provider, acr: str | None, why: Code) -> None:
    at = timezone.now()
    start = prompted(provider)
    provider.approve(start.auth_req_id, acr=acr)
    found = asked(provider, start)
    with pytest.raises(Rejected) as caught:
        judging.accepted_kind(provider.broker("mobile"), found, asked_at=at, demo=False)
    assert caught.value.code == why


@pytest.fixture
def pinged(provider: Provider) -> Iterator[list[tuple[str, str, dict[str, str]]]]:
    """Listen for pings; yield what came: path, Authorization, body."""
    came: list[tuple[str, str, dict[str, str]]] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            came.append((self.path, self.headers["authorization"], body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Keep the test's output clean."""

    with http.server.HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        provider.pings_go_to(f"http://127.0.0.1:{server.server_port}")
        yield came
        server.shutdown()
        thread.join(5)


@pytest.mark.parametrize("how", ["approve", "deny"])
def test_a_ping_says_that_there_is_an_answer_and_proves_where_it_comes_from(
    provider: Provider, pinged: list[tuple[str, str, dict[str, str]]], how: str
) -> None:
    start, other = prompted(provider, "tapping"), prompted(provider, "tapping")
    assert start.notification_token != other.notification_token
    assert len(start.notification_token) >= 43, "256 bits, of 128 that are needed (7.1)"
    getattr(provider, how)(start.auth_req_id)
    [(path, authorization, body)] = pinged
    assert path == notify_path("tapping")
    assert body == {"auth_req_id": start.auth_req_id}
    digest = ciba.digest_of(start.notification_token)
    assert ciba.ping_is_from(authorization, digest=digest)
    for wrong in (f"Bearer {other.notification_token}", "Bearer", "", f"Basic {start.notification_token}", "Bearer ä"):
        assert not ciba.ping_is_from(wrong, digest=digest)
    if how == "approve":
        assert isinstance(asked(provider, start, "tapping"), Identity)
    else:
        assert ended(provider, start, "tapping") == Code.DECLINED


def answered(provider: Provider, answer: httpx.Response | Exception, at: datetime | None = None) -> Any:
    """Poll once while the token endpoint gives this answer."""
    start = prompted(provider)
    mocked = {"side_effect": answer} if isinstance(answer, Exception) else {"return_value": answer}
    with respx.mock(assert_all_called=True) as routes:
        routes.post(f"{provider.issuer}/token").mock(**mocked)
        return ciba.poll(provider.broker("mobile"), start, at=at or timezone.now())


def test_a_broker_that_is_asked_too_often_slows_us_down(provider: Provider) -> None:
    assert answered(provider, httpx.Response(400, json={"error": "slow_down"})) == SlowDown(by=5)


@pytest.mark.parametrize(("said", "seconds"), [("30", 30), ("1", 5), ("999999999", 3600), ("soon", 5)])
def test_a_broker_that_is_away_is_asked_again_when_it_says(provider: Provider, said: str, seconds: int) -> None:
    assert answered(provider, httpx.Response(503, headers={"retry-after": said})) == Pending(retry_after=seconds)


def test_a_broker_may_name_the_hour_instead(provider: Provider) -> None:
    at = timezone.now().astimezone(UTC).replace(microsecond=0)
    until = format_datetime(at + timedelta(seconds=40), usegmt=True)
    found = answered(provider, httpx.Response(503, headers={"retry-after": until}), at)
    assert found == Pending(retry_after=40)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (httpx.Response(400, json={"error": "expired_token"}), Code.EXPIRED),
        (httpx.Response(400, json={"error": "invalid_request"}), Code.PROVIDER),
        (httpx.Response(400, json={"error": "unauthorized_client"}), Code.PROVIDER),
        (httpx.Response(503), Code.UNREACHABLE),
        (httpx.Response(429), Code.UNREACHABLE),
        (httpx.Response(400, text="<html>"), Code.UNREACHABLE),
        (httpx.Response(200, json=["a"]), Code.UNREACHABLE),
        (httpx.Response(200, json={"access_token": "x"}), Code.CLAIMS),
        (httpx.Response(302, headers={"location": "https://evil.example"}), Code.UNREACHABLE),
        (httpx.ReadTimeout("too slow"), Code.UNREACHABLE),
        (httpx.ConnectError("nobody there"), Code.UNREACHABLE),
    ],
)
def test_what_a_broker_answers_instead_ends_the_prompt_or_may_be_tried_again(
    provider: Provider, answer: httpx.Response | Exception, why: Code
) -> None:
    with pytest.raises(Rejected) as caught:
        answered(provider, answer)
    assert caught.value.code == why
    assert caught.value.retry == (why == Code.UNREACHABLE)


@pytest.mark.parametrize(
    ("content", "interval"),
    [({}, 5), ({"interval": 12}, 12), ({"interval": 0}, 1), ({"interval": 86400}, 300)],
)
def test_the_interval_is_the_brokers_or_five_seconds(
    provider: Provider, content: dict[str, int], interval: int
) -> None:
    given = {"auth_req_id": "1c266114-a1be-4252-8ad1-04986c5b9ac1", "expires_in": 120, **content}
    prompted(provider)  # so that the discovery document is at hand
    with respx.mock as routes:
        routes.post(f"{provider.issuer}/backchannel").respond(json=given)
        assert prompted(provider).interval == interval


@pytest.mark.parametrize(
    "content",
    [{}, {"auth_req_id": "", "expires_in": 5}, {"auth_req_id": "x"}, {"auth_req_id": "x", "expires_in": "soon"},
     {"auth_req_id": "x", "expires_in": 60, "interval": -1}, {"auth_req_id": "x", "expires_in": True}],
)  # fmt: skip
def test_a_confirmation_that_makes_no_sense_starts_nothing(provider: Provider, content: dict[str, Any]) -> None:
    prompted(provider)
    with respx.mock as routes:
        routes.post(f"{provider.issuer}/backchannel").respond(json=content)
        with pytest.raises(Rejected) as caught:
            prompted(provider)
    assert caught.value.code == Code.UNREACHABLE


def test_a_prompt_keeps_its_secrets_out_of_its_description(provider: Provider) -> None:
    start = prompted(provider, "tapping")
    assert start.notification_token not in repr(start)
    assert start.auth_req_id not in repr(replace(start, interval=7))
