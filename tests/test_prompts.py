"""Asking a caller to prove himself: only in a live contact, for what was claimed, and alike for everybody."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from audit.log import read
from audit.models import Entry
from notices.models import Notice
from tests.asked_by_link import ADDRESS, asked, calling, with_e_id
from tests.cast import NOW, Cast
from tests.provider import Provider
from tests.test_protection_tells_nothing import NOBODY, shape
from verification import interactions, prompts, words
from verification.claims import claim_number
from verification.evidence import note
from verification.interactions import Ended
from verification.models import Prompt, PromptEnd, PromptToken
from verification.policy import current
from verification.scene import current_claim

pytestmark = pytest.mark.usefixtures("provider")


@pytest.fixture
def cast(cast: Cast, provider: Provider) -> Cast:
    with_e_id(cast, NOW)
    return cast


def ask(cast: Cast, contact: Any, action: str = "", parameters: Any = None, **more: Any) -> Prompt:
    return prompts.ask(
        contact.public_id,
        **{"road": "LINK", "action": action, "parameters": parameters, "by": cast.agent_aino, "at": NOW, **more},
    )


def refused(cast: Cast, contact: Any, *args: Any, **more: Any) -> str:
    with pytest.raises(prompts.NotAsked) as stop:
        ask(cast, contact, *args, **more)
    return stop.value.code


def entries(kind: str = "prompt.") -> list[tuple[str, str, str]]:
    found = [read(each).envelope for each in Entry.objects.filter(kind__startswith=kind).order_by("pk")]
    return [(each["kind"], each["outcome"], str(each["facts"].get("reason", ""))) for each in found]


def sent() -> list[Notice]:
    return list(Notice.objects.filter(about="prompt").order_by("pk"))


# --- what is asked ----------------------------------------------------------------------------------------------------
def test_a_prompt_is_made_in_a_call_and_its_link_goes_to_the_recorded_telephone(cast: Cast) -> None:
    prompt = asked(cast, calling(cast, at=NOW), at=NOW)
    (notice,) = sent()
    assert notice.channel == "SMS"
    assert notice.opened().address == cast.anna.customer.contact("PHONE", NOW).value
    assert "/c/" in notice.text
    assert "vain, jos soititte itse" in notice.text
    assert prompt.expires_at == NOW + timedelta(minutes=10)
    assert entries() == [("prompt.asked", "ok", "")]


def test_the_secret_has_at_least_128_bits_and_is_kept_as_a_hash_only(cast: Cast) -> None:
    asked(cast, calling(cast, at=NOW), at=NOW)
    token = sent()[0].text.split("/c/")[1].split("/")[0]
    assert len(token) * 6 >= 128
    assert PromptToken.objects.get().digest != token
    assert token not in str([bytes(entry.body) for entry in Entry.objects.all()])


def test_it_is_sent_once_however_often_the_task_runs(cast: Cast) -> None:
    prompt = asked(cast, calling(cast, at=NOW), at=NOW)
    assert prompts.unsent(at=NOW) == []
    prompts.send_link(prompt.pk, at=NOW)
    assert len(sent()) == 1


def test_the_sweep_finds_what_no_worker_sent(cast: Cast) -> None:
    prompt = ask(cast, calling(cast, at=NOW))
    assert prompts.unsent(at=NOW) == [prompt.pk]
    assert prompts.unsent(at=NOW + timedelta(minutes=11)) == []


def test_the_link_goes_by_mail_when_the_number_was_changed_yesterday(cast: Cast) -> None:
    asked(cast, calling(cast, person="moved", at=NOW), at=NOW)
    assert [notice.channel for notice in sent()] == ["EMAIL"]


def test_the_contact_that_the_action_would_change_carries_no_link(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from verification import declarations

    phoneless = replace(declarations._DECLARED["change_address"], not_resting_on=frozenset({"PHONE"}))
    monkeypatch.setitem(declarations._DECLARED, "change_address", phoneless)
    asked(cast, calling(cast, at=NOW), "change_address", ADDRESS, at=NOW)
    assert [notice.channel for notice in sent()] == ["EMAIL"]


def test_nobodys_prompt_is_made_and_nothing_is_sent(cast: Cast) -> None:
    prompt = asked(cast, calling(cast, NOBODY, at=NOW), at=NOW)
    assert prompt.claim.person is None
    assert sent() == []
    assert prompts.unsent(at=NOW) == []
    assert len(prompts.words_of(prompt)[1]) == 2


def test_asking_tells_nothing_of_whose_number_it_is(cast: Cast) -> None:
    numbers = [NOBODY, cast.anna.number, cast.antti3.number, cast.frozen.number, cast.moved.number, cast.company.number]
    run = {}
    for number in numbers:
        contact = calling(cast, number, at=NOW)
        with CaptureQueriesContext(connection) as caught:
            ask(cast, contact)
        run[number] = [shape(query["sql"]) for query in caught]
    for number in numbers:
        assert run[number] == run[NOBODY], number


# --- where and when it may be asked -----------------------------------------------------------------------------------
def test_only_who_serves_the_contact_asks(cast: Cast) -> None:
    contact = calling(cast, at=NOW)
    assert refused(cast, contact, by=cast.agent_arvo) == "SERVING"
    assert refused(cast, contact, by=cast.supervisor) == "SERVING"
    assert not Prompt.objects.exists()


def test_a_claim_comes_first(cast: Cast) -> None:
    assert refused(cast, cast.call(at=NOW)) == "CLAIM"


def test_an_ended_contact_asks_nothing(cast: Cast) -> None:
    contact = calling(cast, at=NOW)
    interactions.end(contact.public_id, at=NOW)
    with pytest.raises(Ended):
        ask(cast, contact)


def test_the_automatic_line_asks_too(cast: Cast) -> None:
    prompt = ask(cast, calling(cast, at=NOW), by=None)
    assert prompt.asked_by is None
    assert Entry.objects.get(kind="prompt.asked").actor.startswith("caller:")


def test_one_prompt_is_open_in_a_contact_and_for_a_person(cast: Cast) -> None:
    contact = calling(cast, at=NOW)
    ask(cast, contact)
    assert refused(cast, contact) == "OPEN"
    assert refused(cast, calling(cast, at=NOW)) == "OPEN"
    ask(cast, contact, at=NOW + timedelta(minutes=11))


def test_nobodys_number_has_the_same_limits(cast: Cast) -> None:
    ask(cast, calling(cast, NOBODY, at=NOW))
    assert refused(cast, calling(cast, NOBODY, at=NOW)) == "OPEN"


def test_a_contact_and_a_person_are_asked_only_so_often(cast: Cast) -> None:
    limits, contact, at = current().prompts, calling(cast, at=NOW), NOW
    for _ in range(limits.per_interaction):
        prompt = ask(cast, contact, at=at)
        prompts.withdraw(contact.public_id, prompt.public_id, by=cast.agent_aino, at=at)
    assert refused(cast, contact, at=at) == "CAP"
    other = calling(cast, at=NOW)
    for _ in range(limits.per_customer_per_day - limits.per_interaction):
        prompt = ask(cast, other, at=at)
        prompts.withdraw(other.public_id, prompt.public_id, by=cast.agent_aino, at=at)
    assert refused(cast, calling(cast, at=NOW), at=at) == "CAP"
    ask(cast, calling(cast, at=NOW), at=at + timedelta(days=1))


def test_strangers_who_use_a_numbers_day_up_do_not_keep_its_owner_from_his_login(cast: Cast) -> None:
    limits = current().prompts

    def asks(times: int, *, proven: bool) -> None:
        contact = calling(cast, at=NOW)
        if proven:
            proves_a_little(contact)
        for _ in range(times):
            prompt = ask(cast, contact, at=NOW)
            prompts.withdraw(contact.public_id, prompt.public_id, by=cast.agent_aino, at=NOW)

    for _ in range(limits.per_customer_per_day // limits.per_interaction):
        asks(limits.per_interaction, proven=False)
    assert refused(cast, calling(cast, at=NOW)) == "CAP", "a stranger"
    for _ in range(limits.per_customer_per_day // limits.per_interaction):
        asks(limits.per_interaction, proven=True)
    own = calling(cast, at=NOW)
    proves_a_little(own)
    assert refused(cast, own) == "CAP", "what he asks for himself is counted"


def proves_a_little(contact: Any) -> None:
    claim = current_claim(contact)
    assert claim is not None
    with transaction.atomic():
        note(claim, "KEYPAD_TOTP", at=NOW, by=None)


def test_parameters_are_read_by_the_actions_own_form(cast: Cast) -> None:
    contact = calling(cast, at=NOW)
    with pytest.raises(prompts.BadParameters) as stop:
        ask(cast, contact, "change_address", {"street": "x", "country": "FI"})
    assert "country" in stop.value.errors
    assert refused(cast, contact, "no_such_action") == "ACTION"
    assert refused(cast, contact, "import_customers") == "ACTION"


def test_what_is_fixed_is_what_the_gate_will_compare(cast: Cast) -> None:
    prompt = ask(cast, calling(cast, at=NOW), "change_address", ADDRESS)
    assert prompts.parameters_of(prompt) == ADDRESS
    assert prompts.unaltered(prompt)
    assert "Uusikatu" not in str(bytes(prompt.sealed_parameters))


def test_without_a_broker_no_link_is_promised(cast: Cast, settings: Any) -> None:
    settings.E_ID_BROKERS = ""
    assert refused(cast, calling(cast, at=NOW)) == "ROAD"


# --- how it ends ------------------------------------------------------------------------------------------------------
def test_a_prompt_that_nobody_answers_runs_out_once(cast: Cast) -> None:
    ask(cast, calling(cast, at=NOW))
    assert prompts.sweep(NOW + timedelta(minutes=9)) == 0
    assert prompts.sweep(NOW + timedelta(minutes=10)) == 1
    assert prompts.sweep(NOW + timedelta(minutes=11)) == 0
    assert entries()[-1] == ("prompt.ended", "expired", "")


def test_hanging_up_withdraws_it(cast: Cast) -> None:
    contact = calling(cast, at=NOW)
    ask(cast, contact)
    interactions.end(contact.public_id, at=NOW)
    assert PromptEnd.objects.get().outcome == "CANCELLED"
    assert entries()[-1] == ("prompt.ended", "cancelled", "HANG_UP")


def test_another_claim_withdraws_it_and_the_same_one_does_not(cast: Cast) -> None:
    contact = calling(cast, at=NOW)
    ask(cast, contact)
    again = {"capacity": "SELF", "source": "STAFF", "by": cast.agent_aino, "at": NOW}
    claim_number(contact.public_id, cast.anna.number, **again)
    assert not PromptEnd.objects.exists()
    claim_number(contact.public_id, cast.bea.number, **again)
    assert entries()[-1] == ("prompt.ended", "cancelled", "CLAIM_CHANGED")


def test_an_agent_withdraws_his_own_contacts_prompt_only(cast: Cast) -> None:
    contact = calling(cast, at=NOW)
    prompt = ask(cast, contact)
    with pytest.raises(prompts.NotAsked):
        prompts.withdraw(contact.public_id, prompt.public_id, by=cast.agent_arvo, at=NOW)
    prompts.withdraw(contact.public_id, prompt.public_id, by=cast.agent_aino, at=NOW)
    assert entries()[-1] == ("prompt.ended", "cancelled", "WITHDRAWN")


# --- the words --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_two_words_give_sixteen_bits_and_no_two_sound_like_one(language: str) -> None:
    listed = words.LISTS[language]
    bare = [words.plain(word) for word in listed]
    assert len(set(bare)) == len(listed) >= 256
    assert all(3 <= len(word) <= 9 for word in bare)
    assert not [pair for pair in combinations(bare, 2) if _one_letter_apart(*pair)]


def _one_letter_apart(one: str, two: str) -> bool:
    short, long = sorted((one, two), key=len)
    if len(short) == len(long):
        return sum(a != b for a, b in zip(short, long, strict=True)) <= 1
    return len(long) - len(short) == 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


@pytest.mark.parametrize("typed", ["hylje pöllö", "HYLJE  POLLO", "hylje, pöllö.", "Hylje-pöllö", "hyljepöllö"])
def test_case_accents_and_signs_are_forgiven(typed: str) -> None:
    assert words.same(typed, ("hylje", "pöllö"))


@pytest.mark.parametrize("typed", ["", "hylje", "pöllö hylje", "hylje pulla", "hylje pöllö hylje"])
def test_other_words_and_another_order_are_not(typed: str) -> None:
    assert not words.same(typed, ("hylje", "pöllö"))


def test_the_words_are_in_the_language_of_the_call(cast: Cast) -> None:
    contact = calling(cast, at=NOW)
    interactions.set_language(contact.public_id, language="sv", at=NOW)
    language, pair = prompts.words_of(ask(cast, contact))
    assert language == "sv"
    assert set(pair) <= set(words.LISTS["sv"])
