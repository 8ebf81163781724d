"""The rest of what can be done: each with its level, its delay, its veto, and the old contact told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cases import exports, outbox
from cases.models import Delivery, Export, Goodwill, Refund, RefundStop, Shipment
from notices.models import Notice
from tests.actions_asked import VALID, approved_by_customer, tell_what_is_due
from tests.cast import NOW, Cast, Person, totp
from tests.test_gate import ask
from verification import evidence, interactions, masking, setups
from verification.claims import claim_number
from verification.declarations import all_declared, declared
from verification.gate import Granted, Malformed, OfProposal, Proposed, Refused, attempt
from verification.interactions import open_call
from verification.keypad import Typed
from verification.levels import Level
from verification.models import Authenticator, AuthenticatorSetup, Claim, ContactChange, Hold, Passkey
from verification.policy import current
from verification.reasons import Reason
from verification.scene import current_claim

NEW = (
    "change_email", "change_phone", "close_account", "data_subject_export", "enrol_code_app", "enrol_passkey",
    "goods_to_new_address", "goodwill", "lasting_freeze", "refund_to_new_account", "replace_code_list",
    "reset_authenticator", "undo_freeze",
)  # fmt: skip
STOPS = ("stop_enrolment", "stop_mandate", "stop_refund")
DAY = timedelta(days=1)


def done(name: str, call: Any, by: Any, parameters: Any = None, **more: Any) -> Granted:
    if declared(name).linked:
        approved_by_customer(call, name, at=more.get("at", NOW), parameters=parameters)
    decided = ask(name, call, by, parameters, **more)
    assert isinstance(decided, Granted), decided
    return decided


def by_two(cast: Cast, name: str, parameters: Any = None, who: Person | None = None) -> Granted:
    desk = cast.desk(at=NOW, claims=who or cast.antti)
    if declared(name).linked:
        approved_by_customer(desk, name, at=NOW, parameters=parameters)
    waiting = ask(name, desk, cast.clerk_kalle, parameters)
    assert isinstance(waiting, Proposed), waiting
    origin = OfProposal(waiting.proposal.public_id, cast.supervisor)
    decided = attempt(name, origin=origin, parameters={}, at=NOW)
    assert isinstance(decided, Granted), decided
    return decided


def told_about(name: str) -> list[str]:
    Notice.objects.all().delete()
    tell_what_is_due(NOW)
    return [notice.opened().text for notice in Notice.objects.filter(about=name)]


@pytest.mark.parametrize("name", NEW)
def test_codes_on_the_keypad_are_never_enough(cast: Cast, name: str) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    decided = ask(name, call, cast.agent_aino if declared(name).roles else None)
    assert decided.refusal.reason == Reason.LEVEL
    assert decided.refusal.required >= Level.SUBSTANTIAL


@pytest.mark.parametrize("name", NEW)
def test_a_caller_alone_on_the_telephone_gets_none_of_it(cast: Cast, name: str) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW")
    assert ask(name, call, None).refusal.reason in (Reason.ROLE, Reason.LEVEL)


@pytest.mark.parametrize("name", [name for name in NEW if declared(name).linked])
def test_what_is_linked_waits_for_his_own_approval_of_exactly_this(cast: Cast, name: str) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    assert ask(name, desk, cast.clerk_kalle).refusal.reason == Reason.NOT_APPROVED
    if "amount" in VALID[name]:
        approved_by_customer(desk, name, at=NOW, parameters={**VALID[name], "amount": 1})
        assert ask(name, desk, cast.clerk_kalle).refusal.reason == Reason.NOT_APPROVED
    approved_by_customer(desk, name, at=NOW)
    assert not isinstance(ask(name, desk, cast.clerk_kalle), Refused)


@pytest.mark.parametrize("name", NEW)
def test_what_another_approved_or_proved_counts_for_nobody_else(cast: Cast, name: str) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    if declared(name).linked:
        approved_by_customer(desk, name, at=NOW)
    claim_number(desk.public_id, cast.antti2.number, capacity="SELF", source="STAFF", by=cast.clerk_kalle, at=NOW)
    decided = ask(name, desk, cast.clerk_kalle if declared(name).roles else None)
    assert decided.refusal.reason == Reason.LEVEL


@pytest.mark.parametrize("name", sorted({"enrol_code_app", "reset_authenticator", "data_subject_export"}))
def test_nobody_enrols_or_orders_the_copy_for_another(cast: Cast, name: str) -> None:
    call = cast.call(at=NOW)
    claim_number(
        call.public_id, cast.ward.number, capacity="GUARDIAN", source="STAFF", by=cast.agent_aino, at=NOW,
        own_number=cast.helena.number,
    )  # fmt: skip
    assert ask(name, call, cast.agent_aino).refusal.reason == Reason.AUTHORITY


def test_every_action_that_needs_proof_tells_the_customer_or_only_tells_him_something() -> None:
    silent = {each.name for each in all_declared() if each.required > Level.LOW and not each.told}
    assert silent == set()


@pytest.mark.parametrize(("name", "kind", "new"), [
    ("change_email", "EMAIL", "uusi@example.org"), ("change_phone", "PHONE", "+358507654321"),
])  # fmt: skip
def test_a_contact_changes_after_the_delay_and_its_old_one_is_told_the_day(
    cast: Cast, name: str, kind: str, new: str
) -> None:
    customer = cast.antti.customer
    old = customer.contact(kind, NOW).value
    done(name, cast.desk(at=NOW, claims=cast.antti), cast.clerk_kalle)
    assert customer.contact(kind, NOW + timedelta(hours=71)).value == old
    assert customer.contact(kind, NOW + timedelta(hours=72)).value == new
    Notice.objects.all().delete()
    tell_what_is_due(NOW)
    assert old in {notice.opened().address for notice in Notice.objects.filter(about=name)}
    assert all("14.3.2026" in notice.opened().text for notice in Notice.objects.filter(about=name))


@pytest.mark.parametrize("name", ["change_email", "change_phone"])
def test_a_veto_stops_the_change(cast: Cast, name: str) -> None:
    done(name, cast.desk(at=NOW, claims=cast.antti), cast.clerk_kalle)
    later = NOW + timedelta(hours=10)
    ask("veto_change", cast.call(at=later, claims=cast.antti), cast.agent_aino, at=later)
    assert not ContactChange.objects.pending(later).filter(customer=cast.antti.customer).exists()


@pytest.mark.parametrize(("name", "kind"), [("change_email", "EMAIL"), ("change_phone", "PHONE")])
def test_a_proof_that_leans_on_the_contact_does_not_change_it(cast: Cast, name: str, kind: str) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti, level="NONE")
    with transaction.atomic():
        leaning = cast.antti.customer.contact(kind, NOW)
        evidence.note(current_claim(desk), "PASSKEY", at=NOW, by=None, rests_on=leaning)
    assert ask(name, desk, cast.clerk_kalle).refusal.reason == Reason.CONTACT


@pytest.mark.parametrize(
    "typed", ["12", "+0 40 123 4567", "phone", "040", "+358 40 1234567890123", "٠٤٠١٢٣٤٥٦٧"], ids=ascii
)
def test_what_is_no_phone_number_is_malformed(cast: Cast, typed: str) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    assert isinstance(ask("change_phone", desk, cast.clerk_kalle, {"phone": typed}), Malformed)


def test_goods_go_to_the_new_address_as_an_instruction_and_the_record_stays(cast: Cast, folder: Path) -> None:
    done("goods_to_new_address", cast.desk(at=NOW, claims=cast.antti), cast.clerk_kalle)
    assert outbox.deliver(Delivery.objects.get().pk, at=NOW)
    instruction = json.loads((folder / f"{Shipment.objects.get().public_id}.json").read_text())["instruction"]
    assert instruction["order"] == "T-2026-88"
    assert instruction["address"] == {"street": "Uusikatu 1", "postal_code": "00100", "town": "Helsinki"}
    assert cast.antti.customer.contact("ADDRESS", NOW + timedelta(days=30)) is None


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Iterator[Path]:
    from joserfc.jwk import OKPKey

    settings.DATA_DIR, settings.RECEIPT_KEY = tmp_path, OKPKey.generate_key("Ed25519")
    yield tmp_path / "outbox" / "instructions"


def test_money_for_a_new_account_leaves_after_three_days_with_a_second_person(cast: Cast, folder: Path) -> None:
    decided = by_two(cast, "refund_to_new_account")
    [delivery] = Delivery.objects.all()
    assert delivery.due_at == NOW + timedelta(hours=72)
    assert decided.result["effective_at"] == delivery.due_at.isoformat()
    assert not outbox.deliver(delivery.pk, at=NOW + timedelta(hours=71))
    assert delivery.pk not in outbox.due(NOW + timedelta(hours=71))
    assert outbox.deliver(delivery.pk, at=delivery.due_at)
    written = json.loads((folder / f"{Refund.objects.get().public_id}.json").read_text())
    assert written["instruction"]["account"] == "FI2112345600000785"
    told = told_about("refund_to_new_account")
    assert len(told) == 2
    assert all("14.3.2026" in text for text in told)


def test_a_refund_to_a_new_account_is_stopped_by_a_mere_claim(cast: Cast, folder: Path) -> None:
    by_two(cast, "refund_to_new_account")
    later = NOW + DAY
    assert isinstance(ask("stop_refund", cast.call(at=later, claims=cast.antti), None, at=later), Granted)
    assert RefundStop.objects.get().refund == Refund.objects.get()
    assert not outbox.deliver(Delivery.objects.get().pk, at=NOW + timedelta(days=4))
    assert Delivery.objects.get().state == Delivery.State.STOPPED
    assert not folder.exists()


def test_it_waits_while_a_hold_is_in_force(cast: Cast, folder: Path) -> None:
    by_two(cast, "refund_to_new_account")
    held = NOW + timedelta(hours=60)
    ask("temporary_hold", cast.call(at=held, claims=cast.antti), None, at=held)
    assert not outbox.deliver(Delivery.objects.get().pk, at=NOW + timedelta(hours=73))
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == (Delivery.State.PENDING, 0)
    assert not outbox.deliver(delivery.pk, at=held + timedelta(hours=49)), "he may still stop it"
    assert not outbox.deliver(delivery.pk, at=held + timedelta(hours=71))
    assert outbox.deliver(delivery.pk, at=held + timedelta(hours=73))


def test_stopping_touches_nobody_elses_refund_and_none_to_the_account_on_record(cast: Cast) -> None:
    by_two(cast, "refund_to_new_account", who=cast.antti)
    done("refund_to_account", cast.desk(at=NOW, claims=cast.antti2), cast.clerk_kalle)
    for who in (cast.antti2, cast.sanna):
        ask("stop_refund", cast.call(at=NOW, claims=who), None)
    assert not RefundStop.objects.exists()


@pytest.mark.parametrize("name", STOPS)
def test_a_stop_tells_nobody_whether_there_was_something_to_stop(cast: Cast, name: str) -> None:
    by_two(cast, "refund_to_new_account")
    done("enrol_code_app", cast.desk(at=NOW, claims=cast.antti), cast.clerk_kalle)
    seen = []
    for number in (cast.antti.number, cast.antti2.number, "99999999"):
        call = open_call(cast.organisation, line="", language="fi", at=NOW)
        claim_number(call.public_id, number, capacity="SELF", source="KEYPAD", by=None, at=NOW)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            decided = ask(name, call, None)
        seen.append((type(decided).__name__, decided.result, len(asked)))
    assert len({repr(each) for each in seen}) == 1, seen


@pytest.mark.parametrize("account", ["FI2112345600000786", "FI21", "1234567890", "fi21 12x4 5600 0007 85", ""])
def test_what_is_no_account_is_malformed(cast: Cast, account: str) -> None:
    asked = {**VALID["refund_to_new_account"], "account": account}
    desk = cast.desk(at=NOW, claims=cast.antti)
    assert isinstance(ask("refund_to_new_account", desk, cast.clerk_kalle, asked), Malformed)


def test_goodwill_is_the_agents_own_until_his_month_is_spent(cast: Cast) -> None:
    budget, reason = current().goodwill_budget, "waited for weeks"
    for who, amount in ((cast.antti, budget - 100), (cast.antti2, 100)):
        desk = cast.desk(at=NOW, claims=who)
        done("goodwill", desk, cast.clerk_kalle, {"amount": amount, "reason": reason})
    desk = cast.desk(at=NOW, claims=cast.sanna)
    waiting = ask("goodwill", desk, cast.clerk_kalle, {"amount": 1, "reason": reason})
    assert isinstance(waiting, Proposed)
    other = cast.desk(at=NOW, claims=cast.sanna, by="clerk_kerttu")
    done("goodwill", other, cast.clerk_kerttu, {"amount": 1, "reason": reason})
    april = NOW + timedelta(days=21)
    late = cast.desk(at=april, claims=cast.olli)
    done("goodwill", late, cast.clerk_kalle, {"amount": budget, "reason": reason}, at=april)
    origin = OfProposal(waiting.proposal.public_id, cast.supervisor)
    assert isinstance(attempt("goodwill", origin=origin, parameters={}, at=NOW), Granted)
    assert Goodwill.objects.count() == 5


def test_a_copy_of_the_data_is_prepared_sealed_and_opens_only_to_himself_just_identified(cast: Cast) -> None:
    asked = done("data_subject_export", cast.desk(at=NOW, claims=cast.antti), cast.clerk_kalle)
    assert set(asked.result) == {"export"}
    for export_id in exports.due(NOW):
        exports.move(export_id, at=NOW)
    export = Export.objects.get()
    assert export.state == Export.State.PREPARED
    assert b"Asiakas" not in bytes(export.sealed_copy)
    low = current_claim(cast.call(at=NOW, claims=cast.antti, level="LOW"))
    stranger = _identified(cast, cast.antti2)
    for claim in (low, stranger):
        with pytest.raises(exports.NotOpened):
            exports.open_copy(export.request.public_id, claim, at=NOW)
    himself = _identified(cast, cast.antti)
    with pytest.raises(exports.NotOpened):
        exports.open_copy(export.request.public_id, himself, at=NOW + timedelta(minutes=11))
    copy = exports.open_copy(export.request.public_id, himself, at=NOW)
    assert copy["record"]["name"] == "Antti Asiakas"
    with pytest.raises(exports.NotOpened):
        exports.open_copy(export.request.public_id, himself, at=NOW)
    assert bytes(Export.objects.get().sealed_copy) == b""


def _identified(cast: Cast, who: Person) -> Claim:
    claim = current_claim(cast.call(at=NOW, claims=who))
    assert claim is not None
    with transaction.atomic():
        evidence.note(claim, "E_ID_SUBSTANTIAL", at=NOW, by=None, authenticated_at=NOW)
    return claim


def test_a_copy_that_nobody_opens_is_thrown_away(cast: Cast) -> None:
    done("data_subject_export", cast.desk(at=NOW, claims=cast.antti), cast.clerk_kalle)
    for at in (NOW, NOW + timedelta(days=14)):
        for export_id in exports.due(at):
            exports.move(export_id, at=at)
    assert Export.objects.get().state == Export.State.VOID
    assert bytes(Export.objects.get().sealed_copy) == b""


def test_a_freeze_lasts_and_only_the_highest_proof_undoes_it(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti, level="SUBSTANTIAL")
    done("lasting_freeze", desk, cast.clerk_kalle)
    done("lasting_freeze", desk, cast.clerk_kalle)
    assert Hold.objects.filter(customer=cast.antti.customer, kind="LASTING").count() == 1
    assert ask("change_email", desk, cast.clerk_kalle).refusal.reason == Reason.HOLD
    assert isinstance(ask("book_visit", desk, cast.clerk_kalle), Granted), "a freeze never blocks a visit"
    done("lift_hold", desk, cast.clerk_kalle)
    assert ask("change_email", desk, cast.clerk_kalle).refusal.reason == Reason.HOLD, "no temporary hold"
    assert ask("undo_freeze", desk, cast.clerk_kalle).refusal.reason == Reason.LEVEL
    high = cast.desk(at=NOW, claims=cast.antti)
    assert done("undo_freeze", high, cast.clerk_kalle).result == {"lifted": 1, "waiting": []}
    done("change_email", high, cast.clerk_kalle)


def test_undoing_a_freeze_leaves_anothers_temporary_hold(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    done("lasting_freeze", desk, cast.clerk_kalle)
    done("temporary_hold", desk, cast.clerk_kalle)
    done("undo_freeze", desk, cast.clerk_kalle)
    assert [hold.kind for hold in Hold.objects.in_force(NOW).filter(customer=cast.antti.customer)] == ["TEMPORARY"]


def test_a_new_code_app_counts_after_a_day_and_only_its_owner_sees_the_key(cast: Cast) -> None:
    decided = done("enrol_code_app", cast.desk(at=NOW, claims=cast.antti3), cast.clerk_kalle)
    setup = AuthenticatorSetup.objects.get()
    assert set(decided.result) == {"setup", "effective_at"}
    with pytest.raises(setups.NothingToOpen):
        setups.reveal(setup.public_id, customer=cast.antti.customer, at=NOW)
    opened = setups.reveal(setup.public_id, customer=cast.antti3.customer, at=NOW)
    with pytest.raises(setups.NothingToOpen):
        setups.reveal(setup.public_id, customer=cast.antti3.customer, at=NOW)
    assert opened.key.replace(" ", "") in opened.address
    person = _with_key(cast.antti3, opened)
    early, late = NOW + timedelta(hours=23), NOW + timedelta(hours=25)
    assert cast.type_code(cast.call(at=early, claims=person), person, at=early) is Typed.WRONG
    assert cast.type_code(cast.call(at=late, claims=person), person, at=late) is Typed.MATCHED


def _with_key(person: Person, opened: setups.Opened) -> Person:
    from base64 import b32decode

    key = b32decode(opened.key.replace(" ", ""))
    assert len(totp(key, NOW)) == 6
    return Person(person.customer, key)


def test_with_a_second_person_it_counts_at_once(cast: Cast) -> None:
    by_two(cast, "enrol_code_app", {"at_once": True}, who=cast.antti3)
    assert Authenticator.objects.in_force(NOW).filter(customer=cast.antti3.customer).exists()


def test_a_key_is_opened_within_a_day_or_not_at_all(cast: Cast) -> None:
    done("enrol_code_app", cast.desk(at=NOW, claims=cast.antti3), cast.clerk_kalle)
    setup = setups.waiting(cast.antti3.customer, NOW)
    assert setups.waiting(cast.antti3.customer, NOW + DAY) is None
    with pytest.raises(setups.NothingToOpen):
        setups.reveal(setup.public_id, customer=cast.antti3.customer, at=NOW + DAY)


def test_a_mere_claim_stops_what_does_not_count_yet_and_leaves_what_does(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    done("enrol_code_app", desk, cast.clerk_kalle)
    done("enrol_passkey", desk, None)
    later = NOW + timedelta(hours=2)
    assert isinstance(ask("stop_enrolment", cast.call(at=later, claims=cast.antti), None, at=later), Granted)
    in_force = Authenticator.objects.in_force(NOW + 2 * DAY).filter(customer=cast.antti.customer)
    assert [each.enrolled_at < NOW or each.effective_at < NOW for each in in_force] == [True]
    assert not Passkey.objects.filter(customer=cast.antti.customer, end__isnull=True).exists()
    assert setups.waiting(cast.antti.customer, later) is None


def test_a_code_list_goes_by_letter_to_the_recorded_address_and_nobody_of_ours_sees_it(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    assert ask("replace_code_list", desk, cast.clerk_kalle).refusal.reason == Reason.FAILED, "no address on record"
    done("change_address", desk, cast.clerk_kalle)
    soon, later = NOW + timedelta(days=4), NOW + timedelta(days=7)
    waiting = cast.desk(at=soon, claims=cast.antti)
    assert ask("replace_code_list", waiting, cast.clerk_kalle, at=soon).refusal.reason == Reason.FAILED, "quarantined"
    Notice.objects.all().delete()
    decided = done("replace_code_list", cast.desk(at=later, claims=cast.antti), cast.clerk_kalle, at=later)
    assert set(decided.result) == {"effective_at"}
    letter = Notice.objects.get(about="code_list")
    assert (letter.channel, letter.opened().address) == ("LETTER", "Uusikatu 1, 00100 Helsinki")
    code = letter.opened().text.splitlines()[2].split(". ")[1]
    assert code.encode() not in bytes(letter.contents)
    made = Authenticator.objects.get(customer=cast.antti.customer, kind="CODE_LIST")
    assert (made.codes.count(), made.effective_at) == (20, later + DAY)


def test_taking_codes_out_of_use_counts_at_once_and_touches_one_kind(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    done("enrol_passkey", desk, None)
    assert done("reset_authenticator", desk, cast.clerk_kalle).result == {"ended": 1}
    call = cast.call(at=NOW, claims=cast.antti)
    assert cast.type_code(call, cast.antti, at=NOW) is Typed.WRONG
    assert Passkey.objects.filter(end__isnull=True).count() == 1
    assert done("reset_authenticator", desk, cast.clerk_kalle, {"which": "PASSKEY"}).result == {"ended": 1}


def test_a_passkey_is_made_by_its_owner_alone_and_once(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    assert ask("enrol_passkey", desk, cast.clerk_kalle).refusal.reason == Reason.ROLE
    done("enrol_passkey", desk, None)
    assert Passkey.objects.get().effective_at == NOW + DAY
    other = cast.desk(at=NOW, claims=cast.antti2)
    assert ask("enrol_passkey", other, None).refusal.reason == Reason.FAILED, "the same key for another customer"


def test_a_closed_account_stays_closed_and_shows_nothing(cast: Cast) -> None:
    by_two(cast, "close_account")
    desk = cast.desk(at=NOW, claims=cast.antti)
    for name in ("disclose_personal_data", "change_email", "tell_case_state", "refund_to_account"):
        refused = ask(name, desk, cast.clerk_kalle)
        assert refused.refusal.reason == Reason.CLOSED, name
        assert refused.refusal.ways
    assert masking.open_record(desk.public_id, by=cast.clerk_kalle, at=NOW) == {}
    done("undo_freeze", desk, cast.clerk_kalle)
    assert ask("change_email", desk, cast.clerk_kalle).refusal.reason == Reason.CLOSED
    stranger = cast.call(at=NOW, claims=cast.antti)
    assert ask("change_email", stranger, cast.agent_aino).refusal.reason == Reason.LEVEL, "told to nobody before LOW"


@pytest.mark.parametrize("name", ["change_email", "enrol_code_app", "goods_to_new_address"])
def test_what_could_harm_by_repetition_is_capped(cast: Cast, name: str) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    [cap] = [each for each in current().caps_of(name) if each.scope == "customer"]
    for _again in range(cap.times):
        done(name, desk, cast.clerk_kalle)
    if name == "goods_to_new_address":  # it is approved once more, and the cap holds all the same
        approved_by_customer(desk, name, at=NOW)
    assert ask(name, desk, cast.clerk_kalle).refusal.reason == Reason.CAP


def test_nothing_of_it_outlives_the_contact(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    approved_by_customer(desk, "goods_to_new_address", at=NOW)
    interactions.end(desk.public_id, at=NOW)
    assert ask("goods_to_new_address", desk, cast.clerk_kalle).refusal.reason == Reason.NOT_LIVE
