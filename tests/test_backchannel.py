"""The request to a person's app: sent once, asked about until it is answered, and worth only what the answer proves."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import respx
from django.db import connection
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from cases.pages import prompting
from notices.models import Notice
from tests.cast import Cast, bring_in, gather, number
from tests.provider import ANNA, BEA, LOA2, Provider, notify_path
from verification import backchannel, interactions, masking, prompt_states, prompts, push_rows
from verification.claims import claim_number
from verification.eid import network
from verification.eid.rejected import Code
from verification.gate import Granted, Live, Refused, attempt
from verification.levels import Level
from verification.models import (
    CibaRequest,
    ContactChange,
    Customer,
    Evidence,
    Interaction,
    Prompt,
    PromptEnd,
    Signal,
)  # fmt: skip

ANNAS = number(1000021)
MINUTE = timedelta(minutes=1)


def row_of(own: str, person: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a customer who has a strong e-ID in the form of the import."""
    contacts = [
        {"kind": kind, "value": value, "recorded_at": "2024-01-15T08:00:00+00:00"}
        for kind, value in (("PHONE", person["hints"][0]), ("EMAIL", f"{own}@example.org"))
    ]
    return {
        "number": own, "family_name": person["family_name"], "given_names": person["given_names"], "language": "fi",
        "birth_date": person["birth_date"], "joined_on": "2019-05-02", "account": "FI2112345600000785",
        "contacts": contacts, "identity_code": person["person"],
    } | more  # fmt: skip


@dataclass
class Call:
    """A call in which Anna says who she is, and what her app does meanwhile."""

    cast: Cast
    provider: Provider
    contact: Interaction
    at: datetime

    @property
    def anna(self) -> Customer:
        return Customer.objects.get(number=ANNAS)

    def ask(self, action: str = "", broker: str = "", at: datetime | None = None, **parameters: Any) -> Prompt:
        """Let the agent ask her to approve in her app."""
        return prompts.ask(
            self.contact.public_id, road="CIBA", action=action, parameters=parameters, broker=broker,
            by=self.cast.agent_aino, at=at or self.at,
        )  # fmt: skip

    def sent(self, **asked: Any) -> tuple[Prompt, CibaRequest]:
        """Ask, and let a worker send it."""
        prompt = self.ask(**asked)
        backchannel.step(prompt.ciba.pk, at=prompt.asked_at)
        return prompt, self.row(prompt)

    def row(self, prompt: Prompt) -> CibaRequest:
        return CibaRequest.objects.get(prompt=prompt)

    def name(self, prompt: Prompt) -> str:
        """Return the broker's name for the request."""
        sent = push_rows.sent_of(self.row(prompt))
        assert sent is not None
        return sent.auth_req_id

    def look(self, prompt: Prompt) -> CibaRequest:
        """Let a worker do what is due next, at its hour."""
        backchannel.step(prompt.ciba.pk, at=self.row(prompt).due_at)
        return self.row(prompt)

    def level(self, prompt: Prompt) -> Level:
        return masking.standing(Interaction.objects.get(pk=self.contact.pk), self.row(prompt).due_at)[1].level


@pytest.fixture
def call(db: None, provider: Provider) -> Call:
    """Give a call of Anna's, whom the provider knows by her customer number."""
    return begun(provider)


def begun(provider: Provider) -> Call:
    at = timezone.now()
    cast = gather(at - MINUTE)
    by = {"prepared_by": cast.administrator, "approved_by": cast.administrator2, "at": at - MINUTE}
    bring_in([row_of(ANNAS, ANNA), row_of(number(1000022), BEA)], **by)
    provider.knows(ANNAS, {**ANNA, "hints": []})
    return another(cast, provider, at)


def another(cast: Cast, provider: Provider, at: datetime, own: str = ANNAS) -> Call:
    opened = interactions.open_call(cast.organisation, line="+358401234567", language="fi", at=at)
    claim_number(opened.public_id, own, capacity="SELF", source="KEYPAD", by=None, at=at)
    interactions.take(opened.public_id, by=cast.agent_aino, at=at)
    return Call(cast, provider, Interaction.objects.get(pk=opened.pk), at)


def end_of(prompt: Prompt) -> tuple[str, str]:
    found = PromptEnd.objects.get(prompt=prompt)
    return found.outcome, found.reason


def nothing_counts(prompt: Prompt) -> bool:
    return not Evidence.objects.filter(prompt=prompt).exists()


def told(about: str) -> list[str]:
    return sorted(Notice.objects.filter(about=about).values_list("channel", flat=True))


def params_of(call: Call, prompt: Prompt) -> dict[str, Any]:
    [shown] = [each for each in call.provider.prompts() if each["id"] == call.name(prompt)]
    return {**shown["params"], "who": shown["accountId"]}


# --- sending ----------------------------------------------------------------------------------------------------------
def test_the_app_is_asked_once_and_shows_who_asks_and_for_what(call: Call) -> None:
    before = len(call.provider.prompts())
    prompt, row = call.sent(action="disclose_personal_data")
    params = params_of(call, prompt)
    assert params["who"] == ANNAS
    letters = push_rows.letters_of(prompt)
    assert params["binding_message"].startswith("Esimerkki Oy: ")
    assert params["binding_message"].endswith(f", {letters}")
    assert len(params["binding_message"]) <= 100
    assert "".join(prompts.words_of(prompt)[1]) not in params["binding_message"]
    assert "login_hint_token" not in params
    assert "id_token_hint" not in params
    assert (row.interval_seconds, row.due_at) == (5, call.at + timedelta(seconds=5))
    for later in (0, 1, 4):
        backchannel.step(row.pk, at=call.at + timedelta(seconds=later))
    assert len(call.provider.prompts()) == before + 1


def test_what_is_kept_of_a_request_shows_none_of_its_secrets(call: Call) -> None:
    prompt, row = call.sent(broker="tapping")
    kept = json.dumps([str(getattr(row, field.attname)) for field in row._meta.fields])
    assert call.name(prompt) not in kept
    assert not any(call.name(prompt).encode() in bytes(entry.body) for entry in Entry.objects.all())
    assert row.request_digest == push_rows.digest(call.name(prompt))
    assert len(row.notification_digest) == 64


def test_a_worker_killed_while_it_was_sending_never_makes_it_two(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    prompt, before = call.ask(), len(call.provider.prompts())
    monkeypatch.setattr("verification.backchannel.ciba.start", killed)
    with pytest.raises(Killed):
        backchannel.step(prompt.ciba.pk, at=call.at)
    monkeypatch.undo()
    assert push_rows.due(at=call.at + timedelta(seconds=80)) == [], "it is leased"
    later = call.at + push_rows.LEASE
    assert push_rows.due(at=later) == [prompt.ciba.pk], "it is found again"
    backchannel.step(prompt.ciba.pk, at=later)
    assert end_of(prompt) == ("FAILED", "LOST")
    assert len(call.provider.prompts()) == before
    assert push_rows.due(at=later + MINUTE) == []


def test_a_broker_that_is_away_is_looked_for_again_before_anything_is_sent(call: Call) -> None:
    prompt = call.ask()
    network.forget()
    with respx.mock as routes:
        routes.get(f"{call.provider.issuer}/.well-known/openid-configuration").mock(side_effect=httpx.ConnectError)
        backchannel.step(prompt.ciba.pk, at=call.at)
    row = call.row(prompt)
    assert call.at < row.due_at <= call.at + timedelta(seconds=10)
    call.look(prompt)
    assert params_of(call, prompt)["who"] == ANNAS


def test_a_request_whose_answer_was_lost_is_not_sent_again(call: Call) -> None:
    prompt = call.ask()
    network.metadata(call.provider.broker("mobile"))  # so that the discovery document is at hand
    with respx.mock as routes:
        routes.post(f"{call.provider.issuer}/backchannel").mock(side_effect=httpx.ReadTimeout)
        backchannel.step(prompt.ciba.pk, at=call.at)
    assert end_of(prompt) == ("FAILED", Code.UNREACHABLE)
    assert push_rows.due(at=call.at + 10 * MINUTE) == []


def test_nothing_is_sent_for_a_call_that_ended_before(call: Call) -> None:
    prompt, before = call.ask(), len(call.provider.prompts())
    interactions.end(call.contact.public_id, at=call.at)
    backchannel.step(prompt.ciba.pk, at=call.at)
    assert end_of(prompt) == ("CANCELLED", "HANG_UP")
    assert len(call.provider.prompts()) == before
    assert call.row(prompt).done_at == call.at


@pytest.mark.parametrize("who", ["nobody", "unknown to the broker", "without an identity code"])
def test_whom_nobody_can_ask_looks_like_one_who_says_no(call: Call, who: str) -> None:
    by = {"prepared_by": call.cast.administrator, "approved_by": call.cast.administrator2, "at": call.at}
    own = number(1000031)
    person = {**ANNA, "person": "020504A902E"}
    if who == "unknown to the broker":
        bring_in([row_of(own, person)], **by)
    elif who == "without an identity code":
        bring_in([row_of(own, person, identity_code="")], **by)
    theirs, before = another(call.cast, call.provider, call.at, own), len(call.provider.prompts())
    prompt, row = theirs.sent()
    assert not PromptEnd.objects.filter(prompt=prompt).exists(), "a person takes his time"
    assert timedelta(seconds=20) <= row.due_at - call.at < timedelta(seconds=60)
    assert len(push_rows.letters_of(prompt)) == 4
    row = theirs.look(prompt)
    assert end_of(prompt)[0] == "DECLINED"
    shown = prompt_states.standing(Prompt.objects.get(pk=prompt.pk))
    assert (shown.state, shown.reason) == ("DECLINED", "NOT_CALLED"), "as of one who says no: else it tells who is one"
    assert row.done_at is not None
    assert not Signal.objects.exists()
    assert not Notice.objects.filter(about__startswith="prompt").exists()
    assert len(call.provider.prompts()) == before


# --- answers ----------------------------------------------------------------------------------------------------------
def test_an_approval_in_the_app_with_what_was_heard_raises_the_level(call: Call) -> None:
    prompt, row = call.sent(action="disclose_personal_data")
    assert call.look(prompt).done_at is None
    heard = "".join(prompts.words_of(prompt)[1])
    assert "Approved" in call.provider.answers_on_the_phone(call.name(prompt), "approve", heard)
    row = call.look(prompt)
    assert end_of(prompt) == ("APPROVED", "")
    seen = Evidence.objects.get(prompt=prompt)
    assert (seen.kind, seen.rests_on, seen.approves) == ("CIBA_HIGH", None, "")
    assert seen.detail == {"broker": "mobile", "acr": ANNA["acr"]}
    assert seen.authenticated_at is not None
    assert call.level(prompt) is Level.HIGH
    assert row.done_at is not None
    assert push_rows.due(at=row.due_at + 10 * MINUTE) == []
    assert "prompt.pushed" in Entry.objects.values_list("kind", flat=True)


@pytest.mark.parametrize(("acr", "kind"), [(LOA2, "CIBA_SUBSTANTIAL")])
def test_the_level_is_what_came_back(call: Call, acr: str, kind: str) -> None:
    prompt, _row = call.sent()
    call.provider.approve(call.name(prompt), acr=acr)
    call.look(prompt)
    assert Evidence.objects.get(prompt=prompt).kind == kind


@pytest.mark.parametrize(("acr", "why"), [(None, Code.ACR_ABSENT), ("urn:other", Code.ACR_REFUSED)])
def test_an_approval_of_no_agreed_level_counts_for_nothing(call: Call, acr: str | None, why: Code) -> None:
    prompt, _row = call.sent()
    call.provider.approve(call.name(prompt), acr=acr)
    call.look(prompt)
    assert end_of(prompt) == ("FAILED", why)
    assert nothing_counts(prompt)


def test_who_says_no_is_believed_and_all_his_contacts_are_told(call: Call) -> None:
    prompt, _row = call.sent()
    call.provider.deny(call.name(prompt))
    row = call.look(prompt)
    assert end_of(prompt)[0] == "DECLINED"
    assert [signal.kind for signal in Signal.objects.filter(customer=call.anna)] == ["PROMPT_DECLINED"]
    assert told("prompt_declined") == ["EMAIL", "SMS"]
    assert row.done_at is not None


@pytest.mark.parametrize(("how", "end"), [("expire", ("EXPIRED", "EXPIRED")), ("fail", ("FAILED", "PROVIDER"))])
def test_every_other_end_ends_the_prompt_once(call: Call, how: str, end: tuple[str, str]) -> None:
    prompt, _row = call.sent()
    getattr(call.provider, how)(call.name(prompt))
    row = call.look(prompt)
    assert end_of(prompt) == end
    assert row.done_at is not None
    assert nothing_counts(prompt)
    assert not Signal.objects.exists()


def test_another_persons_approval_proves_nothing(call: Call) -> None:
    call.provider.knows(ANNAS, {**BEA, "hints": []})
    prompt, _row = call.sent()
    call.provider.approve(call.name(prompt))
    call.look(prompt)
    assert end_of(prompt) == ("FAILED", "OTHER_PERSON")
    assert nothing_counts(prompt)


# --- what nobody waits for any more -----------------------------------------------------------------------------------
def hang_up(call: Call, _prompt: Prompt) -> str:
    interactions.end(call.contact.public_id, at=call.at, by=call.cast.agent_aino)
    return "HANG_UP"


def claim_another(call: Call, _prompt: Prompt) -> str:
    claim_number(
        call.contact.public_id, number(1000022), capacity="SELF", source="STAFF", by=call.cast.agent_aino, at=call.at
    )
    return "CLAIM_CHANGED"


def withdraw(call: Call, prompt: Prompt) -> str:
    prompts.withdraw(call.contact.public_id, prompt.public_id, by=call.cast.agent_aino, at=call.at)
    return "WITHDRAWN"


@pytest.mark.parametrize("stop", [hang_up, claim_another, withdraw])
def test_an_approval_for_which_nobody_waits_is_an_orphan(call: Call, stop: Callable[[Call, Prompt], str]) -> None:
    prompt, row = call.sent()
    reason = stop(call, prompt)
    assert end_of(prompt) == ("CANCELLED", reason)
    call.provider.approve(call.name(prompt))
    with respx.mock:  # nothing is asked any more
        row = call.look(prompt)
    sent = push_rows.sent_of(row)
    assert sent is not None
    assert row.due_at == sent.last_look, "but for one last look"
    last(call, prompt, call.at + timedelta(seconds=12))
    assert call.row(prompt).done_at is not None
    assert end_of(prompt) == ("CANCELLED", reason)
    assert nothing_counts(prompt)
    assert [signal.kind for signal in Signal.objects.filter(customer=call.anna)] == ["PROMPT_ORPHAN"]
    assert told("prompt_orphan") == ["EMAIL", "SMS"]


def last(call: Call, prompt: Prompt, at: datetime) -> None:
    """Look a last time, a little earlier than at its hour: the provider's clock is the real one."""
    CibaRequest.objects.filter(prompt=prompt).update(due_at=at)
    backchannel.step(prompt.ciba.pk, at=at, pinged=True)


def test_one_who_said_no_after_the_swindler_hung_up_is_heard(call: Call) -> None:
    prompt, _row = call.sent()
    hang_up(call, prompt)
    call.provider.deny(call.name(prompt))
    last(call, prompt, call.at + timedelta(seconds=12))
    assert [signal.kind for signal in Signal.objects.all()] == ["PROMPT_DECLINED"]
    assert told("prompt_declined") == ["EMAIL", "SMS"]


def test_a_request_that_nobody_answered_after_the_call_is_left_alone(call: Call) -> None:
    prompt, _row = call.sent()
    hang_up(call, prompt)
    entries = Entry.objects.count()
    row = call.look(prompt)
    CibaRequest.objects.filter(pk=row.pk).update(due_at=row.due_at + MINUTE)
    row = call.look(prompt)
    assert row.done_at is not None
    assert Entry.objects.count() == entries


def test_what_was_approved_must_be_what_was_asked_to_the_letter(call: Call) -> None:
    prompt, _row = call.sent(action="change_address", street="Toinen linja 4", postal_code="00530", town="Helsinki")
    PromptEnd.objects.create(prompt=prompt, outcome="FAILED", reason="TEST", ended_at=call.at)
    newer = call.ask(
        action="change_address", street="Kolmas linja 4", postal_code="00530", town="Helsinki",
        at=call.at + timedelta(seconds=1),
    )  # fmt: skip
    assert newer.parameters_hash != prompt.parameters_hash
    call.provider.approve(call.name(prompt))
    last(call, prompt, call.at + timedelta(seconds=12))
    assert nothing_counts(prompt)
    assert Signal.objects.get().kind == "PROMPT_ORPHAN"


# --- asking about it --------------------------------------------------------------------------------------------------
def polled(call: Call, prompt: Prompt, answer: httpx.Response | Exception) -> timedelta:
    """Poll once while the broker answers this, and return how long until the next time."""
    at = call.row(prompt).due_at
    mocked = {"side_effect": answer} if isinstance(answer, Exception) else {"return_value": answer}
    with respx.mock(assert_all_called=True) as routes:
        routes.post(f"{call.provider.issuer}/token").mock(**mocked)
        return call.look(prompt).due_at - at


def test_a_broker_that_is_asked_too_often_is_asked_less_often_for_good(call: Call) -> None:
    prompt, _row = call.sent()
    pending = httpx.Response(400, json={"error": "authorization_pending"})
    slower = httpx.Response(400, json={"error": "slow_down"})
    waits = [polled(call, prompt, answer).total_seconds() for answer in (pending, slower, pending, slower, pending)]
    assert waits == [5, 10, 10, 15, 15]
    assert call.row(prompt).interval_seconds == 15


def test_a_broker_says_itself_when_it_will_be_there_again(call: Call) -> None:
    prompt, _row = call.sent()
    assert polled(call, prompt, httpx.Response(503, headers={"retry-after": "30"})).total_seconds() == 30
    assert polled(call, prompt, httpx.Response(503)) >= timedelta(seconds=5)
    assert polled(call, prompt, httpx.ReadTimeout("too slow")) >= timedelta(seconds=5)
    assert not PromptEnd.objects.filter(prompt=prompt).exists()


def test_it_is_asked_about_no_sooner_than_it_is_due_and_never_twice_at_once(call: Call) -> None:
    prompt, row = call.sent()
    with respx.mock:
        backchannel.step(row.pk, at=row.due_at - timedelta(seconds=1))
        mine = push_rows.leased(row.pk, row.due_at)
        assert mine is not None
        assert push_rows.leased(row.pk, row.due_at) is None
        assert push_rows.leased(row.pk, row.due_at + timedelta(seconds=60)) is None
        assert push_rows.due(at=row.due_at + timedelta(seconds=60)) == []
        second = push_rows.leased(row.pk, row.due_at + push_rows.LEASE)
        assert second is not None
        push_rows.put_off(mine, row.due_at + 5 * MINUTE)  # too late: it is the second's now
    row = call.row(prompt)
    assert row.due_at == call.at + timedelta(seconds=5)
    assert row.attempts == 3


def test_of_two_workers_one_asks(live_database: str, provider: Provider) -> None:
    call = begun(provider)
    _prompt, row = call.sent()
    taken: list[CibaRequest] = []

    def work() -> None:
        try:
            if found := push_rows.leased(row.pk, row.due_at):
                taken.append(found)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(taken) == 1


# --- brokers whose app asks for no code -------------------------------------------------------------------------------
@pytest.fixture
def live_call(live_site: str, provider: Provider) -> Call:
    """Give a call of Anna's at the site as it is served, so that the broker's pings arrive."""
    provider.pings_go_to(live_site)
    return begun(provider)


def test_a_tap_is_worth_no_more_than_a_code(live_call: Call) -> None:
    call = live_call
    prompt, row = call.sent(broker="tapping", action="disclose_personal_data")
    assert "request_context" not in params_of(call, prompt)
    call.provider.approve(call.name(prompt))
    assert call.provider.pings()[-1]["status"] == 204
    assert call.row(prompt).due_at < row.due_at, "the ping made it due"
    call.look(prompt)
    seen = Evidence.objects.get(prompt=prompt)
    assert (seen.kind, seen.approves) == ("CIBA_APPROVED", "")
    assert call.level(prompt) is Level.LOW


def test_a_ping_after_the_call_brings_the_orphan_to_light_at_once(live_call: Call) -> None:
    call = live_call
    prompt, _row = call.sent(broker="tapping")
    hang_up(call, prompt)
    call.provider.approve(call.name(prompt))
    backchannel.step(prompt.ciba.pk, at=call.row(prompt).due_at, pinged=True)
    assert call.row(prompt).done_at is not None
    assert nothing_counts(prompt)
    assert Signal.objects.get().kind == "PROMPT_ORPHAN"


def test_a_tap_is_chosen_for_nobody(call: Call, settings: Any) -> None:
    named = [each for each in json.loads(call.provider.brokers) if each["code"] == "tapping"]
    settings.E_ID_BROKERS = json.dumps(named)
    with pytest.raises(prompts.NotAsked, match="ROAD"):
        call.ask()


@pytest.mark.parametrize("broker", ["bank", "unheard"])
def test_a_broker_that_asks_in_no_app_is_not_asked(call: Call, broker: str) -> None:
    with pytest.raises(prompts.NotAsked, match="ROAD"):
        call.ask(broker=broker)
    assert not Prompt.objects.exists()


def test_a_broker_that_finds_people_by_phone_gets_no_number_in_quarantine(call: Call, settings: Any) -> None:
    settings.E_ID_BROKERS = json.dumps(
        [{**each, "login_hint": "phone"} for each in json.loads(call.provider.brokers) if each["code"] == "mobile"]
    )
    call.provider.knows("anna", ANNA)
    prompt, _row = call.sent()
    assert params_of(call, prompt)["who"] == "anna"
    bring_in(
        [row_of(number(1000041), {**ANNA, "person": "030516D9037"}, contacts=[
            {"kind": "PHONE", "value": ANNA["hints"][0], "recorded_at": call.at.isoformat()}])],
        prepared_by=call.cast.administrator, approved_by=call.cast.administrator2, at=call.at,
    )  # fmt: skip
    assert ContactChange.objects.get(customer__number=number(1000041)).quarantined_until > call.at
    fresh = another(call.cast, call.provider, call.at, number(1000041))
    other, _row = fresh.sent()
    assert fresh.name(other) == ""


def test_an_approval_in_an_app_that_was_found_by_the_phone_does_not_move_that_phone(call: Call, settings: Any) -> None:
    settings.E_ID_BROKERS = json.dumps(
        [{**each, "login_hint": "phone"} for each in json.loads(call.provider.brokers) if each["code"] == "mobile"]
    )
    call.provider.knows("anna", ANNA)
    prompt, _row = call.sent()
    call.provider.answers_on_the_phone(call.name(prompt), "approve", "".join(prompts.words_of(prompt)[1]))
    at = call.look(prompt).due_at
    assert Evidence.objects.get(prompt=prompt).rests_on == call.anna.contact("PHONE", call.at)
    origin = Live(call.contact.public_id, call.cast.agent_aino)
    decided = attempt("change_phone", origin=origin, parameters={"phone": "+358405550199"}, at=at)
    assert isinstance(decided, Refused)
    assert decided.refusal.reason == "CONTACT"
    assert isinstance(attempt("change_email", origin=origin, parameters={"email": "a@example.org"}, at=at), Granted)


# --- how often --------------------------------------------------------------------------------------------------------
def ended_after(call: Call, outcome: str, at: datetime) -> Call:
    """Ask in a call of its own, and end the prompt like this."""
    mine = another(call.cast, call.provider, at)
    prompt = mine.ask()
    PromptEnd.objects.create(prompt=prompt, outcome=outcome, ended_at=at)
    return mine


def test_nobody_is_asked_more_than_three_times_in_ten_minutes(call: Call) -> None:
    for turn in range(3):
        ended_after(call, "FAILED", call.at + turn * MINUTE)
    with pytest.raises(prompts.NotAsked, match="CAP"):
        ended_after(call, "FAILED", call.at + 5 * MINUTE)
    ended_after(call, "APPROVED", call.at + 11 * MINUTE)
    for turn in range(3):
        ended_after(call, "EXPIRED", call.at + (12 + turn) * MINUTE)
    with pytest.raises(prompts.NotAsked, match="CAP"):
        ended_after(call, "FAILED", call.at + 16 * MINUTE)


def test_a_number_that_is_nobodys_is_counted_alike(call: Call) -> None:
    def ask(at: datetime) -> None:
        prompt = another(call.cast, call.provider, at, number(1000099)).ask()
        PromptEnd.objects.create(prompt=prompt, outcome="DECLINED", ended_at=at)

    for turn in range(3):
        ask(call.at + turn * MINUTE)
    with pytest.raises(prompts.NotAsked, match="CAP"):
        ask(call.at + 4 * MINUTE)


# --- pings ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def pinged(call: Call, monkeypatch: pytest.MonkeyPatch) -> tuple[Prompt, str]:
    """Send a request to the broker that pings, and give it with the token that only that broker has."""
    tokens: list[str] = []
    start = backchannel.ciba.start

    def watched(*args: Any, **given: Any) -> Any:
        begun = start(*args, **given)
        tokens.append(begun.notification_token)
        return begun

    monkeypatch.setattr("verification.backchannel.ciba.start", watched)
    prompt, _row = call.sent(broker="tapping")
    return prompt, tokens[0]


def ping(body: Any, token: str, code: str = "tapping", **more: Any) -> Any:
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    return Client(enforce_csrf_checks=True).post(
        notify_path(code),
        content,
        content_type="application/json",
        headers={"authorization": f"Bearer {token}"},
        **more,
    )


def test_a_ping_makes_us_ask_at_once_and_is_believed_in_nothing_else(call: Call, pinged: tuple[Prompt, str]) -> None:
    prompt, token = pinged
    assert call.row(prompt).due_at > timezone.now()
    answer = ping({"auth_req_id": call.name(prompt)}, token)
    assert (answer.status_code, answer.content) == (204, b"")
    assert call.row(prompt).due_at <= timezone.now()
    call.look(prompt)
    assert nothing_counts(prompt), "nobody had answered"
    assert not PromptEnd.objects.filter(prompt=prompt).exists()


@pytest.mark.parametrize("token", ["", "wrong", "ä", " ", "x" * 5000])
def test_a_ping_with_another_token_is_turned_away_and_nothing_is_asked(
    call: Call, pinged: tuple[Prompt, str], token: str
) -> None:
    prompt, _token = pinged
    before = call.row(prompt).due_at
    answer = ping({"auth_req_id": call.name(prompt)}, token)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert call.row(prompt).due_at == before


def test_a_ping_for_another_request_broker_or_nothing_is_turned_away(call: Call, pinged: tuple[Prompt, str]) -> None:
    prompt, token = pinged
    assert ping({"auth_req_id": "unheard-of"}, token).status_code == 401
    assert ping({"auth_req_id": call.name(prompt)}, token, "mobile").status_code == 401
    assert ping({"auth_req_id": call.name(prompt)}, token, "unheard").status_code == 401
    PromptEnd.objects.create(prompt=prompt, outcome="FAILED", ended_at=call.at)
    polled_one, _row = call.sent(at=call.at + timedelta(seconds=1))
    assert ping({"auth_req_id": call.name(polled_one)}, "", "mobile").status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [("{", 400), ("[]", 400), ({}, 400), ({"auth_req_id": 7}, 400), ({"auth_req_id": "x" * 2000}, 400),
     ("[" * 4000, 400), (b"\xff", 400), ("x" * 5000, 413), ("", 400)],
)  # fmt: skip
def test_a_ping_that_is_none_has_no_effect(db: None, body: Any, status: int) -> None:
    assert ping(body, "x").status_code == status


def test_a_ping_is_posted_and_never_sent_elsewhere(db: None, settings: Any) -> None:
    assert Client().get(notify_path("tapping")).status_code == 405
    settings.SECURE_SSL_REDIRECT = True
    assert ping({"auth_req_id": "x"}, "x").status_code == 401


# --- answers that nobody got ------------------------------------------------------------------------------------------
class Killed(BaseException):
    """What ends a worker between one statement and the next."""


def killed(*_: Any, **__: Any) -> None:
    raise Killed


def after_the_lease(call: Call, prompt: Prompt) -> None:
    """Let the next worker find the row when the lease of the one who was killed has run out."""
    row = call.row(prompt)
    assert row.polling_until == row.due_at + push_rows.LEASE
    backchannel.step(row.pk, at=row.due_at)
    assert call.row(prompt).attempts == row.attempts, "it is leased"
    CibaRequest.objects.filter(pk=row.pk).update(polling_until=row.due_at)  # the provider's clock is the real one
    backchannel.step(row.pk, at=row.due_at)


def test_an_answer_taken_by_a_worker_that_was_killed_is_told_apart_from_a_replay(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt, row = call.sent()
    call.provider.approve(call.name(prompt))
    with monkeypatch.context() as dying:
        dying.setattr("verification.backchannel.answers.conclude", killed)
        with pytest.raises(Killed):
            call.look(prompt)
    after_the_lease(call, prompt)
    assert end_of(prompt) == ("FAILED", "ANSWER_LOST")
    assert nothing_counts(prompt)
    assert not Signal.objects.exists()
    assert call.row(prompt).done_at is not None
    shown = prompting.panel(call.contact, prompt.claim, call.at)
    assert shown["said"] == str(prompting.ANSWER_LOST)
    again, _row = call.sent(at=row.due_at + timedelta(seconds=1))
    call.provider.approve(call.name(again))
    call.look(again)
    assert end_of(again) == ("APPROVED", "")


def test_an_answer_lost_on_its_way_is_told_apart_too_and_a_later_pending_clears_it(call: Call) -> None:
    prompt, _row = call.sent()
    unknown = httpx.Response(400, json={"error": "invalid_grant"})
    polled(call, prompt, httpx.ReadTimeout("lost"))
    polled(call, prompt, unknown)
    assert end_of(prompt) == ("FAILED", "ANSWER_LOST")
    other, _row = call.sent(at=call.at + timedelta(seconds=1))
    polled(call, other, httpx.ReadTimeout("lost"))
    polled(call, other, httpx.Response(400, json={"error": "authorization_pending"}))
    polled(call, other, unknown)
    assert end_of(other) == ("FAILED", Code.REPLAYED), "it had given no answer, and then it was gone"


def test_a_worker_killed_before_anybody_answered_loses_nothing(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt, _row = call.sent()
    with monkeypatch.context() as dying:
        dying.setattr("verification.backchannel.ciba.poll", killed)
        with pytest.raises(Killed):
            call.look(prompt)
    call.provider.approve(call.name(prompt))
    after_the_lease(call, prompt)
    assert end_of(prompt) == ("APPROVED", "")
