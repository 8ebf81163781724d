"""A swindler who knows everything about Antti but holds nothing of his tries every door. Nothing moves.

Each try at the gate leaves exactly one decision in the log; a try that never gets as far as the gate leaves none.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from cases.models import Refund, Voucher
from tests.api_client import Api
from tests.cast import Cast, totp, wrong
from tests.journeys.people import Screen, decisions, dial, last_entry, now, on_the_day_of, open_office, passport_of
from tests.phone_line import Line
from tests.reception import typed
from tests.twiml_walker import FORM, sign
from verification.evidence import NotSeen, see_second_clerk
from verification.gate import Following, Live, OfBatch, Refused, attempt
from verification.guard import guarded
from verification.interactions import take
from verification.models import (
    ContactChange,
    Customer,
    Evidence,
    Grant,
    Hold,
    Interaction,
    ListCodeUse,
    Opening,
)
from visits import desk as work
from visits import escalations, keys, parked
from visits.models import Escalation, Visit

pytestmark = pytest.mark.slow
HIS_HOME = {"street": "Roistonkuja 1", "postal_code": "00530", "town": "Helsinki"}
MONEY = {"amount": "15000", "reason": "paid twice last month"}
UNDECLARED = ("verify_manually", "reset_authenticator", "import_customers", "place_visit", "", "refund_to_account ")
SENSITIVE = (("change_address", HIS_HOME), ("refund_to_account", MONEY), ("disclose_personal_data", {}))


@dataclass(frozen=True)
class Moved:
    """What a swindler wants to move, counted."""

    contacts: int
    refunds: int
    vouchers: int
    holds: int
    grants: int
    evidence: int

    @classmethod
    def now(cls) -> Moved:
        """Count it."""
        kinds = (ContactChange, Refund, Voucher, Hold, Grant, Evidence)
        return cls(*(model.objects.count() for model in kinds))


@pytest.fixture
def nothing_moves(live_cast: Cast) -> Any:
    """Assert, after the test, that nothing has moved since it began."""
    before = Moved.now()
    yield
    assert Moved.now() == before


def asks_everything(live_cast: Cast, contact: Interaction, *, reason: str, by: str = "agent_aino") -> None:
    """Ask for everything that is worth something; each is refused for this reason, with one entry."""
    for action, wanted in SENSITIVE:
        before = last_entry()
        decided = attempt(action, origin=Live(contact.public_id, live_cast.staff[by]), parameters=wanted, at=now())
        assert isinstance(decided, Refused), action
        assert decided.refusal.reason == reason
        assert decided.refusal.ways
        assert decisions(before) == ["gate.refused"]


@pytest.mark.usefixtures("nothing_moves")
class TestAtTheTelephone:
    def test_a_webhook_without_the_providers_signature_is_nobody(self, live_cast: Cast) -> None:
        before, client = last_entry(), Client()
        form = {"CallSid": "CA" + "1" * 32, "From": "+358401234567", "CallStatus": "ringing"}
        address = "/ivr/twilio/voice/"
        forged = sign("http://testserver" + address, form, "a token that is not ours")
        for headers in ({}, {"X-Twilio-Signature": ""}, {"X-Twilio-Signature": forged}):
            assert client.post(address, form, headers=headers).status_code in (403, 415)
        assert last_entry() == before
        assert not Interaction.objects.exists()

    def test_a_signature_for_other_digits_does_not_fit(self, live_cast: Cast) -> None:
        phone = dial().to_number()
        sent = phone.sent[-1]
        changed = {**sent.form, "Digits": live_cast.antti.number}
        answer = phone.client.post(
            sent.path, "&".join(f"{name}={value}" for name, value in changed.items()),
            content_type=FORM, headers={"X-Twilio-Signature": sent.signature},
        )  # fmt: skip
        assert answer.status_code == 403

    def test_an_inner_address_with_a_fresh_call_opens_nothing(self, live_cast: Cast) -> None:
        victim = dial().to_number()
        inner = victim.sent[-1].path
        stranger = Line(Client(), number="+358409999999")
        answer = stranger.post(inner, {"Digits": live_cast.antti.number})
        assert answer.status_code == 200
        assert b"Gather" not in answer.content
        assert Interaction.objects.count() == 1

    def test_a_name_and_facts_about_him_prove_nothing(self, live_cast: Cast) -> None:
        phone = dial(number="+358401000001")  # the number on Antti's record, as anybody may show it
        phone.dial().press("1").press("0#")
        agent = Screen(live_cast, "agent_aino").takes(phone.interaction)
        agent.sends(
            "claim_name", phone.interaction.public_id, given_names="Antti", family_name="Asiakas", capacity="SELF"
        )
        asks_everything(live_cast, phone.interaction, reason="NO_CLAIM")
        agent.sends("claim_number", phone.interaction.public_id, number=live_cast.antti.number, capacity="SELF")
        asks_everything(live_cast, phone.interaction, reason="LEVEL")
        assert agent.sends("record", phone.interaction.public_id).content.decode().count("•••••") == 0

    @pytest.mark.parametrize("typed", ["#", "", "000000", "123456", "0" * 10_000, "12345\x00", "١٢٣٤٥٦"])
    def test_blank_and_foolish_codes_are_no_codes(self, live_cast: Cast, typed: str) -> None:
        phone = dial().to_kind(live_cast.antti.number).press("1")
        answer = phone.post(phone._asked().attrib["action"], {"Digits": typed})
        assert answer.status_code == 200
        take(phone.interaction.public_id, by=live_cast.agent_aino, at=now())
        asks_everything(live_cast, phone.interaction, reason="LEVEL")

    def test_an_ended_call_gives_nothing_more(self, live_cast: Cast) -> None:
        phone = dial().to_kind(live_cast.antti2.number)
        phone.hang_up()
        phone.post(phone.sent[-2].path, {"Digits": "2"})
        asks_everything(live_cast, phone.interaction, reason="NOT_LIVE")

    def test_what_is_not_declared_is_refused(self, live_cast: Cast) -> None:
        contact = live_cast.call(at=now(), claims=live_cast.antti)
        for name in (
            "verify_manually",
            "unlock_account",
            "import_customers",
            "place_visit",
            "",
            "refund_to_account ",
        ):
            before = last_entry()
            decided = attempt(name, origin=Live(contact.public_id, live_cast.agent_aino), parameters={}, at=now())
            assert isinstance(decided, Refused)
            assert decided.refusal.reason == "UNDECLARED"
            assert decisions(before) == ["gate.refused"]


class TestWithACodeOfHisOwn:
    def test_his_own_code_opens_only_his_own_matter(self, live_cast: Cast) -> None:
        phone = dial().to_menu(live_cast.sanna).press("0")
        contact, money = phone.interaction, Refund.objects.count()
        agent = Screen(live_cast, "agent_aino").takes(contact)
        agent.sends("claim_number", contact.public_id, number=live_cast.antti.number, capacity="SELF")
        asks_everything(live_cast, contact, reason="LEVEL")
        assert agent.is_refused(contact, "tell_case_state").reason == "LEVEL"
        agent.sends("claim_number", contact.public_id, number=live_cast.sanna.number, capacity="SELF")
        assert agent.is_refused(contact, "tell_case_state").reason == "LEVEL"  # the way back voids as well
        assert Refund.objects.count() == money

    def test_anothers_code_does_not_fit(self, live_cast: Cast) -> None:
        dial().type_app_code(live_cast.antti.number, live_cast.sanna.app_code(now()))
        assert not Evidence.objects.exists()

    def test_a_code_that_was_overheard_is_used_up(self, live_cast: Cast) -> None:
        code = live_cast.antti.app_code(now())
        dial().type_app_code(live_cast.antti.number, code)
        dial().type_app_code(live_cast.antti.number, code)
        listed = dial().to_menu(live_cast.antti2)
        listed.send_again()
        assert Evidence.objects.count() == 2
        assert ListCodeUse.objects.count() == 1


@pytest.mark.usefixtures("nothing_moves")
class TestAtTheStaffsDoors:
    def test_pages_are_closed_without_both_factors(self, live_cast: Cast) -> None:
        contact = live_cast.call(at=now(), claims=live_cast.antti)
        client = Client()
        client.post(reverse("admin:login"), {"username": "agent_aino", "password": "four harmless grey herons"})
        for page in (reverse("admin:queue"), reverse("admin:do", args=[contact.public_id, "refund_to_account"])):
            assert client.post(page, {**MONEY, "nonce": str(uuid4())})["Location"].startswith(reverse("admin:login"))

    def test_roles_that_serve_nobody_see_nobody(self, live_cast: Cast) -> None:
        contact = live_cast.call(at=now(), claims=live_cast.antti)
        for username in ("auditor", "administrator"):
            screen = Screen(live_cast, username)
            assert screen.client.get(reverse("admin:queue")).status_code == 403
            assert screen.asks(contact, "refund_to_account", **MONEY).status_code == 403
            asks_everything(live_cast, contact, reason="ROLE", by=username)

    def test_a_colleagues_contact_is_not_mine(self, live_cast: Cast) -> None:
        contact = live_cast.call(at=now(), claims=live_cast.antti)
        other = Screen(live_cast, "agent_arvo")
        assert other.asks(contact, "refund_to_account", **MONEY).status_code == 403
        assert other.sends("record", contact.public_id).status_code == 403

    def test_the_api_knows_nobody_without_a_token(self, live_cast: Cast) -> None:
        contact = live_cast.call(at=now(), claims=live_cast.antti)
        before = last_entry()
        assert Api(live_cast).act(contact, "refund_to_account", MONEY).status_code == 401
        assert decisions(before) == []

    def test_the_api_refuses_as_the_pages_do(self, live_cast: Cast) -> None:
        contact = live_cast.call(at=now(), claims=live_cast.antti)
        before = last_entry()
        answer = Api(live_cast, "agent_aino").act(
            contact, "refund_to_account", {"amount": 15000, "reason": "paid twice"}
        )
        assert answer.status_code == 403
        assert json.loads(answer.content)["reason"] == "LEVEL"
        assert decisions(before) == ["gate.refused"]


@pytest.mark.usefixtures("nothing_moves")
class TestBehindTheHouse:
    def test_no_guarded_table_takes_a_row_or_gives_one(self, live_cast: Cast) -> None:
        for label in guarded():
            app, name = label.lower().split(".")
            for statement in (f"INSERT INTO {app}_{name} SELECT * FROM {app}_{name}", f"DELETE FROM {app}_{name}"):
                with suppress(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(statement)
                    assert cursor.rowcount <= 0, f"{statement} touched {cursor.rowcount} rows"

    def test_the_account_on_record_is_not_rewritten(self, live_cast: Cast) -> None:
        his = "FI5810171000000122"
        with pytest.raises(DatabaseError), transaction.atomic():
            Customer.objects.filter(pk=live_cast.antti.customer.pk).update(account=his)
        live_cast.antti.customer.account = his
        with pytest.raises(DatabaseError), transaction.atomic():
            live_cast.antti.customer.save()
        assert Customer.objects.get(pk=live_cast.antti.customer.pk).account != his

    def test_an_opening_is_not_forged_without_its_grant(self, live_cast: Cast) -> None:
        grant = Grant.objects.get(action="import_customers")
        with pytest.raises(DatabaseError), transaction.atomic():
            Opening.objects.create(
                grant=grant, action="change_address", customer=live_cast.antti.customer, tripwire_id=1
            )

    def test_origins_that_are_made_up_lead_nowhere(self, live_cast: Cast) -> None:
        agent, administrator = live_cast.agent_aino, live_cast.administrator
        for origin in (Live(uuid4(), agent), Following(uuid4(), "visits.escalate"), OfBatch(uuid4(), administrator)):
            before = last_entry()
            decided = attempt("refund_to_account", origin=origin, parameters=MONEY, at=now())
            assert isinstance(decided, Refused)
            assert decisions(before) == ["gate.refused"]


class TestAtTheDesk:
    @pytest.fixture
    def visit(self, live_cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Visit:
        """Book a visit by telephone in Antti's name: anybody can. Its day has come."""
        open_office(live_cast.organisation)
        contact = live_cast.call(at=now(), claims=live_cast.antti)
        origin = Live(contact.public_id, live_cast.agent_aino)
        refused = attempt("refund_to_account", origin=origin, parameters=MONEY, at=now())
        assert isinstance(refused, Refused)
        about = {"refusal": str(refused.refusal.public_id)}
        attempt("book_visit", origin=origin, parameters=about, at=now())
        placed = escalations.place(Escalation.objects.get().pk, at=now())
        assert placed is not None
        on_the_day_of(placed, monkeypatch)
        return placed

    def test_the_refund_is_not_paid_to_who_has_no_papers(self, live_cast: Cast, visit: Visit) -> None:
        kalle = Screen(live_cast, "clerk_kalle")
        kalle.sends("visits_step", visit.public_id, "check-in")
        here = visit.desk_interaction
        assert here is not None
        asks_everything(live_cast, here, reason="LEVEL", by="clerk_kalle")
        with pytest.raises(parked.NotOpen):
            parked.carry_out(visit, confirmed=True, nonce="a", by=live_cast.clerk_kalle, at=now())
        assert not Refund.objects.exists()

    def test_his_own_passport_does_not_open_anothers_matter(self, live_cast: Cast, visit: Visit) -> None:
        kalle = Screen(live_cast, "clerk_kalle")
        kalle.sends("visits_step", visit.public_id, "check-in")
        four = dict.fromkeys(("saw_paper", "saw_data", "saw_person", "saw_matter"), "on")
        zone = passport_of(live_cast.olli.customer)
        assert kalle.sends("visits_step", visit.public_id, "identity", **typed(zone), **four).status_code == 400
        assert not Evidence.objects.filter(kind="IDENTITY_LIST").exists()

    def test_a_namesake_with_a_good_passport_is_still_another(self, live_cast: Cast, visit: Visit) -> None:
        kalle = Screen(live_cast, "clerk_kalle")
        kalle.sends("visits_step", visit.public_id, "check-in")
        four = dict.fromkeys(("saw_paper", "saw_data", "saw_person", "saw_matter"), "on")
        zone = passport_of(live_cast.antti2.customer)
        assert kalle.sends("visits_step", visit.public_id, "identity", **typed(zone), **four).status_code == 400
        assert not Evidence.objects.exists()

    def test_one_clerk_is_not_two(self, live_cast: Cast) -> None:
        here = live_cast.desk(at=now(), claims=live_cast.antti, level="SUBSTANTIAL")
        with pytest.raises(NotSeen, match="SAME_PERSON"):
            see_second_clerk(here.public_id, by=live_cast.clerk_kalle, at=now())
        with pytest.raises(NotSeen, match="ROLE"):
            see_second_clerk(here.public_id, by=live_cast.agent_aino, at=now())
        assert Evidence.objects.count() == 1

    def test_a_visit_code_works_once_and_not_on_the_day_it_was_sent(self, live_cast: Cast, visit: Visit) -> None:
        contact = live_cast.antti.customer.contact("PHONE", now())
        assert contact is not None
        here = work.check_in(visit, by=live_cast.clerk_kalle, at=now())
        show: Callable[..., keys.Shown] = lambda code, at: keys.show_code(  # noqa: E731
            visit, code, interaction_id=here.public_id, by=live_cast.clerk_kalle, at=at
        )
        fresh = keys.issue_code(visit, contact, at=now())
        assert show(fresh, now()) is keys.Shown.TOO_YOUNG
        old = keys.issue_code(visit, contact, at=visit.booked_at.replace(year=visit.booked_at.year - 1))
        assert show(old, now()) is keys.Shown.MATCHED
        assert show(old, now()) is keys.Shown.WRONG
        assert Evidence.objects.filter(kind="VISIT_CODE").count() == 1


def test_a_guess_is_no_better_the_hundredth_time(live_cast: Cast) -> None:
    """Guess until the keypad closes: the evidence stays none, and the owner still has every other road."""
    for _call in range(4):
        phone = dial()
        phone.dial().press("3")
        for _try in range(3):
            if phone.queue is None:
                phone.press(live_cast.antti.number).press("1").press(wrong(totp(live_cast.antti.app_key, now())))
    assert not Evidence.objects.exists()
    held = attempt("temporary_hold", origin=Live(phone.interaction.public_id), parameters={}, at=now())
    assert not isinstance(held, Refused)
