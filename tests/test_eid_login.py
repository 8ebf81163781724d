"""The login by redirect against the real provider: both profiles, and everything that can be wrong with an answer."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from tests.provider import LOA2, LOA3, LOATEST2, Provider
from verification.eid import asking, client, judging, network
from verification.eid.client import LoginStart
from verification.eid.identity import Identity
from verification.eid.rejected import Code, Rejected

CODES = ("bank", "mobile")


def begun(provider: Provider, code: str, at: datetime, max_age: int = 0) -> LoginStart:
    return client.begin_login(
        provider.broker(code),
        redirect_uri=provider.returns_to(code),
        acr_values=[LOA3, LOA2],
        max_age=max_age,
        at=at,
        language="sv",
    )


def finished(provider: Provider, code: str, start: LoginStart, returned: dict[str, str], at: datetime) -> Identity:
    return client.finish_login(
        provider.broker(code), start, redirect_uri=provider.returns_to(code), returned=returned, at=at
    )


def logged_in(provider: Provider, code: str = "bank") -> Identity:
    at = timezone.now()
    start = begun(provider, code, at)
    return finished(provider, code, start, provider.browse(start.url), at)


def refused(provider: Provider, code: str, start: LoginStart, returned: dict[str, str]) -> Code:
    with pytest.raises(Rejected) as caught:
        finished(provider, code, start, returned, timezone.now())
    assert str(caught.value) == caught.value.code, "nothing but the code is told"
    return caught.value.code


@pytest.mark.parametrize("code", CODES)
def test_a_login_tells_who_it_was_and_at_which_level(provider: Provider, code: str) -> None:
    provider.next(sub="anna")
    asked_at = timezone.now()
    found = logged_in(provider, code)
    assert (found.person, found.given_names, found.family_name) == ("131052-308T", "Anna Maria", "Testi")
    assert (found.birth_date, found.acr, found.broker) == (date(1952, 10, 13), LOA3, code)
    broker = provider.broker(code)
    assert judging.accepted_kind(broker, found, asked_at=asked_at, demo=False) == "E_ID_HIGH"


def test_the_ftn_request_is_the_only_parameter_and_is_signed_as_the_profile_says(provider: Provider) -> None:
    at = timezone.now()
    query = parse_qs(urlsplit(begun(provider, "bank", at).url).query)
    assert list(query) == ["request"]
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in query["request"][0].split(".")[:2])
    assert header["alg"] == "RS256"
    assert header["kid"]
    assert claims["iss"] == claims["client_id"] == "contactcentre-bank"
    assert claims["aud"] == provider.issuer
    assert claims["exp"] - claims["iat"] == 600
    assert (claims["acr_values"], claims["max_age"], claims["prompt"]) == (f"{LOA3} {LOA2}", 0, "login")
    assert len(claims["nonce"]) >= 43, "256 bits"
    assert claims["code_challenge_method"] == "S256"


def test_the_fapi_request_is_pushed_and_shows_nothing_in_the_address(provider: Provider) -> None:
    query = parse_qs(urlsplit(begun(provider, "mobile", timezone.now()).url).query)
    assert set(query) == {"client_id", "request_uri"}


def test_two_logins_share_no_secret(provider: Provider) -> None:
    one, other = begun(provider, "bank", timezone.now()), begun(provider, "bank", timezone.now())
    assert not {one.state, one.nonce, one.verifier} & {other.state, other.nonce, other.verifier}
    assert one.state not in repr(one)


def test_a_lower_level_than_asked_for_is_taken_for_what_it_is(provider: Provider) -> None:
    provider.next(sub="bea")
    asked_at = timezone.now()
    found = logged_in(provider)
    assert judging.accepted_kind(provider.broker("bank"), found, asked_at=asked_at, demo=False) == "E_ID_SUBSTANTIAL"


@pytest.mark.parametrize(
    ("acr", "demo", "code"),
    [(LOATEST2, False, Code.ACR_TEST), (None, True, Code.ACR_ABSENT)],
)
def test_a_level_that_is_absent_or_for_tests_counts_for_nothing(
    provider: Provider, acr: str | None, demo: bool, code: Code
) -> None:
    provider.next(sub="anna", acr=acr)
    asked_at = timezone.now()
    found = logged_in(provider)
    assert found.acr == acr
    with pytest.raises(Rejected) as caught:
        judging.accepted_kind(provider.broker("bank"), found, asked_at=asked_at, demo=demo)
    assert caught.value.code == code


def test_the_test_level_counts_in_the_demo(provider: Provider) -> None:
    provider.next(sub="anna", acr=LOATEST2)
    asked_at = timezone.now()
    found = logged_in(provider)
    assert judging.accepted_kind(provider.broker("bank"), found, asked_at=asked_at, demo=True) == "E_ID_SUBSTANTIAL"


def test_a_login_of_before_we_asked_is_stale(provider: Provider) -> None:
    provider.next(sub="anna", ago=60)
    asked_at = timezone.now()
    found = logged_in(provider)
    with pytest.raises(Rejected) as caught:
        judging.accepted_kind(provider.broker("bank"), found, asked_at=asked_at, demo=False)
    assert caught.value.code == Code.AUTH_TIME_STALE
    assert judging.accepted_kind(provider.broker("bank"), found, asked_at=asked_at, max_age=120, demo=False)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(("outcome", "why"), [("deny", Code.DECLINED), ("error", Code.PROVIDER)])
def test_a_person_who_says_no_and_a_broker_that_fails_are_told_apart(
    provider: Provider, code: str, outcome: str, why: Code
) -> None:
    provider.next(sub="anna", outcome=outcome)
    start = begun(provider, code, timezone.now())
    assert refused(provider, code, start, provider.browse(start.url)) == why


def test_an_answer_to_another_login_is_refused(provider: Provider) -> None:
    provider.next()
    mine, other = begun(provider, "bank", timezone.now()), begun(provider, "bank", timezone.now())
    returned = provider.browse(other.url)
    assert refused(provider, "bank", mine, returned) == Code.STATE
    assert refused(provider, "bank", mine, {**returned, "state": "ä"}) == Code.STATE
    assert refused(provider, "bank", mine, {}) == Code.STATE


def test_another_persons_code_under_my_state_is_refused(provider: Provider) -> None:
    provider.next(sub="bea")
    mine, hers = begun(provider, "bank", timezone.now()), begun(provider, "bank", timezone.now())
    stolen = provider.browse(hers.url)
    assert refused(provider, "bank", mine, {**stolen, "state": mine.state}) == Code.REPLAYED, "PKCE"
    provider.next(sub="bea")
    hers = begun(provider, "bank", timezone.now())
    stolen = provider.browse(hers.url)
    injected = replace(mine, verifier=hers.verifier)
    assert refused(provider, "bank", injected, {**stolen, "state": mine.state}) == Code.NONCE


@pytest.mark.parametrize("named", ["https://other.example", "", None])
def test_an_answer_that_names_another_broker_or_none_is_refused(provider: Provider, named: str | None) -> None:
    provider.next()
    start = begun(provider, "bank", timezone.now())
    returned = provider.browse(start.url)
    returned = {**returned, "iss": named} if named is not None else {"state": returned["state"], "code": "x"}
    assert refused(provider, "bank", start, returned) == Code.ISSUER


def test_a_code_is_good_once(provider: Provider) -> None:
    provider.next()
    start = begun(provider, "mobile", timezone.now())
    returned = provider.browse(start.url)
    assert finished(provider, "mobile", start, returned, timezone.now()).person
    assert refused(provider, "mobile", start, returned) == Code.REPLAYED


def test_a_code_of_one_broker_is_nothing_to_another(provider: Provider) -> None:
    provider.next()
    start = begun(provider, "bank", timezone.now())
    assert refused(provider, "mobile", start, provider.browse(start.url)) == Code.REPLAYED


def test_the_provider_takes_an_assertion_of_ours_once(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    broker, at = provider.broker("mobile"), timezone.now()
    assertion = asking.signed(broker, {"sub": broker.client_id, "aud": broker.issuer}, kind=None, seconds=60, at=at)
    proof = {
        "client_id": broker.client_id,
        "client_assertion": assertion,
        "client_assertion_type": asking.ASSERTION_TYPE,
    }
    answers = []
    for _ in range(2):
        request = asking.request_object(
            broker,
            {"response_type": "code", "scope": "openid", "redirect_uri": provider.returns_to("mobile"),
             "code_challenge": client.challenge("a" * 43), "code_challenge_method": "S256"},
            at=at,
        )  # fmt: skip
        address = network.endpoint(broker, "pushed_authorization_request_endpoint")
        answers.append(network.post(address, {**proof, "request": request}))
    assert [answer.status_code for answer in answers] == [201, 401]
    with pytest.raises(Rejected) as caught:
        asking.refuse(asking.error_of(answers[1]))
    assert caught.value.code == Code.PROVIDER


def test_a_request_without_a_signature_or_not_pushed_gets_nowhere(provider: Provider) -> None:
    start = begun(provider, "mobile", timezone.now())
    address = start.url.split("?")[0]
    for code in CODES:
        plain = f"{address}?client_id=contactcentre-{code}&response_type=code&scope=openid&state=s"
        plain += f"&redirect_uri={provider.returns_to(code)}&code_challenge={'a' * 43}&code_challenge_method=S256"
        assert provider.browse(plain)["error"] == "invalid_request"


def test_an_old_clock_finds_the_answer_made_in_the_future(provider: Provider) -> None:
    provider.next()
    start = begun(provider, "bank", timezone.now())
    returned = provider.browse(start.url)
    with pytest.raises(Rejected) as caught:
        finished(provider, "bank", start, returned, timezone.now() - timedelta(seconds=40))
    assert caught.value.code == Code.NOT_YET


def test_an_answer_that_was_kept_too_long_is_refused(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    provider.next()
    at = timezone.now()
    start = begun(provider, "bank", at)
    returned = provider.browse(start.url)
    late = at + timedelta(seconds=700)
    monkeypatch.setattr(asking, "signed", _signed_at(at))
    with pytest.raises(Rejected) as caught:
        finished(provider, "bank", start, returned, late)
    assert caught.value.code == Code.EXPIRED


def _signed_at(at: datetime):  # type: ignore[no-untyped-def]  # the function's own type, with one value fixed
    real = asking.signed
    return lambda *args, **named: real(*args, **{**named, "at": at})


def test_a_person_without_the_identifying_claim_is_nobody(provider: Provider) -> None:
    provider.knows("cai", {"name": "Cai Utan", "given_names": "Cai", "family_name": "Utan", "acr": LOA3})
    provider.next(sub="cai")
    with pytest.raises(Rejected) as caught:
        logged_in(provider)
    assert caught.value.code == Code.PERSON_ABSENT


def test_the_page_names_who_asks_and_lets_a_person_be_chosen(provider: Provider) -> None:
    import httpx

    start = begun(provider, "bank", timezone.now())
    with httpx.Client(follow_redirects=True, timeout=10) as browser:
        page = browser.get(start.url)
        assert "Demonstration" in page.text, "in Swedish, as ui_locales asked"
        assert "Bea Koe" in page.text
        answer = browser.post(page.url, data={"sub": "bea", "outcome": "approve"}, follow_redirects=False)
        while not (address := answer.headers["location"]).startswith("http://testserver/"):
            answer = browser.get(address, follow_redirects=False)
    returned = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert finished(provider, "bank", start, returned, timezone.now()).person == "010594Y9021"
