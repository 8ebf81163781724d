"""A grant can be proved to the organisation's own system of record, which checks the receipt with another library."""

from __future__ import annotations

import base64
import json
import re
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings as django_settings
from django.core.checks import WARNING
from django.db import transaction
from joserfc.jwk import OKPKey

from audit.erasure import erase
from cases import outbox
from cases.models import Delivery, Refund
from contactcentre.environment import BadSetting, Environment, kept, new_signing_key
from tests.actions_asked import VALID
from tests.api_client import Api, is_problem, now
from tests.cast import NOW, Cast, gather, number
from tests.test_proposals import decide, proposed
from verification import checks, declarations, evidence, receipts
from verification.claims import claim_number
from verification.gate import Following, Granted, Live, Refused, attempt
from verification.models import Grant, Organisation, Refusal, Spent, Staff
from verification.policy import current
from verification.scene import current_claim

PAGE = Path(django_settings.BASE_DIR) / "docs" / "receipts.md"
AUDIENCE = "system-of-record"
Check = Callable[..., dict[str, Any]]


def key() -> OKPKey:
    made: OKPKey = django_settings.RECEIPT_KEY
    return made


def granted(cast: Cast, action: str, *, at: datetime = NOW, parameters: Any = None, level: str = "HIGH") -> Grant:
    desk = cast.desk(at=at, claims=cast.antti, level=level)
    asked = VALID[action] if parameters is None else parameters
    decision = attempt(action, origin=Live(desk.public_id, cast.clerk_kalle), parameters=asked, at=at)
    assert isinstance(decision, Granted), decision
    return decision.grant


def opened(receipt: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims after checking the signature with nothing but the primitive (RFC 8032)."""
    header, body, signature = receipt.split(".")
    x = key().as_dict(private=False)["x"]
    Ed25519PublicKey.from_public_bytes(_bytes(str(x))).verify(_bytes(signature), f"{header}.{body}".encode())
    return json.loads(_bytes(header)), json.loads(_bytes(body))


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_receipt_says_what_was_granted_to_whom_and_on_what_evidence(cast: Cast) -> None:
    grant = granted(cast, "refund_to_account")
    header, said = opened(receipts.signed(grant, at=NOW + timedelta(minutes=3)))
    assert header == {"alg": "EdDSA", "typ": "receipt+jwt", "kid": key().thumbprint()}
    assert said.pop("salt")
    assert said.pop("parameters_hash")
    assert said == {
        "iss": "http://testserver", "aud": AUDIENCE, "jti": str(grant.public_id), "sub": cast.antti.number,
        "iat": int(NOW.timestamp()), "nbf": int(NOW.timestamp()),
        "exp": int((NOW + timedelta(minutes=13)).timestamp()),
        "action": "refund_to_account", "level": "HIGH", "required": "SUBSTANTIAL",
        "evidence": ["IDENTITY_LIST", "SECOND_CLERK"], "policy": grant.policy_version,
        "decided_at": "2026-03-11T10:00:00.000000Z", "entry": str(grant.entry),
    }  # fmt: skip


def test_the_same_grant_at_the_same_moment_gives_the_same_bytes(cast: Cast) -> None:
    grant = granted(cast, "refund_to_account")
    again = Grant.objects.get(pk=grant.pk)
    assert receipts.signed(grant, at=NOW) == receipts.signed(again, at=NOW)
    assert opened(receipts.signed(again, at=NOW + timedelta(days=1)))[1]["jti"] == str(grant.public_id)


def test_equal_parameters_of_two_grants_cannot_be_told_to_be_equal(cast: Cast) -> None:
    one, other = (opened(receipts.signed(granted(cast, "refund_to_account"), at=NOW))[1] for _ in range(2))
    assert one["salt"] != other["salt"]
    assert len(one["salt"]) == 32
    assert one["parameters_hash"] != other["parameters_hash"]


def test_nothing_of_the_particulars_stands_in_it(cast: Cast) -> None:
    grant = granted(cast, "change_address")
    text = json.dumps(opened(receipts.signed(grant, at=NOW + current().veto_delay)))
    assert "Uusikatu" not in text
    assert grant.parameters_hash not in text  # keyed: who holds the receipt couldn't recompute it


def test_a_receipt_does_not_tell_whether_a_claimed_number_is_a_customers(cast: Cast) -> None:
    shapes = []
    for claimed in (cast.antti.number, number(7654321)):
        call = cast.call(at=NOW)
        claim_number(call.public_id, claimed, capacity="SELF", source="STAFF", by=cast.agent_aino, at=NOW)
        decision = attempt("temporary_hold", origin=Live(call.public_id, cast.agent_aino), parameters={}, at=NOW)
        assert isinstance(decision, Granted)
        said = opened(receipts.signed(decision.grant, at=NOW))[1]
        shapes.append({name: value for name, value in said.items() if name not in ("jti", "salt", "entry")})
        shapes[-1].pop("parameters_hash")
    assert shapes[0] == shapes[1]
    assert "sub" not in shapes[0]


def test_a_batch_and_what_follows_a_grant_have_receipts_too(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    of_batch = Grant.objects.get(action="import_customers")
    _, said = opened(receipts.signed(of_batch, at=NOW))
    assert (said["action"], said["level"], said["evidence"]) == ("import_customers", "NONE", [])
    begun = granted(cast, "temporary_hold", parameters={})
    terms = {"name": "finish_it", "origin": "follow", "follows": "temporary_hold", "told": "", "writes": ()}
    finishing = replace(declarations._DECLARED["temporary_hold"], effect=lambda _: {}, **terms)
    monkeypatch.setitem(declarations._DECLARED, "finish_it", finishing)
    finished = attempt("finish_it", origin=Following(begun.public_id, "tests.finish"), parameters={}, at=NOW)
    assert isinstance(finished, Granted)
    _, said = opened(receipts.signed(finished.grant, at=NOW))
    assert (said["action"], said["jti"]) == ("finish_it", str(finished.grant.public_id))


def test_a_refusal_has_none(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    decision = attempt("lift_hold", origin=Live(call.public_id, cast.agent_aino), parameters={}, at=NOW)
    assert isinstance(decision, Refused)
    with pytest.raises(receipts.NoReceipt, match="not been used"):
        receipts.signed(decision.refusal, at=NOW)  # type: ignore[arg-type]


def test_a_grant_that_is_not_used_has_none(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the effect runs the grant is unspent; and when the effect fails, grant and all are gone."""
    tried: list[Grant] = []

    def effect(occasion: Any) -> dict[str, Any]:
        tried.append(occasion.grant)
        with pytest.raises(receipts.NoReceipt, match="not been used"):
            receipts.signed(occasion.grant, at=NOW)
        raise RuntimeError("the effect fails")

    failing = replace(declarations._DECLARED["temporary_hold"], effect=effect)
    monkeypatch.setitem(declarations._DECLARED, "temporary_hold", failing)
    call = cast.call(at=NOW, claims=cast.antti)
    decision = attempt("temporary_hold", origin=Live(call.public_id, cast.agent_aino), parameters={}, at=NOW)
    assert isinstance(decision, Refused)
    assert Refusal.objects.get().reason == "FAILED"
    assert tried
    assert not Spent.objects.filter(grant_id=tried[0].pk).exists()
    with pytest.raises(receipts.NoReceipt, match="not been used"):
        receipts.signed(tried[0], at=NOW)


def test_an_erased_customer_has_none_any_more(cast: Cast) -> None:
    grant = granted(cast, "refund_to_account")
    erase(subject=str(cast.antti.customer.pseudonym), actor="system:test", purpose="A test", at=NOW)
    with pytest.raises(receipts.NoReceipt, match="erased"):
        receipts.signed(grant, at=NOW)


def test_parameters_that_are_not_the_granted_ones_are_not_vouched_for(cast: Cast) -> None:
    grant = granted(cast, "refund_to_account")
    grant.parameters_hash = "0" * 64
    with pytest.raises(receipts.NoReceipt, match="not the ones"):
        receipts.signed(grant, at=NOW)


def test_the_operator_is_warned_that_nothing_leaves(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEMO = False
    assert checks.receipts_are_signed() == []
    settings.RECEIPT_KEY = None
    [warned] = checks.receipts_are_signed()
    assert (warned.id, warned.level) == ("verification.W001", WARNING)
    assert "refund_to_account" in warned.msg
    assert "change_address" not in warned.msg
    settings.DEMO = True
    assert checks.receipts_are_signed() == [], "the demo makes its own"
    settings.DEMO = False
    inside = [action for action in declarations.all_declared() if action.reach == "local"]
    monkeypatch.setattr("verification.checks.all_declared", lambda: inside)
    assert checks.receipts_are_signed() == [], "where nothing leaves no key is missed"


def test_without_a_key_nothing_is_signed_and_instructions_wait(cast: Cast, settings: Any, tmp_path: Path) -> None:
    grant = granted(cast, "refund_to_account")
    settings.DATA_DIR, in_use, settings.RECEIPT_KEY = tmp_path, key(), None
    with pytest.raises(receipts.NoReceipt, match="RECEIPT_KEY"):
        receipts.signed(grant, at=NOW)
    assert receipts.published() == {"keys": []}
    assert outbox.due(NOW) == []
    assert not outbox.deliver(Delivery.objects.get().pk, at=NOW)
    settings.RECEIPT_KEY = in_use
    later = NOW + timedelta(hours=1)
    assert outbox.due(later) == [Delivery.objects.get().pk]
    assert outbox.deliver(Delivery.objects.get().pk, at=later)
    assert Delivery.objects.get().state == Delivery.State.DELIVERED


def test_an_instruction_carries_its_receipt_signed_when_it_leaves(cast: Cast, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    granted(cast, "refund_to_account")
    leaves = NOW + timedelta(hours=5)
    assert outbox.deliver(Delivery.objects.get().pk, at=leaves)
    (written,) = (tmp_path / "outbox" / "instructions").iterdir()
    file = json.loads(written.read_text())
    assert set(file) == {"instruction", "receipt"}
    assert file["instruction"]["parameters"] == VALID["refund_to_account"]
    assert opened(file["receipt"])[1]["exp"] == int((leaves + timedelta(days=1)).timestamp())


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/.well-known/receipts/jwks.json", "/api/v1/receipts/jwks/"])
def test_the_keys_are_public_and_hold_no_secret(client: Any, settings: Any, address: str) -> None:
    old = OKPKey.generate_key("Ed25519")
    settings.RECEIPT_OLD_KEYS = [OKPKey.import_key(old.as_dict(private=False))]
    answered = client.get(address)
    assert answered.status_code == 200
    assert answered["Cache-Control"] == "public, max-age=300"
    first, second = answered.json()["keys"]
    assert first["kid"] == key().thumbprint()
    assert second["kid"] == old.thumbprint()
    assert set(first) == set(second) == {"kty", "crv", "x", "kid", "use", "alg"}


def test_the_answer_of_the_api_holds_the_receipt_and_its_staff_may_fetch_it_again(cast: Cast) -> None:
    call = cast.call(at=now())
    answer = Api(cast, "agent_aino").act(call, "small_voucher", VALID["small_voucher"]).json()
    assert opened(answer["receipt"])[1]["jti"] == answer["grant"]
    path = f"grants/{answer['grant']}/receipt/"
    for username in ("agent_aino", "supervisor"):
        again = Api(cast, username).get(path)
        assert opened(again.json()["receipt"])[1]["jti"] == answer["grant"]
        assert again["Cache-Control"] == "no-store"
    is_problem(Api(cast, "agent_arvo").get(path), 404, "not-found")
    is_problem(Api(cast, "auditor").get(path), 403, "not-allowed")


def test_another_organisations_supervisor_gets_none(cast: Cast) -> None:
    grant = granted(cast, "refund_to_account")
    other = Organisation.objects.create(name="Toinen Oy", number_to_call="+358800999999")
    Staff.objects.filter(pk=cast.supervisor.pk).update(organisation=other)
    cast.supervisor.refresh_from_db()
    is_problem(Api(cast, "supervisor").get(f"grants/{grant.public_id}/receipt/"), 404, "not-found")


# --- docs/receipts.md, run as it stands -------------------------------------------------------------------------------
@pytest.fixture
def played(live_site: str, monkeypatch: pytest.MonkeyPatch) -> Cast:
    return gather(datetime.now(UTC) - timedelta(minutes=1))


@pytest.fixture
def check(live_site: str) -> Check:
    return of_the_page(live_site)


def of_the_page(address: str) -> Check:
    """Run the page's ten lines against the served site, with its address for the example's."""
    code, _ = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 13  # ten, and what they stand on
    names: dict[str, Any] = {}
    exec(code.replace("https://centre.example.org", address), names)
    found: Check = names["check"]
    return found


def test_the_pages_ten_lines_accept_a_receipt_once(played: Cast, check: Check) -> None:
    at = datetime.now(UTC)
    wanted = {"amount": 4500, "reason": 'paid twice: 2 × 45 €, "sorry"\\ ä\t\u2028z'}
    grant = granted(played, "refund_to_account", at=at, parameters=wanted)
    receipt = receipts.signed(grant, at=at)
    said = check(receipt, "parameters_hash", action="refund_to_account", parameters=wanted)
    assert (said["sub"], said["level"]) == (played.antti.number, "HIGH")
    for repeated in (receipt, receipts.signed(grant, at=at + timedelta(seconds=5))):
        with pytest.raises(ValueError, match="has been used"):
            check(repeated, "parameters_hash", action="refund_to_account", parameters=wanted)


def test_the_pages_two_calls_work_as_printed(played: Cast, check: Check, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR, at = tmp_path, datetime.now(UTC)
    asked = {"amount": 4500, "reason": "paid twice"}
    receipt = receipts.signed(granted(played, "refund_to_account", at=at, parameters=asked), at=at)
    granted(played, "refund_to_account", at=at)
    second = Refund.objects.order_by("pk").last()
    assert second
    assert outbox.deliver(second.grant.delivery.pk, at=at)
    (written,) = (tmp_path / "outbox" / "instructions").iterdir()
    file = json.loads(written.read_text())
    _, calls = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(calls, {"check": check, "receipt": receipt, "file": file})
    changed = {**file["instruction"], "account": "FI5542345670000081"}
    with pytest.raises(ValueError, match="not for what"):
        check(file["receipt"], "instruction_hash", instruction=changed)


def test_the_ten_lines_refuse_whatever_is_not_ours_fresh_and_for_this(
    played: Cast, check: Check, settings: Any
) -> None:
    at = datetime.now(UTC)
    wanted = VALID["refund_to_account"]
    grant = granted(played, "refund_to_account", at=at)
    good = receipts.signed(grant, at=at)
    header, body, signature = good.split(".")
    _, said = opened(good)
    more = _text({**said, "level": "HIGH", "sub": played.antti2.number})
    none = _text({"alg": "none", "typ": "receipt+jwt", "kid": key().thumbprint()})
    untyped = OKPKey.import_key(key().as_dict(private=True))
    bad = {
        "altered": f"{header}.{more}.{signature}",
        "alg none": f"{none}.{body}.",
        "alg none, signed": f"{none}.{body}.{signature}",
        "expired": receipts.signed(grant, at=at - timedelta(minutes=11)),
        "another type": jwt.encode(
            said, jwt.PyJWK(dict(untyped.as_dict(private=True)), "EdDSA").key, "EdDSA", {"kid": key().thumbprint()}
        ),
    }
    settings.RECEIPT_AUDIENCE = "somebody-else"
    bad["another audience"] = receipts.signed(grant, at=at)
    settings.RECEIPT_AUDIENCE, settings.PUBLIC_URL, ours = AUDIENCE, "https://evil.example", settings.PUBLIC_URL
    bad["another issuer"] = receipts.signed(grant, at=at)
    settings.PUBLIC_URL, in_use, settings.RECEIPT_KEY = ours, key(), OKPKey.generate_key("Ed25519")
    forged = receipts.signed(grant, at=at).split(".")
    settings.RECEIPT_KEY = in_use
    bad["another key under our kid"] = f"{header}.{forged[1]}.{forged[2]}"
    bad["another key"] = ".".join(forged)
    for name, receipt in bad.items():
        with pytest.raises((jwt.PyJWTError, ValueError)):
            pytest.fail(f"{name}: {check(receipt, 'parameters_hash', action=grant.action, parameters=wanted)}")
    with pytest.raises(ValueError, match="not for what"):
        check(good, "parameters_hash", action=grant.action, parameters={**wanted, "amount": 4501})
    assert check(good, "parameters_hash", action=grant.action, parameters=wanted)


def test_an_old_key_is_good_as_long_as_it_is_published(played: Cast, live_site: str, settings: Any) -> None:
    at, what = datetime.now(UTC), {"action": "refund_to_account", "parameters": VALID["refund_to_account"]}
    receipt = receipts.signed(granted(played, "refund_to_account", at=at), at=at)
    old, settings.RECEIPT_KEY = key(), OKPKey.generate_key("Ed25519")
    with pytest.raises(jwt.PyJWTError):
        of_the_page(live_site)(receipt, "parameters_hash", **what)
    settings.RECEIPT_OLD_KEYS = [OKPKey.import_key(old.as_dict(private=False))]
    assert of_the_page(live_site)(receipt, "parameters_hash", **what)


# --- the key as a setting ---------------------------------------------------------------------------------------------
def wrong_keys() -> dict[str, str]:
    one, other = (json.loads(new_signing_key()) for _ in range(2))
    return {
        "no json": "-----BEGIN PRIVATE KEY-----",
        "a list": json.dumps([one]),
        "another curve": json.dumps({**one, "crv": "X25519"}),
        "another type": json.dumps({**one, "kty": "RSA"}),
        "public": json.dumps({name: one[name] for name in ("kty", "crv", "x")}),
        "cut off": json.dumps({**one, "d": one["d"][:20]}),
        "of two keys": json.dumps({**one, "x": other["x"]}),
    }


@pytest.mark.parametrize("case", sorted(wrong_keys()))
def test_a_key_that_cannot_be_meant_stops_the_start_and_is_not_shown(case: str) -> None:
    given = wrong_keys()[case]
    with pytest.raises(BadSetting) as caught:
        Environment({"RECEIPT_KEY": given}).signing_key("RECEIPT_KEY", help="a sentence")
    assert str(caught.value).startswith("RECEIPT_KEY")
    assert "\n" not in str(caught.value)
    assert not re.search(r"[A-Za-z0-9_-]{30,}", str(caught.value))


@pytest.mark.parametrize("given", ["no json", "5", '{"kid": "x"}', "[5]", json.dumps([json.loads(new_signing_key())])])
def test_old_keys_are_public_ones_or_the_start_stops(given: str) -> None:
    with pytest.raises(BadSetting, match="RECEIPT_OLD_KEYS"):
        Environment({"RECEIPT_OLD_KEYS": given}).public_keys("RECEIPT_OLD_KEYS", help="a sentence")


def test_the_demo_makes_its_key_once_and_keeps_it_to_itself(tmp_path: Path) -> None:
    read = [
        Environment({}).signing_key("RECEIPT_KEY", help="a sentence", kept_in=tmp_path / "secrets") for _ in range(2)
    ]
    assert read[0]
    assert read[1]
    assert read[0].thumbprint() == read[1].thumbprint()
    assert stat.S_IMODE((tmp_path / "secrets" / "RECEIPT_KEY").stat().st_mode) == 0o600
    assert kept(tmp_path / "secrets" / "RECEIPT_KEY", new_signing_key)
    assert Environment({}).signing_key("RECEIPT_KEY", help="a sentence") is None


def test_what_can_still_be_stopped_has_no_receipt_before_it_leaves(cast: Cast, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    waiting = proposed(cast, action="refund_to_new_account", asked=VALID["refund_to_new_account"])
    decided = decide(waiting, cast.supervisor)
    assert isinstance(decided, Granted)
    stop = cast.call(at=NOW, claims=cast.antti)
    attempt("stop_refund", origin=Live(stop.public_id, cast.agent_aino), parameters={}, at=NOW)
    delivery = Delivery.objects.get()
    for at in (NOW, delivery.due_at, delivery.due_at + timedelta(days=1)):
        with pytest.raises(receipts.NoReceipt):
            receipts.signed(decided.grant, at=at)
    assert not outbox.deliver(delivery.pk, at=delivery.due_at)


def test_what_was_not_stopped_leaves_with_its_receipt(cast: Cast, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    waiting = proposed(cast, action="refund_to_new_account", asked=VALID["refund_to_new_account"])
    decided = decide(waiting, cast.supervisor)
    delivery = Delivery.objects.get()
    assert outbox.deliver(delivery.pk, at=delivery.due_at)
    [file] = (tmp_path / "outbox" / "instructions").glob("*.json")
    assert opened(json.loads(file.read_text())["receipt"])[1]["jti"] == str(decided.grant.public_id)


# --- what takes effect here, later ------------------------------------------------------------------------------------
DUE = NOW + current().veto_delay


@pytest.mark.parametrize("action", ["change_address", "change_email", "change_phone"])
def test_a_changed_contact_has_a_receipt_from_the_day_on_which_it_counts(cast: Cast, action: str) -> None:
    grant = granted(cast, action)
    with pytest.raises(receipts.NoReceipt, match="may still be stopped"):
        receipts.signed(grant, at=DUE - timedelta(seconds=1))
    said = opened(receipts.signed(grant, at=DUE))[1]
    assert said["nbf"] == int(DUE.timestamp())
    assert said["exp"] > said["nbf"] > said["iat"]


def test_one_that_was_stopped_never_has_one(cast: Cast) -> None:
    grant, stop = granted(cast, "change_email"), cast.call(at=NOW, claims=cast.antti)
    attempt("veto_change", origin=Live(stop.public_id, None), parameters={}, at=NOW + timedelta(hours=1))
    with pytest.raises(receipts.NoReceipt, match="not in force"):
        receipts.signed(grant, at=DUE)


def test_one_that_a_hold_keeps_back_has_none_yet(cast: Cast) -> None:
    grant, worried = granted(cast, "change_email"), cast.call(at=NOW, claims=cast.antti)
    attempt("temporary_hold", origin=Live(worried.public_id, None), parameters={}, at=DUE - timedelta(hours=1))
    with pytest.raises(receipts.NoReceipt, match="not in force"):
        receipts.signed(grant, at=DUE)
    assert opened(receipts.signed(grant, at=DUE + timedelta(days=4)))


def test_what_counts_at_once_is_good_at_once(cast: Cast) -> None:
    said = opened(receipts.signed(granted(cast, "refund_to_account"), at=NOW))[1]
    assert said["nbf"] == said["iat"]


def test_the_answer_of_the_api_has_none_for_what_waits(cast: Cast) -> None:
    call = cast.call(at=now(), claims=cast.antti)
    claim = current_claim(call)
    assert claim is not None
    with transaction.atomic():
        evidence.note(claim, "E_ID_SUBSTANTIAL", at=now(), by=None)
    answer = Api(cast, "agent_aino").act(call, "change_email", VALID["change_email"]).json()
    assert answer["receipt"] is None
