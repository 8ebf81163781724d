"""A national register is asked before the gate, by either person's mark; only a plain yes counts, for minutes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse

from audit.models import Entry
from contactcentre.demo import register as demo_register
from contactcentre.demo.register import StandIn, running
from tests.api_client import Api, is_problem
from tests.cast import NOW, Cast, Person
from tests.representatives import comes_in, company, joins, proves, right, says, speaks_for
from tests.staff_browser import address, gathered, now, signed_in
from tests.staff_browser import ask as press
from tests.test_authority import ASKED, ask, refused
from verification import masking, registers
from verification.gate import Granted, OfProposal, Proposed, attempt
from verification.models import Interaction, Proposal, ProposalEnd, RegisterAnswer


@pytest.fixture
def register(settings: Any) -> Iterator[StandIn]:
    with running() as stand_in:
        settings.AUTHORITY_REGISTER_URL = stand_in.address
        yield stand_in


@pytest.fixture
def pair(cast: Cast) -> tuple[Person, Person]:
    """Return two customers with personal identity codes; nothing between them is on our own record."""
    giver = comes_in(cast, "Antaja", "Anu", identity_code=coded("170461", "925"))
    return giver, comes_in(cast, "Hoitaja", "Heli", identity_code=coded("020984", "925"))


def coded(day: str, individual: str) -> str:
    return f"{day}-{individual}{'0123456789ABCDEFHJKLMNPRSTUVWXY'[int(day + individual) % 31]}"


def knows(register: StandIn, pair: tuple[Person, Person], action: str = ASKED, **answer: Any) -> None:
    giver, holder = (one.customer.identity_mark for one in pair)
    register.gives(giver, holder, action, **answer)


def asked_of(cast: Cast, call: Interaction, action: str = ASKED, at: Any = NOW) -> str:
    return registers.ask(call.public_id, action, by=cast.agent_aino, at=at)[0].said


def test_a_yes_of_the_register_gives_authority_for_this_action_to_a_proven_representative(
    cast: Cast, register: StandIn, pair: tuple[Person, Person]
) -> None:
    knows(register, pair)
    call = speaks_for(cast, *pair, "MANDATE")
    refused(ask(cast, call))
    assert asked_of(cast, call) == "YES"
    assert isinstance(ask(cast, call), Granted)
    refused(ask(cast, call, "change_address"))
    assert masking.open_record(call.public_id, by=cast.agent_aino, at=NOW)
    entry = Entry.objects.get(kind="authority.asked")
    assert entry.outcome == "yes"
    assert b"register/1" in bytes(entry.body)
    sent = register.asked[0]
    assert set(sent) == {"principal", "representative", "action", "at"}
    assert pair[0].number not in str(sent), "marks are sent, and no number"


def test_the_answer_lasts_ten_minutes_and_a_later_no_takes_it_away(
    cast: Cast, register: StandIn, pair: tuple[Person, Person]
) -> None:
    knows(register, pair)
    call = speaks_for(cast, *pair, "MANDATE")
    asked_of(cast, call)
    just = NOW + timedelta(minutes=9, seconds=59)
    assert isinstance(ask(cast, call, at=just), Granted)
    refused(ask(cast, call, at=NOW + timedelta(minutes=10)))
    knows(register, pair, answer="no")
    assert asked_of(cast, call, at=just) == "NO"
    refused(ask(cast, call, at=just))


def test_the_answer_hangs_on_the_claim(cast: Cast, register: StandIn, pair: tuple[Person, Person]) -> None:
    knows(register, pair)
    asked_of(cast, speaks_for(cast, *pair, "MANDATE"))
    refused(ask(cast, speaks_for(cast, *pair, "MANDATE")))


@pytest.mark.parametrize(
    "answer",
    [{"answer": "no"}, {"answer": "unknown"}, {"answer": "YES!"}, {"answer": None}, {"answer": ["yes"]},
     {"reference": ""}, {"reference": 7}, {"until": "soon"}, {"until": "2030-01-01T00:00:00"}, {"status": 500},
     {"status": 302}, {"raw": "yes"}, {"raw": "[]"}, {"raw": '{"answer": "yes", "x": "' + "x" * 20000 + '"}'}],
    ids=lambda answer: str(answer)[:40],
)  # fmt: skip
def test_only_a_plain_yes_with_a_reference_counts(
    cast: Cast, register: StandIn, pair: tuple[Person, Person], answer: dict[str, Any]
) -> None:
    knows(register, pair, **answer)
    call = speaks_for(cast, *pair, "MANDATE")
    assert asked_of(cast, call) in ("NO", "UNKNOWN")
    refused(ask(cast, call))


@pytest.mark.parametrize(("until", "counts"), [("2026-03-11T10:00:01+00:00", True), ("2026-03-11T10:00:00Z", False)])
def test_a_right_that_has_run_out_there_gives_none_here(
    cast: Cast, register: StandIn, pair: tuple[Person, Person], until: str, counts: bool
) -> None:
    knows(register, pair, until=until)
    call = speaks_for(cast, *pair, "MANDATE")
    asked_of(cast, call)
    decided = ask(cast, call)
    assert isinstance(decided, Granted) if counts else refused(decided)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/authority", "http://127.0.0.1:99999/"])
def test_a_register_that_is_away_is_no_yes(
    cast: Cast, pair: tuple[Person, Person], settings: Any, address: str
) -> None:
    settings.AUTHORITY_REGISTER_URL = address
    call = speaks_for(cast, *pair, "MANDATE")
    assert asked_of(cast, call) == "UNKNOWN"
    refused(ask(cast, call))


@pytest.mark.parametrize("address", ["", "http://register.example.org/", "ftp://127.0.0.1/", "http://10.0.0.1/", "x"])
def test_no_register_and_one_in_clear_text_elsewhere_are_not_asked(
    cast: Cast, pair: tuple[Person, Person], settings: Any, address: str
) -> None:
    settings.AUTHORITY_REGISTER_URL = address
    with pytest.raises(registers.CannotAsk, match="NONE"):
        asked_of(cast, speaks_for(cast, *pair, "MANDATE"))


@pytest.mark.parametrize(
    ("capacity", "kind", "action", "code"),
    [("MANDATE", "", ASKED, "LEVEL"), ("MANDATE", "KEYPAD_TOTP", ASKED, "LEVEL"),
     ("MANDATE", "E_ID_HIGH", "register_mandate", "ACTION"), ("MANDATE", "E_ID_HIGH", "nothing", "ACTION"),
     ("SELF", "E_ID_HIGH", ASKED, "CLAIM")],
)  # fmt: skip
def test_it_is_nobodys_directory(
    cast: Cast, register: StandIn, pair: tuple[Person, Person], capacity: str, kind: str, action: str, code: str
) -> None:
    call = cast.call(at=NOW)
    says(call, cast, pair[0], capacity=capacity, who="" if capacity == "SELF" else pair[1])
    if kind:
        proves(call, kind=kind)
    with pytest.raises(registers.CannotAsk, match=code):
        asked_of(cast, call, action)
    assert not register.asked


def test_who_has_no_identity_code_is_not_asked_about(
    cast: Cast, register: StandIn, pair: tuple[Person, Person]
) -> None:
    shop = company(cast)
    assert asked_of(cast, speaks_for(cast, shop, pair[1], "SIGNATORY")) == "UNKNOWN"
    assert not register.asked


def test_a_yes_makes_nobody_of_age_and_no_company_a_person(
    cast: Cast, register: StandIn, pair: tuple[Person, Person]
) -> None:
    young = comes_in(cast, "Nuori", "Niilo", birth_date="2012-05-14", identity_code=coded("140512", "925"))
    knows(register, (pair[0], young))
    call = speaks_for(cast, pair[0], young, "MANDATE")
    assert asked_of(cast, call) == "YES"
    refused(ask(cast, call))


def test_every_speaker_is_asked_about_and_answers_neither_change_nor_go(
    cast: Cast, register: StandIn, pair: tuple[Person, Person]
) -> None:
    knows(register, pair)
    other = comes_in(cast, "Toinen", "Tuuli", right(cast.antti, "MANDATE"), identity_code=coded("030585", "925"))
    call = speaks_for(cast, *pair, "MANDATE")
    joins(call, cast, pair[0], other, "MANDATE")
    said = registers.ask(call.public_id, ASKED, by=cast.agent_aino, at=NOW)
    assert [one.said for one in said] == ["YES", "NO"]
    for work in (lambda: RegisterAnswer.objects.update(said="YES"), lambda: RegisterAnswer.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            work()


def test_the_agent_asks_it_from_the_refusal_and_goes_on(db: None, settings: Any) -> None:
    house = gathered()
    giver = comes_in(house, "Antaja", "Anu", at=now(), identity_code=coded("170461", "925"))
    holder = comes_in(house, "Hoitaja", "Heli", at=now(), identity_code=coded("020984", "925"))
    contact, client = speaks_for(house, giver, holder, "MANDATE", at=now()), signed_in(house.agent_aino)
    with running() as register:
        settings.AUTHORITY_REGISTER_URL = register.address
        refusal = client.get(press(client, contact, ASKED).headers["Location"]).content.decode()
        assert "Ask the national register" in refusal
        asked = address("ask_register", contact, ASKED)
        assert "no right to act" in client.post(asked, follow=True).content.decode()
        knows(register, (giver, holder))
        assert "knows of a right to act" in client.post(asked, follow=True).content.decode()
        assert press(client, contact, ASKED).status_code == 200
    assert RegisterAnswer.objects.count() == 2


# --- what a second person decides later -------------------------------------------------------------------------------
LARGE = {"amount": 50_000, "reason": "paid twice in May"}


def resting_on_it(house: Cast, register: StandIn) -> tuple[Proposal, tuple[Person, Person]]:
    """Return a large refund that was proposed half an hour ago on the register's yes."""
    pair = (
        comes_in(house, "Antaja", "Anu", at=now(), identity_code=coded("170461", "925"), account="FI2112345600000785"),
        comes_in(house, "Hoitaja", "Heli", at=now(), identity_code=coded("020984", "925")),
    )
    earlier = now() - timedelta(minutes=30)
    knows(register, pair, "refund_to_account")
    call = speaks_for(house, *pair, "MANDATE", at=earlier)
    assert asked_of(house, call, "refund_to_account", at=earlier) == "YES"
    waiting = ask(house, call, "refund_to_account", at=earlier, **LARGE)
    assert isinstance(waiting, Proposed), waiting
    return waiting.proposal, pair


@pytest.mark.parametrize("by_api", [False, True], ids=["page", "api"])
def test_it_is_asked_again_when_the_second_person_decides(db: None, register: StandIn, by_api: bool) -> None:
    house = gathered()
    waiting, _pair = resting_on_it(house, register)
    if by_api:
        api = Api(house, "supervisor")
        assert api.post(f"proposals/{waiting.public_id}/approve/").status_code == 200
    else:
        path = reverse("admin:proposal_approve", args=[waiting.public_id])
        signed_in(house.supervisor).post(path, {"nonce": str(uuid4())})
    assert ProposalEnd.objects.get(proposal=waiting).outcome == "APPROVED"
    assert RegisterAnswer.objects.filter(asked_by=house.supervisor, said="YES").count() == 1


def test_a_right_that_was_taken_back_there_meanwhile_carries_nothing_out(db: None, register: StandIn) -> None:
    house = gathered()
    waiting, pair = resting_on_it(house, register)
    knows(register, pair, "refund_to_account", answer="no")
    registers.ask_again(waiting, by=house.supervisor, at=now())
    origin = OfProposal(waiting.public_id, house.supervisor)
    refused(attempt(waiting.action, origin=origin, parameters={}, at=now()))


def test_who_may_not_decide_asks_nothing_anew(db: None, register: StandIn) -> None:
    house = gathered()
    waiting, _pair = resting_on_it(house, register)
    before = len(register.asked)
    registers.ask_again(waiting, by=house.agent_aino, at=now())
    assert len(register.asked) == before


def test_the_api_asks_it_and_the_gate_judges_as_always(db: None, settings: Any) -> None:
    house = gathered()
    giver = comes_in(house, "Antaja", "Anu", at=now(), identity_code=coded("170461", "925"))
    holder = comes_in(house, "Hoitaja", "Heli", at=now(), identity_code=coded("020984", "925"))
    contact, api = speaks_for(house, giver, holder, "MANDATE", at=now()), Api(house, "agent_aino")
    asked = f"interactions/{contact.public_id}/register/"
    is_problem(api.post(asked, {"action": ASKED}), 409, "no-register")
    with running() as register:
        settings.AUTHORITY_REGISTER_URL = register.address
        assert [each["answer"] for each in api.post(asked, {"action": ASKED}).json()["answers"]] == ["NO"]
        assert api.act(contact, ASKED, {}).status_code == 403
        knows(register, (giver, holder))
        told = api.post(asked, {"action": ASKED}).json()["answers"]
        assert told == [{"speaker": str(contact.speakers.get().public_id), "answer": "YES", "until": None}]
        assert api.act(contact, ASKED, {}).status_code == 200
        is_problem(api.post(asked, {"action": "no_such_action"}), 409, "no-road")
        stranger = speaks_for(house, giver, holder, "MANDATE", at=now(), kind="")
        is_problem(api.post(f"interactions/{stranger.public_id}/register/", {"action": ASKED}), 409, "not-proven")
        himself = house.call(at=now(), claims=giver)
        is_problem(api.post(f"interactions/{himself.public_id}/register/", {"action": ASKED}), 409, "no-claim")
    assert RegisterAnswer.objects.count() == 2
    assert Entry.objects.filter(kind="authority.asked").count() == 2


def test_the_demo_brings_a_register_that_leaves_word_of_its_address_while_it_runs(
    cast: Cast, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AUTHORITY_REGISTER_DEMO_FILE = tmp_path / "register" / "address"
    settings.AUTHORITY_REGISTER_URL, settings.DEMO = "", True
    monkeypatch.setattr(demo_register, "_mark", lambda key: f"mark of {key}")
    assert registers.configured() is None
    told: list[str] = []
    with demo_register.beside(say=told.append):
        register = registers.configured()
        assert register is not None
        principal, representative, action = demo_register.KNOWN[0]
        marks = f"mark of {principal}", f"mark of {representative}"
        assert register.authority(*marks, action, NOW).said == "YES"
        assert register.authority(*reversed(marks), action, NOW).said == "NO"
        settings.DEMO = False
        assert registers.configured() is None, "nothing but the demo trusts a file"
        settings.DEMO = True
    assert registers.configured() is None
    assert len(told) == 1
