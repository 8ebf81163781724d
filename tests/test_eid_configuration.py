"""Brokers and keys as data: nonsense stops the start with a sentence that tells no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from verification.eid import brokers, keys
from verification.eid.brokers import Misconfigured
from verification.eid.checks import brokers_make_sense

BANK = {"code": "bank", "profile": "ftn", "name": "Bank", "issuer": "https://bank.example", "client_id": "us"}
OURS = keys.make()


def test_each_profile_says_what_its_standard_does() -> None:
    ftn, fapi = brokers.read(json.dumps([BANK, {**BANK, "code": "phone", "profile": "fapi"}])).values()
    assert (ftn.request_by, ftn.request_signing, ftn.encryption_alg, ftn.ciba) == ("JAR", "RS256", "RSA-OAEP", "none")
    assert (fapi.request_by, fapi.request_signing, fapi.id_token_signing) == ("PAR", "PS256", "ES256")
    assert "RS256" not in (fapi.request_signing, fapi.id_token_signing), "FAPI 2.0 5.4"
    assert ftn.acr_values("E_ID_HIGH") == ("http://ftn.ficora.fi/2017/loa3",)
    assert len(ftn.acr_values("E_ID_SUBSTANTIAL")) == 2
    assert not any("loatest" in value for profile in brokers.profiles().values() for value in profile["acr"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{", "JSON list"),
        ("{}", "JSON list"),
        ([1], "Every broker has"),
        ([{**BANK, "acr": "x"}], "Every broker has"),
        ([{**BANK, "client_secret": "x"}], "Every broker has"),
        ([{key: value for key, value in BANK.items() if key != "issuer"}], "Every broker has"),
        ([{**BANK, "name": 7}], "is text"),
        ([BANK, BANK], "names a code twice"),
        ([{**BANK, "profile": "saml"}], "no broker profile 'saml'"),
        ([{**BANK, "code": "Bank!"}], "short lower-case word"),
        ([{**BANK, "client_id": ""}], "needs a name"),
        ([{**BANK, "issuer": "http://bank.example"}], "https address"),
        ([{**BANK, "issuer": "https://bank.example/"}], "https address"),
        ([{**BANK, "issuer": "https://bank.example?a=b"}], "https address"),
        ([{**BANK, "ciba": "push"}], "ciba must be one of none, poll, ping"),
        ([{**BANK, "ciba": "poll"}], "ciba_binding is for brokers with CIBA"),
        ([{**BANK, "ciba_binding": "transfer"}], "ciba_binding is for brokers with CIBA"),
        ([{**BANK, "profile": "fapi", "transfer_parameter": ""}], "transfer_parameter must name"),
        ([{**BANK, "profile": "fapi", "transfer_parameter": "binding_message"}], "transfer_parameter must name"),
        ([{**BANK, "profile": "fapi", "transfer_parameter": "Context"}], "transfer_parameter must name"),
        ([{**BANK, "profile": "fapi", "transfer_member": "a b"}], "transfer_member is the name"),
    ],
)
def test_a_broker_that_makes_no_sense_stops_the_start(settings: Any, given: Any, said: str) -> None:
    settings.E_ID_BROKERS, settings.E_ID_KEYS = given if isinstance(given, str) else json.dumps(given), OURS
    [error] = brokers_make_sense()
    assert error.id == "verification.E010"
    assert said in error.msg


@pytest.mark.parametrize("broken", ["acr", "test_acr", "scope", "person_claim", "request_seconds", "encryption_enc"])
def test_a_profile_that_makes_no_sense_stops_the_start(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    wrong: dict[str, Any] = {
        "acr": {"loa2": "PLENTY"},
        "test_acr": dict(brokers.profiles()["ftn"]["acr"]),
        "scope": "profile",
        "person_claim": "",
        "request_seconds": 7200,
        "encryption_enc": "",
    }
    profile = {**brokers.profiles()["ftn"], broken: wrong[broken]}
    monkeypatch.setattr(brokers, "profiles", lambda: {"ftn": profile})
    with pytest.raises(Misconfigured):
        brokers.read(json.dumps([{**BANK, "name": broken}]))
    monkeypatch.setattr(brokers, "profiles", lambda: {"ftn": {**profile, "unheard": "of"}})
    with pytest.raises(Misconfigured, match="unheard missing or unknown"):
        brokers.read(json.dumps([{**BANK, "name": f"{broken}2"}]))


def test_without_brokers_nothing_is_asked_for(settings: Any) -> None:
    settings.E_ID_BROKERS = settings.E_ID_KEYS = ""
    assert brokers.configured() == {}
    assert brokers_make_sense() == []


def test_the_demo_uses_its_own_provider_while_that_runs(settings: Any, tmp_path: Path) -> None:
    settings.E_ID_BROKERS, settings.DEMO, settings.E_ID_DEMO_FILE = "", True, tmp_path / "brokers.json"
    assert brokers.configured() == {}
    settings.E_ID_DEMO_FILE.write_text(json.dumps([BANK]))
    assert list(brokers.configured()) == ["bank"]
    settings.DEMO = False
    assert brokers.configured() == {}


def _one(alg: str) -> dict[str, Any]:
    return next(key for key in json.loads(OURS)["keys"] if key["alg"] == alg)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "E_ID_KEYS is not set"),
        ("{", "must be a JSON Web Key Set"),
        ('{"keys": [{"kty": "RSA"}]}', "must be a JSON Web Key Set"),
        (["PS256"], "no key for RS256"),
        (["RS256"], "no key for RSA-OAEP"),
        ([{**_one("RS256"), "use": "enc"}], "the use that fits"),
        ([{**_one("RS256"), "alg": "ES256"}], "an alg that fits it"),
        ([{name: value for name, value in _one("RS256").items() if name in ("kty", "n", "e", "kid")}], "private"),
        (["RS256", "RS256"], "a kid of its own"),
        ([{"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQ", "kid": "x"}], "private RSA or EC key"),
    ],
)
def test_keys_that_do_not_fit_stop_the_start_and_are_not_told(settings: Any, given: Any, said: str) -> None:
    if not isinstance(given, str):
        given = json.dumps({"keys": [_one(key) if isinstance(key, str) else key for key in given]})
    settings.E_ID_BROKERS, settings.E_ID_KEYS = json.dumps([BANK]), given
    [error] = brokers_make_sense()
    assert said in error.msg
    assert _one("RS256")["d"] not in error.msg
    assert "c2VjcmV0" not in error.msg


def test_what_brokers_are_shown_of_our_keys_is_public(settings: Any) -> None:
    settings.E_ID_KEYS = OURS
    shown = keys.public_jwks()["keys"]
    assert {key["alg"] for key in shown} == {"RS256", "PS256", "RSA-OAEP", "ECDH-ES+A256KW"}
    assert not any({"d", "p", "q", "dp", "dq", "qi", "k"} & set(key) for key in shown)


def test_an_operator_makes_keys_and_shows_their_public_half(settings: Any, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "keys.json"
    call_command("e_id_keys", "--make", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    settings.E_ID_KEYS = path.read_text()
    call_command("e_id_keys")
    assert len(json.loads(capsys.readouterr().out)["keys"]) == 4
    with pytest.raises(CommandError, match="can't be written"):
        call_command("e_id_keys", "--make", str(path))
    settings.E_ID_KEYS = ""
    with pytest.raises(CommandError, match="E_ID_KEYS is not set"):
        call_command("e_id_keys")
