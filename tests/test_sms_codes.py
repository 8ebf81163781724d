"""A code by text message: worth LOW, for the call that asked, sent where it is safe, and said alike for everybody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from audit.log import read
from audit.models import Entry
from notices.models import Notice
from tests.cast import NOW, Cast, Person, bring_in, number, wrong
from tests.phone_line import NOBODY, Line, now
from tests.staff_browser import signed_in
from tests.test_phone_tells_nothing import INDEX, TOKEN, kind_of
from verification import checks, policy, sms_codes
from verification.claims import claim_number
from verification.interactions import Ended, end, open_call
from verification.keypad import Typed, check, few_codes_left
from verification.levels import Level
from verification.masking import standing
from verification.models import CodeTry, Customer, Evidence, Interaction, KeypadRoad, SmsCode
from verification.numbers import mark

MINUTE = timedelta(minutes=1)
Lines = Callable[[], Line]


def a_call(cast: Cast, number: str, at: datetime = NOW) -> Interaction:
    opened = open_call(cast.organisation, line="", language="fi", at=at)
    claim_number(opened.public_id, number, capacity="SELF", source="KEYPAD", by=None, at=at)
    return opened


def settle(at: datetime = NOW) -> None:
    for code_id in sms_codes.due(at=at):
        sms_codes.settle(code_id, at=at)


def asked(call: Interaction, at: datetime = NOW) -> str:
    """Ask for a code in this call, and read what arrived; "" when nothing did."""
    before = Notice.objects.count()
    sms_codes.ask_for(call.public_id, at=at)
    settle(at)
    return received() if Notice.objects.count() > before else ""


def received() -> str:
    """Read the code of the newest message, as its recipient would."""
    found = re.search(r"\b\d{6}\b", Notice.objects.filter(about="sms_code").latest("pk").text)
    assert found
    return found.group()


def typed(call: Interaction, code: str, at: datetime = NOW) -> Typed:
    key = f"sms:{CodeTry.objects.count()}"
    return check(call.public_id, kind="SMS", code=code, at=at, key=key)


def last_entry() -> dict[str, Any]:
    facts: dict[str, Any] = read(Entry.objects.filter(kind__startswith="sms_code.").latest("pk")).envelope["facts"]
    return facts


@pytest.fixture
def operator() -> Iterator[dict[str, sms_codes.Swapped]]:
    """Let an operator answer about SIM cards: numbers that it isn't asked about here were not swapped."""
    answers: dict[str, sms_codes.Swapped] = {}
    sms_codes.ask_operator_with(lambda number: answers.get(number, sms_codes.Swapped.NO))
    yield answers
    sms_codes.ask_operator_with(sms_codes._nobody_knows)


def test_a_code_of_a_message_gives_low_and_rests_on_the_recorded_phone(cast: Cast) -> None:
    call = a_call(cast, cast.antti3.number)
    code = asked(call)
    assert typed(call, code) is Typed.MATCHED
    seen = Evidence.objects.get(claim__speaker__interaction=call)
    assert (seen.kind, seen.rests_on) == ("SMS_CODE", cast.antti3.customer.contact("PHONE", NOW))
    assert standing(call, NOW)[1].level is Level.LOW


def test_it_goes_to_the_recorded_number_and_never_to_the_one_that_calls(cast: Cast) -> None:
    opened = open_call(cast.organisation, line="+358500000000", language="fi", at=NOW)
    claim_number(opened.public_id, cast.antti.number, capacity="SELF", source="KEYPAD", by=None, at=NOW)
    asked(opened)
    sent = Notice.objects.get(about="sms_code")
    assert (sent.channel, sent.address, sent.reference) == ("SMS", "+358401000001", None)
    assert "+358500000000" not in sent.text


def test_a_code_is_used_once(cast: Cast) -> None:
    call = a_call(cast, cast.antti.number)
    code = asked(call)
    assert [typed(call, code), typed(call, code)] == [Typed.MATCHED, Typed.WRONG]


def test_a_code_lasts_ten_minutes(cast: Cast) -> None:
    for late, outcome in ((10 * MINUTE - timedelta(seconds=1), Typed.MATCHED), (10 * MINUTE, Typed.WRONG)):
        call = a_call(cast, cast.antti.number)
        assert typed(call, asked(call), NOW + late) is outcome


def test_a_code_is_good_in_its_own_call_only(cast: Cast) -> None:
    mine, swindlers = a_call(cast, cast.antti.number), a_call(cast, cast.antti.number)
    assert typed(swindlers, asked(mine)) is Typed.WRONG


def test_another_claim_voids_the_code(cast: Cast) -> None:
    call = a_call(cast, cast.antti.number)
    code = asked(call)
    claim_number(call.public_id, cast.sanna.number, capacity="SELF", source="KEYPAD", by=None, at=NOW)
    assert typed(call, code) is Typed.WRONG


def test_a_new_code_replaces_the_old_one_and_sets_no_count_back(cast: Cast) -> None:
    call = a_call(cast, cast.antti.number)
    first = asked(call)
    for _ in range(3):
        typed(call, wrong(first))
    road = KeypadRoad.objects.get(mark=mark(cast.antti.number), kind="SMS")
    second = asked(call, NOW + MINUTE)
    assert KeypadRoad.objects.get(pk=road.pk).failures == road.failures == 3
    assert first == second or typed(call, first, NOW + MINUTE) is Typed.WRONG
    assert typed(call, second, NOW + MINUTE) is Typed.MATCHED


def test_wrong_codes_slow_the_keypad_down_and_close_it_across_calls(cast: Cast) -> None:
    for _ in range(5):
        call = a_call(cast, cast.antti.number)
        typed(call, "000000")
    assert typed(a_call(cast, cast.antti.number), "000000") is Typed.BACKING_OFF
    KeypadRoad.objects.filter(kind="SMS").update(disabled_at=NOW)
    assert asked(a_call(cast, cast.antti.number), NOW + 30 * MINUTE) == ""
    assert last_entry()["reason"] == "CLOSED"


def test_spraying_over_many_customers_slows_everybody_down(cast: Cast) -> None:
    most = policy.current().keypad.failures_per_hour_everywhere
    call = a_call(cast, cast.antti.number)
    tries = [
        CodeTry(key=f"spray:{n}", interaction=call, outcome="NOT_MATCHED", tried_at=NOW) for n in range(most)
    ]  # many calls, many numbers, one code each
    victim = a_call(cast, cast.sanna.number)
    code = asked(victim)
    CodeTry.objects.bulk_create(tries)
    assert typed(victim, code) is Typed.BACKING_OFF
    assert typed(victim, code, NOW + timedelta(hours=1, minutes=-51)) is not Typed.MATCHED


def test_three_in_ten_minutes_and_ten_a_day_whoever_is_named(cast: Cast) -> None:
    for person in (cast.antti.number, NOBODY):
        moments = [NOW + n * timedelta(seconds=20) for n in range(5)]
        moments += [NOW + timedelta(hours=1 + n) for n in range(12)]
        for at in moments:
            sms_codes.ask_for(a_call(cast, person, at).public_id, at=at)
        noted = SmsCode.objects.filter(mark=mark(person))
        assert noted.filter(sent_at__lt=NOW + 10 * MINUTE).count() == 3
        assert noted.count() == 10
    settle(NOW + timedelta(hours=12))


def test_beyond_the_limit_the_code_that_was_sent_stays_good(cast: Cast) -> None:
    call = a_call(cast, cast.antti.number)
    codes = [asked(call, NOW + n * timedelta(seconds=5)) for n in range(4)]
    assert codes[3] == ""
    assert typed(call, codes[2], NOW + MINUTE) is Typed.MATCHED


@pytest.mark.parametrize("who", ["nobody", "no phone", "moved"])
def test_nothing_is_sent_to_nobody_and_to_no_number_of_yesterday(cast: Cast, who: str) -> None:
    bring_in([_without_phone()], prepared_by=cast.administrator, approved_by=cast.administrator2, at=NOW)
    named = {"nobody": NOBODY, "no phone": number(1000077), "moved": cast.moved.number}[who]
    assert asked(a_call(cast, named)) == ""
    assert last_entry() == last_entry() | {"reason": "QUARANTINE" if who == "moved" else "NO_PHONE"}
    assert SmsCode.objects.get().settled_at == NOW


def _without_phone() -> dict[str, Any]:
    mail = {"kind": "EMAIL", "value": "n@example.org", "recorded_at": "2024-01-15T08:00:00+00:00"}
    return {
        "number": number(1000077), "family_name": "Puhelimeton", "given_names": "Niilo", "birth_date": "1950-01-01",
        "language": "fi", "joined_on": "2019-05-02", "contacts": [mail],
    }  # fmt: skip


def test_a_number_that_moved_is_good_again_after_its_quarantine(cast: Cast) -> None:
    later = NOW + timedelta(days=7)
    call = a_call(cast, cast.moved.number, later)
    assert typed(call, asked(call, later), later) is Typed.MATCHED


def test_a_swapped_card_gets_nothing_and_what_nobody_knows_is_recorded_as_unknown(
    cast: Cast, operator: dict[str, sms_codes.Swapped], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked(a_call(cast, cast.antti.number)) != ""
    assert last_entry()["sim_swap"] == "NO"
    operator["+358401000001"] = sms_codes.Swapped.YES
    assert asked(a_call(cast, cast.antti.number)) == ""
    assert last_entry()["reason"] == "SWAPPED"
    operator["+358401000001"] = sms_codes.Swapped.UNKNOWN
    assert asked(a_call(cast, cast.antti.number)) != ""
    assert last_entry()["sim_swap"] == "UNKNOWN"
    strict = replace(policy.current().sms_code, unknown_swap="WITHHOLD")
    monkeypatch.setattr(sms_codes, "current", lambda: replace(policy.current(), sms_code=strict))
    assert asked(a_call(cast, cast.antti.number), NOW + 20 * MINUTE) == ""
    assert last_entry()["reason"] == "SWAP_UNKNOWN"


def test_an_operator_that_does_not_answer_is_unknown_and_not_no(cast: Cast) -> None:
    def silent(_number: str) -> sms_codes.Swapped:
        raise TimeoutError

    sms_codes.ask_operator_with(silent)
    try:
        assert sms_codes.sim_swap_signal("+358401000001") is sms_codes.Swapped.UNKNOWN
    finally:
        sms_codes.ask_operator_with(sms_codes._nobody_knows)


def test_a_code_asked_for_twice_by_the_queue_is_sent_once(cast: Cast) -> None:
    sms_codes.ask_for(a_call(cast, cast.antti.number).public_id, at=NOW)
    (code_id,) = sms_codes.due(at=NOW)
    for _ in range(3):
        sms_codes.settle(code_id, at=NOW)
    assert Notice.objects.filter(about="sms_code").count() == 1
    assert sms_codes.due(at=NOW) == []


def test_nothing_is_sent_for_a_call_that_is_over_or_too_late(cast: Cast) -> None:
    over, late = a_call(cast, cast.antti.number), a_call(cast, cast.sanna.number)
    sms_codes.ask_for(over.public_id, at=NOW)
    sms_codes.ask_for(late.public_id, at=NOW)
    end(over.public_id, at=NOW)
    settle(NOW + 11 * MINUTE)
    assert not Notice.objects.filter(about="sms_code").exists()
    with pytest.raises(Ended):
        sms_codes.ask_for(over.public_id, at=NOW)


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "١٢٣٤٥٦", "12345\x00", "1" * 10_000])
def test_blank_and_odd_codes_never_match(cast: Cast, code: str) -> None:
    call = a_call(cast, cast.antti.number)
    asked(call)
    assert typed(call, code) is Typed.WRONG


# --- what the caller hears ----------------------------------------------------------------------------------------
def test_the_keypad_offers_it_with_its_notice_and_opens_the_menu(line: Lines, cast: Cast) -> None:
    phone = line().to_kind(cast.antti3.number)
    phone.heard("code by text message, press 4")
    phone.press("4").heard("less well protected than a code app")
    phone.heard("The code app is the safer way")
    settle(now())
    phone.press(received()).heard("Your code has been confirmed")
    assert phone.interaction.keypad == "MATCHED"
    assert read(Entry.objects.get(kind="sms_code.asked")).envelope["facts"]["notice"] == "given"


def test_a_new_code_can_be_had_on_the_keypad(line: Lines, cast: Cast) -> None:
    phone = line().to_kind(cast.antti3.number).press("4")
    settle(now())
    phone.press("1#").heard("a new code is on its way")
    settle(now())
    phone.press(received()).heard("Your code has been confirmed")
    assert SmsCode.objects.count() == 2


def test_who_asks_for_one_code_after_another_reaches_a_person(line: Lines, cast: Cast) -> None:
    phone = line().to_kind(cast.antti3.number).press("4")
    for _ in range(3):
        phone.press("1#")
    assert phone.queue == "unverified"


@pytest.mark.parametrize("language", ["1", "2", "3"])
def test_the_notice_is_spoken_in_the_language_of_the_call(line: Lines, cast: Cast, language: str) -> None:
    phone = line().to_kind(cast.antti3.number, language).press("4")
    phone.heard({"1": "Koodisovellus on turvallisempi", "2": "Kodappen är det säkrare", "3": "the safer way"}[language])
    settle(now())
    words = {"1": "Älkää", "2": "Läs inte upp", "3": "Read it to nobody"}[language]
    assert words in Notice.objects.get(about="sms_code").text


def journey(phone: Line, named: str) -> tuple[list[str], list[str]]:
    phone.to_number()
    answers, statements = [], []
    for keys in (named, "4", "1#", "000000"):
        with CaptureQueriesContext(connection) as caught:
            phone.press(keys)
        statements += [kind_of(query["sql"]) for query in caught]
        answers.append(INDEX.sub(r"\1N", TOKEN.sub(r"/\1/T/", phone.send_again().content.decode())))
        settle(now())
    return answers, statements


def test_all_sound_alike_and_run_the_same_statements(line: Lines, cast: Cast) -> None:
    people: list[Person] = [cast.antti, cast.antti3, cast.moved, cast.frozen, cast.ward]
    expected = journey(line(), NOBODY)
    assert len(expected[1]) > 30
    for person in people:
        assert journey(line(), person.number) == expected, person.customer.family_name
    assert Notice.objects.filter(about="sms_code").exists()


def test_the_right_code_while_the_keypad_backs_off_sounds_like_a_wrong_one(line: Lines, cast: Cast) -> None:
    KeypadRoad.objects.create(mark=mark(cast.sanna.number), kind="SMS", failures=5, backing_off_until=now() + MINUTE)
    heard = []
    for person, code in ((cast.sanna, None), (cast.antti, "000000")):
        phone = line().to_kind(person.number).press("4")
        settle(now())
        phone.press(code or received())
        heard.append(phone.text)
    assert heard[0] == heard[1]


# --- who may read it ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("demo", [False, True])
@pytest.mark.parametrize("who", ["agent_aino", "clerk_kalle", "supervisor", "auditor", "administrator"])
def test_no_member_of_the_staff_reads_a_code_in_the_outbox(
    cast: Cast, settings: Settings, demo: bool, who: str
) -> None:
    settings.DEMO = demo
    code = asked(a_call(cast, cast.antti.number))
    sent = Notice.objects.get(about="sms_code")
    client = signed_in(cast.staff[who])
    for path in ("/admin/notices/notice/", f"/admin/notices/notice/{sent.pk}/change/"):
        page = client.get(path, follow=True)
        assert code not in page.content.decode()
    if demo:
        assert page.status_code == 200


# --- lists that run out -------------------------------------------------------------------------------------------
def test_few_codes_left_are_told_after_a_right_code_and_written_once(line: Lines, cast: Cast) -> None:
    phone = line().to_kind(cast.antti2.number).press("2").press(cast.antti2.list_code())
    phone.heard("Codes left on your list: 3.")
    assert Notice.objects.filter(about="code_list_low").count() == len(cast.antti2.customer.recorded_contacts(now()))


def test_a_list_with_plenty_is_not_spoken_of(line: Lines, cast: Cast) -> None:
    row = _without_phone() | {"codes": [f"{n:06d}" for n in range(100_001, 100_011)]}
    bring_in([row], prepared_by=cast.administrator, approved_by=cast.administrator2, at=NOW)
    person = Person(Customer.objects.get(number=row["number"]), b"", tuple(row["codes"]))
    call = a_call(cast, person.number)
    assert cast.type_code(call, person, at=NOW) is Typed.MATCHED
    assert few_codes_left(call.public_id) is None
    assert not Notice.objects.filter(about="code_list_low").exists()


# --- the start ----------------------------------------------------------------------------------------------------
def test_a_policy_that_offers_text_messages_alone_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.a_text_message_is_not_the_only_way() == []
    restricted = {kind: worth for kind, worth in policy.current().worth.items() if not kind.startswith("KEYPAD")}
    restricted = {kind: worth for kind, worth in restricted.items() if worth.level <= Level.LOW}
    monkeypatch.setattr(policy, "current", lambda: replace(policy.read(policy.FILE.read_text()), worth=restricted))
    (found,) = checks.a_text_message_is_not_the_only_way()
    assert found.id == "verification.E005"


@pytest.mark.parametrize(
    ("old", "new"),
    [('unknown_swap = "SEND"', 'unknown_swap = "MAYBE"'), ("per_ten_minutes = 3", "per_ten_minutes = 0")],
)
def test_nonsense_about_text_messages_is_refused(old: str, new: str) -> None:
    text = policy.FILE.read_text(encoding="utf-8")
    with pytest.raises(policy.Nonsense):
        policy.read(text.replace(old, new))


def test_the_checks_pass_as_shipped(db: None) -> None:
    call_command("check", "--fail-level", "ERROR")
