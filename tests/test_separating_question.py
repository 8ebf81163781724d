"""Which namesake is calling: he answers on his own keypad, it picks one at most, proves nothing and tells nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.log import read
from audit.models import Entry
from ivr import redirects
from tests.cast import Cast, _row, bring_in
from tests.namesakes_asked import ANTTI, Bridge, contact_of, question_of
from tests.phone_line import Line, now
from tests.test_phone_tells_nothing import kind_of
from verification import claims, interactions, separating
from verification.levels import Level
from verification.masking import standing
from verification.models import Claim, Evidence, SeparatingQuestion
from verification.policy import current
from verification.scene import current_claim
from verification.separating import State

LIMITS = current().separating
SAID = "Thank you. You will be put through to your person again."
TWINS = ("Kaksonen", "Kaisa")
NOBODY = ("Nobody", "Noel")


def twins(cast: Cast) -> None:
    """Bring in two of one name who were born on one day."""
    rows = [_row(1000021, *TWINS, birth_date="1970-04-17"), _row(1000022, *TWINS, birth_date="1990-04-17")]
    bring_in(rows, prepared_by=cast.administrator, approved_by=cast.administrator2, at=now())


def lookalikes(cast: Cast) -> dict[str, tuple[tuple[str, str], str]]:
    """Every name and answer that must not be told apart."""
    twins(cast)
    return {
        "one": (ANTTI, "1704"),
        "none": (ANTTI, "1804"),
        "many": (TWINS, "1704"),
        "nobody bears the name": (NOBODY, "1704"),
        "a company": (("Kahden Naulan Kauppa Oy", ""), "1704"),
    }


@pytest.mark.parametrize(("typed", "who"), [("1704", "antti"), ("0211", "antti2"), ("3006", "antti3")])
def test_the_answer_picks_one_and_proves_nothing(bridge: Bridge, typed: str, who: str) -> None:
    phone = bridge.asked()
    phone.heard("the day and the month of your birth")
    assert phone.press(typed).text == SAID
    claim = current_claim(contact_of(phone))
    assert (claim.customer, claim.source) == (bridge.cast.people[who].customer, Claim.Source.QUESTION)
    assert claim.claimed_by == bridge.cast.agent_aino
    assert standing(contact_of(phone), now())[1].level is Level.NONE
    assert not Evidence.objects.exists()
    assert question_of(phone).state == State.PICKED


def test_he_comes_back_to_his_own_agent_and_the_contact_goes_on(bridge: Bridge) -> None:
    phone = bridge.asked().press("1704")
    assert phone.queue == f"agent-{bridge.cast.agent_aino.pseudonym}"
    assert not phone.ended
    assert contact_of(phone).served_by == bridge.cast.agent_aino
    assert phone.wait_on().text == "", "the agent's voice is to be heard, not ours"
    phone.leave_queue("bridged")
    assert not contact_of(phone).live


def test_none_one_and_many_sound_alike_and_run_the_same_statements(bridge: Bridge) -> None:
    heard, run = {}, {}
    for name, (said, typed) in lookalikes(bridge.cast).items():
        phone = bridge.asked(said)
        with CaptureQueriesContext(connection) as caught:
            heard[name] = phone.press(typed).text
        run[name] = [kind_of(query["sql"]).replace("ROLLBACK", "RELEASE") for query in caught if " " in query["sql"]]
    assert set(heard.values()) == {SAID}
    assert len(run["one"]) > 20
    for name, statements in run.items():
        assert statements == run["none"], name
    picked = SeparatingQuestion.objects.filter(state=State.PICKED)
    assert picked.count() == 1


def test_the_way_to_the_question_is_the_same_whoever_bears_the_name(bridge: Bridge) -> None:
    heard = {bridge.asked(said).text for said, _ in lookalikes(bridge.cast).values()}
    assert len(heard) == 1


def test_switching_the_customer_voids_what_was_proved(bridge: Bridge) -> None:
    phone = bridge.line().to_menu(bridge.cast.helena)
    phone.press("0")
    contact = phone.interaction
    interactions.take(contact.public_id, by=bridge.cast.agent_aino, at=now())
    assert standing(contact, now())[1].level is Level.LOW
    phone.interaction.refresh_from_db()
    bridge.says(phone)
    redirects.turn(bridge.wanted(phone).pk, at=now())
    phone.turned(bridge.ordered()).press("1704")
    assert current_claim(contact).customer == bridge.cast.antti.customer
    assert standing(contact, now())[1].level is Level.NONE
    assert contact_of(phone).keypad == "NOT_ASKED"


def test_an_answer_in_vain_leaves_what_was_proved(bridge: Bridge) -> None:
    phone = bridge.line().to_menu(bridge.cast.helena)
    phone.press("0")
    interactions.take(phone.interaction.public_id, by=bridge.cast.agent_aino, at=now())
    bridge.says(phone)
    redirects.turn(bridge.wanted(phone).pk, at=now())
    phone.turned(bridge.ordered()).press("1804")
    assert standing(contact_of(phone), now())[1].level is Level.LOW
    assert contact_of(phone).keypad == "MATCHED"


def skip_with_zero(phone: Line) -> None:
    phone.press("0#")


def be_silent(phone: Line) -> None:
    phone.silence().heard("Here is the question once more")
    phone.silence()


def type_what_is_no_day(phone: Line) -> None:
    phone.press("3113").heard("Here is the question once more")
    phone.press("12#")


@pytest.mark.parametrize("how", [skip_with_zero, be_silent, type_what_is_no_day])
def test_without_an_answer_he_comes_back_unpicked_with_the_same_words(bridge: Bridge, how: Any) -> None:
    phone = bridge.asked()
    how(phone)
    assert phone.text == SAID
    assert phone.queue == f"agent-{bridge.cast.agent_aino.pseudonym}"
    assert question_of(phone).state == State.SKIPPED
    assert current_claim(contact_of(phone)) is None


def test_star_says_the_question_again_and_a_leap_day_is_a_day(bridge: Bridge) -> None:
    phone = bridge.asked()
    said = phone.text
    assert phone.press("*#").text == said
    assert phone.press("2902").text == SAID
    assert question_of(phone).state == State.NOT_PICKED


def test_the_question_is_put_in_the_language_that_the_agent_speaks(bridge: Bridge) -> None:
    phone = bridge.served()
    interactions.set_language(phone.interaction.public_id, language="sv", at=now())
    bridge.says(phone)
    redirects.turn(bridge.wanted(phone).pk, at=now())
    assert phone.turned(bridge.ordered()).languages == {"sv-SE"}


def test_the_log_tells_that_it_was_asked_and_answered_and_the_name_is_forgotten(bridge: Bridge) -> None:
    phone = bridge.asked()
    assert bytes(question_of(phone).sealed_name)
    phone.press("1704")
    assert not bytes(question_of(phone).sealed_name)
    entries = [read(each).envelope for each in Entry.objects.filter(kind__startswith="claim.question").order_by("id")]
    told = [(each["kind"], each["outcome"]) for each in entries]
    assert told == [("claim.question_asked", "ok"), ("claim.question_answered", "picked")]


# --- how often --------------------------------------------------------------------------------------------------------
def in_vain(bridge: Bridge, name: tuple[str, str], times: int, *, days_ago: float = 0) -> None:
    """Leave traces of answers that picked nobody, each in a call of its own, by colleagues."""
    for _ in range(times):
        phone = bridge.served(bridge.cast.agent_arvo)
        bridge.says(phone, name)
        SeparatingQuestion.objects.filter(pk=question_of(phone).pk).update(
            state=State.NOT_PICKED, asked_by=bridge.cast.supervisor, asked_at=now() - timedelta(days=days_ago)
        )


@pytest.mark.parametrize("name", [ANTTI, NOBODY])
def test_a_name_can_be_tried_a_few_times_a_day_and_a_month(bridge: Bridge, name: tuple[str, str]) -> None:
    in_vain(bridge, name, LIMITS.per_name_per_day)
    phone = bridge.served()
    bridge.says(phone, (name[0].upper(), f" {name[1]} "))
    with pytest.raises(claims.TooMany):
        bridge.wanted(phone)
    SeparatingQuestion.objects.filter(state=State.NOT_PICKED).update(asked_at=now() - timedelta(days=2))
    assert bridge.wanted(phone).state == State.ASKED


def test_a_month_of_a_name_has_an_end_too(bridge: Bridge) -> None:
    in_vain(bridge, NOBODY, 1, days_ago=2)
    (one,) = SeparatingQuestion.objects.filter(state=State.NOT_PICKED)
    phone = bridge.served()
    for _ in range(LIMITS.per_name_per_month - 1):
        search = one.search
        search.pk = None
        search.save(force_insert=True)
        one.pk, one.public_id, one.search = None, SeparatingQuestion().public_id, search
        one.save(force_insert=True)
    bridge.says(phone, NOBODY)
    with pytest.raises(claims.TooMany):
        bridge.wanted(phone)


def test_one_call_and_one_colleague_have_their_limits(bridge: Bridge) -> None:
    phone = bridge.asked()
    for _ in range(LIMITS.per_interaction - 1):
        phone.press("0#")
        bridge.says(phone)
        redirects.turn(bridge.wanted(phone).pk, at=now())
        phone.turned(bridge.ordered())
    phone.press("0#")
    bridge.says(phone)
    with pytest.raises(claims.TooMany):
        bridge.wanted(phone)
    other = bridge.served()
    bridge.says(other)
    of_today = SeparatingQuestion.objects.filter(asked_by=bridge.cast.agent_aino)
    mine = LIMITS.per_staff_per_day - of_today.count()
    in_vain(bridge, NOBODY, mine)
    SeparatingQuestion.objects.filter(asked_by=bridge.cast.supervisor).update(asked_by=bridge.cast.agent_aino)
    with pytest.raises(claims.TooMany):
        bridge.wanted(other)


def test_it_counts_among_the_customers_named_in_the_contact(bridge: Bridge) -> None:
    phone = bridge.served()
    for number in range(current().claims.per_interaction - 1):
        claims.claim_number(
            phone.interaction.public_id, f"9999999{number}", capacity="SELF", source="STAFF",
            by=bridge.cast.agent_aino, at=now(),
        )  # fmt: skip
    bridge.says(phone)
    redirects.turn(bridge.wanted(phone).pk, at=now())
    phone.turned(bridge.ordered())
    claims.claim_number(
        phone.interaction.public_id, "99999995", capacity="SELF", source="STAFF", by=bridge.cast.agent_aino, at=now()
    )
    assert phone.press("1704").text == SAID
    assert question_of(phone).state == State.NOT_PICKED
    assert current_claim(contact_of(phone)).customer is None


def hand_back(bridge: Bridge, phone: Line) -> None:
    bridge.says(phone)
    interactions.hand_back(phone.interaction.public_id, by=bridge.cast.agent_aino, at=now())


def say_no_name(_bridge: Bridge, phone: Line) -> None:
    assert separating.newest(phone.interaction) is None


def ask_already(bridge: Bridge, phone: Line) -> None:
    bridge.says(phone)
    bridge.wanted(phone)


@pytest.mark.parametrize(("code", "before"), [("SERVING", hand_back), ("NAME", say_no_name), ("OPEN", ask_already)])
def test_it_is_asked_only_by_who_serves_him_for_a_name_and_once_at_a_time(
    bridge: Bridge, code: str, before: Any
) -> None:
    phone = bridge.served()
    before(bridge, phone)
    with pytest.raises(separating.NotAsked, match=code):
        separating.ask(phone.interaction.public_id, by=bridge.cast.agent_aino, at=now())


def test_a_contact_without_a_telephone_has_no_keypad_to_ask_on(bridge: Bridge) -> None:
    chat = interactions.open_by_staff(bridge.cast.agent_aino, channel="CHAT", language="fi", at=now())
    claims.claim_name(
        chat.public_id, family_name="Asiakas", given_names="Antti", capacity="SELF", by=bridge.cast.agent_aino, at=now()
    )
    with pytest.raises(separating.NotAsked, match="LINE"):
        separating.ask(chat.public_id, by=bridge.cast.agent_aino, at=now())


# --- what goes wrong on the way ---------------------------------------------------------------------------------------
def test_each_webhook_that_comes_twice_is_done_once(bridge: Bridge) -> None:
    phone = bridge.asked()
    question = phone.send_again().content
    assert b"birth" in question
    assert phone.send_again().content == question
    phone.press("1704")
    back = phone.send_again(-2).content  # the last but one is the answer; the last asks what those who wait hear
    assert SAID.encode() in back
    assert Claim.objects.count() == 1
    assert Entry.objects.filter(kind="claim.question_answered").count() == 1


def test_the_queues_word_may_come_after_the_question(bridge: Bridge) -> None:
    phone = bridge.served()
    bridge.says(phone)
    redirects.turn(bridge.wanted(phone).pk, at=now())
    after, phone.queue = phone._after_queue, None
    phone._go(bridge.ordered()).heard("day and the month")
    phone.post(after, {"QueueResult": "redirected-from-bridged"})
    phone.press("1704")
    phone.post(after, {"QueueResult": "redirected-from-bridged"})
    assert contact_of(phone).live
    assert question_of(phone).state == State.PICKED


def test_hanging_up_meanwhile_ends_it_all(bridge: Bridge) -> None:
    phone = bridge.asked()
    phone.hang_up()
    assert question_of(phone).state == State.OVER
    assert not bytes(question_of(phone).sealed_name)
    late = phone.post(phone._asked().attrib["action"], {"Digits": "1704", "CallStatus": "in-progress"})
    assert b"Goodbye" in late.content
    assert not Claim.objects.exists()


def test_an_agent_who_ends_the_contact_meanwhile_leaves_nobody_waiting(bridge: Bridge) -> None:
    phone = bridge.asked()
    interactions.end(phone.interaction.public_id, by=bridge.cast.agent_aino, at=now())
    phone.press("1704").heard("Goodbye")
    assert phone.ended
    assert not Claim.objects.exists()


def test_a_contact_that_was_handed_back_meanwhile_waits_for_anybody(bridge: Bridge) -> None:
    phone = bridge.asked()
    interactions.hand_back(phone.interaction.public_id, by=bridge.cast.agent_aino, at=now())
    phone.press("1704")
    assert phone.queue == "unverified"
    assert current_claim(contact_of(phone)).customer == bridge.cast.antti.customer


@pytest.mark.parametrize("status", [400, 404])
def test_a_refusal_of_the_provider_is_told_at_once(bridge: Bridge, status: int) -> None:
    bridge.orders.mock(return_value=httpx.Response(status))
    phone = bridge.served()
    bridge.says(phone)
    redirects.turn(bridge.wanted(phone).pk, at=now())
    assert question_of(phone).state == State.FAILED
    assert Entry.objects.filter(kind="claim.question_failed").count() == 1
    assert contact_of(phone).live


def test_a_provider_that_does_not_answer_is_asked_again_and_then_given_up(bridge: Bridge) -> None:
    bridge.orders.mock(side_effect=[httpx.Response(503), httpx.ConnectTimeout("away"), httpx.Response(429)])
    phone = bridge.served()
    bridge.says(phone)
    question, at = bridge.wanted(phone), now()
    for state in (State.ASKED, State.ASKED, State.FAILED):
        redirects.turn(question.pk, at=at)
        assert question_of(phone).state == state
        at += timedelta(seconds=5)
    assert bridge.orders.call_count == 3


def test_two_workers_give_one_order(bridge: Bridge) -> None:
    phone = bridge.served()
    bridge.says(phone)
    question, at = bridge.wanted(phone), now()
    assert separating.leased(question.pk, at=at) is not None
    redirects.turn(question.pk, at=at)
    assert bridge.orders.call_count == 0


def test_the_sweep_turns_what_was_forgotten_and_ends_what_nothing_came_of(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    hinted: list[int] = []
    monkeypatch.setattr(redirects.Telephone, "turn", lambda _self, question_id: hinted.append(question_id))
    phone = bridge.served()
    bridge.says(phone)
    question, at = bridge.wanted(phone), now()
    separating.sweep(at)
    assert hinted == [question.pk]
    redirects.turn(question.pk, at=at)
    separating.sweep(at + timedelta(seconds=30))
    assert question_of(phone).state == State.TURNED
    separating.sweep(at + timedelta(minutes=2))
    assert question_of(phone).state == State.FAILED


def test_a_call_that_comes_although_it_was_given_up_goes_back_to_the_agent(bridge: Bridge) -> None:
    phone = bridge.served()
    bridge.says(phone)
    question = bridge.wanted(phone)
    redirects.turn(question.pk, at=now())
    separating.failed(question.pk, at=now())
    assert phone.turned(bridge.ordered()).text == SAID
    assert phone.queue == f"agent-{bridge.cast.agent_aino.pseudonym}"
    assert contact_of(phone).live


def test_a_fault_on_our_side_brings_him_back_too(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("it broke")

    phone = bridge.asked()
    monkeypatch.setattr("verification.separating.answer", broken)
    phone.press("1704").heard("a fault in our system")
    assert phone.queue == f"agent-{bridge.cast.agent_aino.pseudonym}"
    separating.sweep(now() + timedelta(minutes=4))
    assert question_of(phone).state == State.FAILED


def test_a_strangers_call_is_not_let_in_at_another_ones_question(bridge: Bridge) -> None:
    phone = bridge.asked()
    stranger = bridge.served()
    said = stranger.post(phone.sent[-1].path)
    assert b"birth" not in said.content
    assert question_of(phone).state == State.HEARD
