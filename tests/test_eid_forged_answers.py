"""Answers that no certified provider gives: each is refused, with a code of its own, by a broker made up for it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import respx
from joserfc import jwe, jws
from joserfc.jwk import ECKey, RSAKey

from tests.provider import LOA3
from verification.eid import brokers, client, judging, keys, network
from verification.eid.brokers import Broker
from verification.eid.client import LoginStart
from verification.eid.identity import Identity
from verification.eid.rejected import Code, Rejected

ISSUER, CLIENT = "https://broker.example", "us"
AT = datetime(2026, 3, 11, 10, 0, tzinfo=UTC)
NONCE = "n" * 43
START = LoginStart(url="", state="s", nonce=NONCE, verifier="v" * 43)
BROKERS = json.dumps([{"code": "made", "profile": "ftn", "name": "Made up", "issuer": ISSUER, "client_id": CLIENT}])
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
}
OURS = keys.make()
THEIRS = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": "theirs"})
STRANGER = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": "theirs"})


class Made:
    """A broker whose every answer is made by the test."""

    def __init__(self, routes: respx.MockRouter, broker: Broker) -> None:
        self.routes, self.broker = routes, broker
        self.metadata = routes.get(f"{ISSUER}/.well-known/openid-configuration").respond(json=METADATA)
        self.jwks = routes.get(f"{ISSUER}/jwks").respond(json={"keys": [THEIRS.as_dict(private=False)]})

    def gives(self, token: Any) -> Identity:
        """Answer the code with this id_token."""
        self.routes.post(f"{ISSUER}/token").respond(json={"id_token": token})
        returned = {"state": "s", "code": "c", "iss": ISSUER}
        return client.finish_login(self.broker, START, redirect_uri="http://x/", returned=returned, at=AT)

    def refused(self, token: Any) -> Code:
        with pytest.raises(Rejected) as caught:
            self.gives(token)
        assert str(caught.value) == caught.value.code
        return caught.value.code


@pytest.fixture
def made(settings: Any) -> Iterator[Made]:
    settings.E_ID_BROKERS, settings.E_ID_KEYS = BROKERS, OURS
    network.forget()
    with respx.mock(assert_all_called=False) as routes:
        yield Made(routes, brokers.configured()["made"])
    network.forget()


def claims(**changed: Any) -> dict[str, Any]:
    now = int(AT.timestamp())
    good = {
        "iss": ISSUER, "aud": CLIENT, "sub": "x", "iat": now, "exp": now + 600, "nonce": NONCE, "auth_time": now,
        "acr": LOA3, "urn:oid:1.2.246.21": "131052-308T", "urn:oid:2.5.4.4": "Testi",
    }  # fmt: skip
    return {name: value for name, value in {**good, **changed}.items() if value is not ...}


def signed(content: Mapping[str, Any] | str, key: Any = THEIRS, alg: str = "RS256", **header: Any) -> str:
    payload = content if isinstance(content, str) else json.dumps(content)
    return jws.serialize_compact({"alg": alg, "kid": "theirs", **header}, payload, key, algorithms=[alg])


def sealed(token: str, alg: str = "RSA-OAEP", enc: str = "A128CBC-HS256", key: Any = None) -> str:
    ours = key or next(each for each in keys.read(OURS) if each.alg == "RSA-OAEP")
    header = {"alg": alg, "enc": enc, "cty": "JWT", "iss": ISSUER, "aud": CLIENT}
    registry = jwe.JWERegistry(algorithms=[alg, enc], strict_check_header=False)
    return jwe.encrypt_compact(header, token, ours, registry=registry)


def test_the_made_up_broker_is_believed_when_nothing_is_wrong(made: Made) -> None:
    found = made.gives(sealed(signed(claims())))
    assert (found.person, found.family_name, found.given_names) == ("131052-308T", "Testi", "")
    assert found.auth_time == AT
    assert "131052" not in repr(found)


NOW = int(AT.timestamp())
WRONG: list[tuple[str, Any, Code]] = [
    ("another issuer", {"iss": "https://other.example"}, Code.ISSUER),
    ("no issuer", {"iss": ...}, Code.ISSUER),
    ("another client", {"aud": "them"}, Code.AUDIENCE),
    ("no audience", {"aud": ...}, Code.AUDIENCE),
    ("several clients and no azp", {"aud": [CLIENT, "them"]}, Code.AUDIENCE),
    ("several clients and another azp", {"aud": [CLIENT, "them"], "azp": "them"}, Code.AUDIENCE),
    ("one client and another azp", {"azp": "them"}, Code.AUDIENCE),
    ("over by the leeway", {"exp": NOW - 15}, Code.EXPIRED),
    ("no end", {"exp": ...}, Code.CLAIMS),
    ("an end in words", {"exp": "tomorrow"}, Code.CLAIMS),
    ("an end out of all reach", {"exp": 1e300}, Code.CLAIMS),
    ("made later than the leeway", {"iat": NOW + 16}, Code.NOT_YET),
    ("no beginning", {"iat": ...}, Code.CLAIMS),
    ("not before later", {"nbf": NOW + 16}, Code.NOT_YET),
    ("an authentication that is yet to come", {"auth_time": NOW + 16}, Code.NOT_YET),
    ("an authentication in words", {"auth_time": "now"}, Code.CLAIMS),
    ("another nonce", {"nonce": "m" * 43}, Code.NONCE),
    ("no nonce", {"nonce": ...}, Code.NONCE),
    ("a nonce that is a list", {"nonce": [NONCE]}, Code.NONCE),
    ("no subject", {"sub": ...}, Code.CLAIMS),
    ("a person that is a number", {"urn:oid:1.2.246.21": 131052}, Code.CLAIMS),
    ("no person", {"urn:oid:1.2.246.21": ...}, Code.PERSON_ABSENT),
    ("a person of blanks", {"urn:oid:1.2.246.21": "  "}, Code.PERSON_ABSENT),
    ("a birth date in words", {"urn:oid:1.3.6.1.5.5.7.9.1": "spring"}, Code.CLAIMS),
    ("an acr that is a list", {"acr": [LOA3]}, Code.CLAIMS),
]


@pytest.mark.parametrize(("changed", "why"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_claim_that_is_wrong_is_named_by_its_own_code(made: Made, changed: dict[str, Any], why: Code) -> None:
    assert made.refused(sealed(signed(claims(**changed)))) == why


@pytest.mark.parametrize("changed", [{"exp": NOW - 14}, {"iat": NOW + 15}, {"auth_time": NOW + 15}])
def test_fifteen_seconds_between_clocks_are_forgiven(made: Made, changed: dict[str, int]) -> None:
    assert made.gives(sealed(signed(claims(**changed)))).subject == "x"


@pytest.mark.parametrize("azp", [CLIENT])
def test_several_clients_are_fine_when_we_are_the_one_it_is_for(made: Made, azp: str) -> None:
    assert made.gives(sealed(signed(claims(aud=["them", CLIENT], azp=azp)))).subject == "x"


@pytest.mark.parametrize(("absent", "why"), [("acr", Code.ACR_ABSENT), ("auth_time", Code.AUTH_TIME_ABSENT)])
def test_what_is_absent_stays_absent_and_counts_as_the_weakest(made: Made, absent: str, why: Code) -> None:
    found = made.gives(sealed(signed(claims(**{absent: ...}))))
    assert getattr(found, absent) is None
    with pytest.raises(Rejected) as caught:
        judging.accepted_kind(made.broker, found, asked_at=AT, demo=True)
    assert caught.value.code == why


@pytest.mark.parametrize(
    "acr",
    ["", "http://ftn.ficora.fi/2017/LOA3", LOA3 + "/", "http://ftn.ficora.fi/2017/loa3 x", "mpki.telia.emulator.1",
     "http://eidas.europa.eu/LoA/high", "http://ftn.ficora.fi/2017/loa1"],
)  # fmt: skip
def test_only_the_exact_word_is_a_level(made: Made, acr: str) -> None:
    found = made.gives(sealed(signed(claims(acr=acr))))
    with pytest.raises(Rejected) as caught:
        judging.accepted_kind(made.broker, found, asked_at=AT, demo=True)
    assert caught.value.code == (Code.ACR_REFUSED if acr else Code.ACR_ABSENT)


@pytest.mark.parametrize(("before", "fresh"), [(15, True), (16, False)])
def test_who_authenticated_before_we_asked_is_stale(made: Made, before: int, fresh: bool) -> None:
    found = made.gives(sealed(signed(claims(auth_time=NOW - before))))
    if fresh:
        assert judging.accepted_kind(made.broker, found, asked_at=AT, demo=False) == "E_ID_HIGH"
        return
    with pytest.raises(Rejected) as caught:
        judging.accepted_kind(made.broker, found, asked_at=AT, demo=False)
    assert caught.value.code == Code.AUTH_TIME_STALE
    earlier = AT - timedelta(seconds=1)
    assert judging.accepted_kind(made.broker, found, asked_at=earlier, demo=False) == "E_ID_HIGH"


def test_the_login_of_one_broker_is_not_judged_by_the_trust_in_another(made: Made) -> None:
    found = made.gives(sealed(signed(claims())))
    other = brokers.read(BROKERS.replace('"made"', '"other"'))["other"]
    with pytest.raises(Rejected) as caught:
        judging.accepted_kind(other, found, asked_at=AT, demo=False)
    assert caught.value.code == Code.ISSUER


def bare(key: RSAKey) -> RSAKey:
    """Return the same key without what it says that it is for."""
    return RSAKey.import_key(
        {name: value for name, value in key.as_dict(private=True).items() if name not in ("alg", "use")}
    )


def unsigned() -> str:
    _, payload, _ = signed(claims()).split(".")
    return f"eyJhbGciOiJub25lIiwia2lkIjoidGhlaXJzIn0.{payload}."


def by_our_public_key() -> str:
    """The old trick: the public key's text as the secret of an HMAC."""
    _, payload, _ = signed(claims()).split(".")
    content = f"eyJhbGciOiJIUzI1NiIsImtpZCI6InRoZWlycyJ9.{payload}"
    mac = hmac.new(THEIRS.as_pem(private=False), content.encode(), hashlib.sha256).digest()
    return f"{content}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def altered() -> str:
    header, _, signature = signed(claims()).split(".")
    _, other, _ = signed(claims(sub="somebody else")).split(".")
    return f"{header}.{other}.{signature}"


TOKENS: list[tuple[str, Callable[[], Any], Code]] = [
    ("not encrypted", lambda: signed(claims()), Code.ENCRYPTION),
    ("encrypted otherwise than agreed", lambda: sealed(signed(claims()), enc="A256GCM"), Code.ENCRYPTION),
    ("key wrapped otherwise than agreed", lambda: sealed(signed(claims()), alg="RSA-OAEP-256"), Code.ENCRYPTION),
    ("encrypted for somebody else", lambda: sealed(signed(claims()), key=bare(STRANGER)), Code.ENCRYPTION),
    ("no signature", lambda: sealed(unsigned()), Code.ALGORITHM),
    ("an HMAC with the public key", lambda: sealed(by_our_public_key()), Code.ALGORITHM),
    ("PS256 in place of RS256", lambda: sealed(signed(claims(), bare(THEIRS), "PS256")), Code.ALGORITHM),
    ("a stranger's signature", lambda: sealed(signed(claims(), STRANGER)), Code.SIGNATURE),
    ("altered claims", lambda: sealed(altered()), Code.SIGNATURE),
    ("a key that isn't published", lambda: sealed(signed(claims(), kid="other")), Code.SIGNATURE),
    ("claims that are a list", lambda: sealed(signed("[]")), Code.CLAIMS),
    ("claims that are no JSON", lambda: sealed(signed("{")), Code.CLAIMS),
    ("claims without end", lambda: sealed(signed("[" * 9000)), Code.CLAIMS),
    ("no JWS at all", lambda: sealed("hello"), Code.CLAIMS),
    ("absent", lambda: None, Code.CLAIMS),
    ("a number", lambda: 7, Code.CLAIMS),
    ("far too long", lambda: "a" * 40_000, Code.CLAIMS),
    ("of another alphabet", lambda: sealed(signed(claims()))[:-3] + "äöå", Code.ENCRYPTION),
]  # fmt: skip


@pytest.mark.parametrize(("make", "why"), [row[1:] for row in TOKENS], ids=[row[0] for row in TOKENS])
def test_a_token_that_is_not_as_agreed_is_refused(made: Made, make: Callable[[], Any], why: Code) -> None:
    assert made.refused(make()) == why


def test_a_key_of_ours_that_is_being_replaced_still_opens(made: Made, settings: Any) -> None:
    token = sealed(signed(claims()))
    newer = json.loads(keys.make())["keys"]
    settings.E_ID_KEYS = json.dumps({"keys": newer + json.loads(OURS)["keys"]})
    assert made.gives(token).subject == "x"
    settings.E_ID_KEYS = json.dumps({"keys": newer})
    assert made.refused(token) == Code.ENCRYPTION


def test_a_new_key_of_theirs_is_fetched_once_and_an_unknown_one_not_without_end(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 1000.0
    monkeypatch.setattr(network.time, "monotonic", lambda: clock)
    assert made.gives(sealed(signed(claims()))).subject == "x"
    newer = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": "newer"})
    made.jwks.respond(json={"keys": [newer.as_dict(private=False)]})
    token = sealed(signed(claims(), newer, kid="newer"))
    assert made.refused(token) == Code.SIGNATURE, "asked a moment ago"
    clock += 10
    assert made.gives(token).subject == "x"
    for _ in range(5):
        assert made.refused(sealed(signed(claims(), newer, kid="unknown"))) == Code.SIGNATURE
    assert made.jwks.call_count == 2
    assert made.metadata.call_count == 1


def test_a_key_for_encryption_or_of_another_algorithm_proves_nothing(made: Made) -> None:
    for changed in ({"use": "enc"}, {"alg": "PS256"}):
        network.forget()
        made.jwks.respond(json={"keys": [{**THEIRS.as_dict(private=False), **changed}]})
        assert made.refused(sealed(signed(claims()))) == Code.SIGNATURE
    network.forget()
    curve = ECKey.generate_key("P-256", {"kid": "theirs"})
    made.jwks.respond(json={"keys": [curve.as_dict(private=False)]})
    assert made.refused(sealed(signed(claims()))) in (Code.SIGNATURE, Code.CLAIMS)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({**METADATA, "issuer": "https://other.example"}, Code.ISSUER),
        ({"issuer": ISSUER}, Code.UNREACHABLE),
        ({**METADATA, "token_endpoint": "http://broker.example/token"}, Code.UNREACHABLE),
        ([], Code.UNREACHABLE),
    ],
)
def test_a_discovery_document_that_is_not_the_brokers_is_not_followed(made: Made, document: Any, why: Code) -> None:
    made.metadata.respond(json=document)
    assert made.refused("x") == why


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(302, headers={"location": "https://evil.example"}), httpx.Response(500), httpx.Response(200)],
)
def test_a_broker_that_redirects_or_fails_is_unreachable(made: Made, answer: httpx.Response) -> None:
    made.metadata.mock(return_value=answer)
    assert made.refused("x") == Code.UNREACHABLE
    made.metadata.mock(side_effect=httpx.ConnectTimeout("slow"))
    assert made.refused("x") == Code.UNREACHABLE


def test_a_broker_that_promises_to_name_itself_must(made: Made) -> None:
    made.metadata.respond(json={**METADATA, "authorization_response_iss_parameter_supported": True})
    returned = {"state": "s", "code": "c"}
    with pytest.raises(Rejected) as caught:
        client.finish_login(made.broker, START, redirect_uri="http://x/", returned=returned, at=AT)
    assert caught.value.code == Code.ISSUER


def test_a_level_that_the_broker_says_it_cannot_give_has_its_own_code(made: Made) -> None:
    returned = {"state": "s", "error": "unmet_authentication_requirements", "iss": ISSUER}
    with pytest.raises(Rejected) as caught:
        client.finish_login(made.broker, START, redirect_uri="http://x/", returned=returned, at=AT)
    assert caught.value.code == Code.LEVEL_UNMET
