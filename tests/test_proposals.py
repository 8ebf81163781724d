"""What waits for a second person: nothing is decided by the one who asked, and everything is asked again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import translation

from audit.erasure import erase
from audit.models import Entry
from cases.models import Delivery, Refund
from notices.models import Notice
from tests.actions_asked import approved_by_customer, tell_what_is_due
from tests.api_client import Api, is_problem
from tests.cast import NOW, Cast
from tests.representatives import at_desk, child, right
from tests.staff_browser import gathered, now, signed_in
from tests.test_gate import ask
from tests.test_gate_at_once import at_once, granted
from verification import deciding, interactions, proposals, signals
from verification.gate import Granted, OfProposal, Proposed, Refused, Unavailable, attempt
from verification.models import ClosedAccount, Organisation, Proposal, ProposalEnd, Signal, Staff
from verification.reasons import Reason

LARGE = {"amount": 50_000, "reason": "paid twice in May"}


@pytest.fixture
def house(db: None) -> Cast:
    return gathered()


def proposed(cast: Cast, *, at: Any = NOW, action: str = "refund_to_account", asked: Any = None) -> Proposal:
    """Return what the clerk asked for, for Antti at the desk, and could not decide alone."""
    desk = cast.desk(at=at, claims=cast.antti)
    parameters = LARGE if asked is None else asked
    if action != "refund_to_account":
        approved_by_customer(desk, action, at=at, parameters=parameters)
    waiting = ask(action, desk, cast.clerk_kalle, parameters, at=at)
    assert isinstance(waiting, Proposed), waiting
    return waiting.proposal


def decide(proposal: Proposal, by: Staff, at: Any = NOW) -> Any:
    return attempt(proposal.action, origin=OfProposal(proposal.public_id, by), parameters={}, at=at)


def waits(proposal: Proposal) -> bool:
    return not ProposalEnd.objects.filter(proposal=proposal).exists() and not Refund.objects.exists()


def test_a_second_person_carries_it_out_after_the_call_and_the_customer_is_told(cast: Cast) -> None:
    waiting = proposed(cast)
    interactions.end(waiting.interaction.public_id, at=NOW)
    Notice.objects.all().delete()
    decided = decide(waiting, cast.supervisor)
    assert isinstance(decided, Granted)
    assert decided.grant.asked_by == cast.supervisor
    assert Refund.objects.get().amount == 50_000
    assert Delivery.objects.get().grant == decided.grant
    tell_what_is_due(NOW)
    assert {notice.channel for notice in Notice.objects.filter(about="refund_to_account")} == {"SMS", "EMAIL"}


@pytest.mark.parametrize("who", ["clerk_kalle", "clerk_kerttu", "agent_aino", "auditor", "administrator"])
def test_only_a_supervisor_decides(cast: Cast, who: str) -> None:
    waiting = proposed(cast)
    assert decide(waiting, cast.staff[who]).refusal.reason in (Reason.ROLE, Reason.SECOND_PERSON)
    with pytest.raises(proposals.NotYours):
        proposals.reject(waiting.public_id, by=cast.staff[who], because="no reason", at=NOW)
    assert waits(waiting)


def test_the_supervisor_who_asked_does_not_decide(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti, by="supervisor")
    waiting = ask("refund_to_account", desk, cast.supervisor, LARGE).proposal
    assert decide(waiting, cast.supervisor).refusal.reason == Reason.SECOND_PERSON
    assert proposals.waiting_for(cast.supervisor, NOW) == []
    assert waits(waiting)


def test_another_organisations_supervisor_sees_and_decides_nothing(cast: Cast) -> None:
    waiting = proposed(cast)
    cast.supervisor.organisation = Organisation.objects.create(name="Toinen Oy")
    assert decide(waiting, cast.supervisor).refusal.reason == Reason.NOT_LIVE
    assert proposals.waiting_for(cast.supervisor, NOW) == []
    with pytest.raises(proposals.NotYours):
        proposals.reject(waiting.public_id, by=cast.supervisor, because="no reason", at=NOW)
    assert waits(waiting)


def test_an_account_of_yesterday_decides_nothing(cast: Cast) -> None:
    waiting = proposed(cast)
    cast.supervisor.date_joined = NOW - timedelta(days=6)
    assert decide(waiting, cast.supervisor).refusal.reason == Reason.SECOND_PERSON
    with pytest.raises(proposals.NotYours):
        proposals.reject(waiting.public_id, by=cast.supervisor, because="no reason", at=NOW)
    assert waits(waiting)


def test_nobody_decides_for_his_own_family(cast: Cast) -> None:
    waiting = proposed(cast)
    cast.supervisor.kin.add(cast.antti.customer)
    assert decide(waiting, cast.supervisor).refusal.reason == Reason.OWN_MATTER
    assert proposals.waiting_for(cast.supervisor, NOW) == []
    assert waits(waiting)


def test_a_hold_put_on_meanwhile_stops_it(cast: Cast) -> None:
    waiting = proposed(cast)
    worried = cast.call(at=NOW, claims=cast.antti)
    assert isinstance(ask("temporary_hold", worried, cast.agent_aino), Granted)
    assert decide(waiting, cast.supervisor).refusal.reason == Reason.HOLD
    assert waits(waiting)


def test_a_signal_raised_meanwhile_stops_it(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti, level="SUBSTANTIAL")
    waiting = ask("refund_to_account", desk, cast.clerk_kalle, LARGE).proposal
    with transaction.atomic():
        signals.note(cast.antti.customer, "NOT_ME", interaction=None, at=NOW)
    refused = decide(waiting, cast.supervisor)
    assert (refused.refusal.reason, refused.refusal.required) == (Reason.LEVEL, 3)
    assert waits(waiting)


def test_it_runs_out_after_a_day_and_the_sweep_ends_it_once(cast: Cast) -> None:
    waiting, late = proposed(cast), NOW + timedelta(hours=24)
    assert decide(waiting, cast.supervisor, late).refusal.reason == Reason.NOT_LIVE
    assert proposals.sweep(late - timedelta(seconds=1)) == 0
    assert (proposals.sweep(late), proposals.sweep(late)) == (1, 0)
    assert ProposalEnd.objects.get().outcome == "EXPIRED"
    assert Entry.objects.filter(kind="gate.proposal_expired").count() == 1
    assert not Refund.objects.exists()


def test_it_is_decided_once(cast: Cast) -> None:
    waiting = proposed(cast)
    assert isinstance(decide(waiting, cast.supervisor), Granted)
    assert decide(waiting, cast.supervisor).refusal.reason == Reason.NOT_LIVE
    with pytest.raises(proposals.Decided):
        proposals.reject(waiting.public_id, by=cast.supervisor, because="too late", at=NOW)
    assert Refund.objects.count() == 1


def test_what_was_rejected_cannot_be_approved_afterwards(cast: Cast) -> None:
    waiting = proposed(cast)
    proposals.reject(waiting.public_id, by=cast.supervisor, because="the invoice was paid once", at=NOW)
    assert decide(waiting, cast.supervisor).refusal.reason == Reason.NOT_LIVE
    assert not Refund.objects.exists()


def test_what_was_asked_cannot_be_altered_and_other_parameters_are_ignored(cast: Cast) -> None:
    waiting = proposed(cast)
    with pytest.raises(DatabaseError), transaction.atomic():
        Proposal.objects.filter(pk=waiting.pk).update(sealed_parameters=b"other")
    decided = attempt(
        waiting.action,
        origin=OfProposal(waiting.public_id, cast.supervisor),
        parameters={"amount": 1, "reason": "another sum"},
        at=NOW,
    )
    assert isinstance(decided, Granted)
    assert Refund.objects.get().amount == 50_000


def test_a_proposal_carries_out_its_own_action_only(cast: Cast) -> None:
    waiting = proposed(cast)
    origin = OfProposal(waiting.public_id, cast.supervisor)
    assert attempt("close_account", origin=origin, parameters={}, at=NOW).refusal.reason == Reason.NOT_LIVE
    assert waits(waiting)


@pytest.mark.parametrize("action", ["refund_to_account", "close_account"])
def test_what_can_no_longer_be_read_is_not_carried_out(cast: Cast, action: str) -> None:
    waiting = proposed(cast, action=action, asked=LARGE if action == "refund_to_account" else {})
    erase(subject=str(cast.antti.customer.pseudonym), actor="system:test", purpose="A test", at=NOW)
    assert decide(waiting, cast.supervisor).refusal.reason == Reason.FAILED
    assert waits(waiting)
    assert not ClosedAccount.objects.exists()


def test_under_another_field_key_nothing_is_carried_out(cast: Cast, settings: Any) -> None:
    waiting = proposed(cast)
    settings.FIELD_KEY = b"another key of thirty-two bytes!"
    try:
        decided = decide(waiting, cast.supervisor)
    except Unavailable:
        decided = None
    assert decided is None or decided.refusal.reason == Reason.FAILED
    assert waits(waiting)


@pytest.mark.slow
def test_of_two_supervisors_at_once_one_carries_it_out(live_cast: Cast) -> None:
    at = now()
    waiting = proposed(live_cast, at=at)
    other = Staff.objects.create_user(
        username="supervisor2", organisation=live_cast.organisation, role="SUPERVISOR",
        date_joined=at - timedelta(days=90),
    )  # fmt: skip
    outcomes = at_once(*(lambda by=by: decide(waiting, by, at) for by in (live_cast.supervisor, other)))
    assert granted(outcomes) == 1
    assert Refund.objects.count() == 1
    assert ProposalEnd.objects.count() == 1


def test_the_supervisor_reads_exactly_what_was_asked_and_on_what_proof(house: Cast) -> None:
    waiting = proposed(house, at=now())
    browser = signed_in(house.supervisor)
    assert (
        reverse("admin:proposal", args=[waiting.public_id]) in browser.get(reverse("admin:proposals")).content.decode()
    )
    page = browser.get(reverse("admin:proposal", args=[waiting.public_id])).content.decode()
    for word in ("500.00", "paid twice in May", "Kalle Kassa", "High", "Identity document", "Approve and carry out"):
        assert word in page, word
    assert Entry.objects.filter(kind="proposal.read").count() == 1


def test_he_approves_on_the_page_and_a_second_press_changes_nothing(house: Cast) -> None:
    waiting = proposed(house, at=now())
    browser = signed_in(house.supervisor)
    page = browser.get(reverse("admin:proposal", args=[waiting.public_id]))
    form = {"nonce": str(page.context["nonce"])}
    for _press in range(2):
        answer = browser.post(reverse("admin:proposal_approve", args=[waiting.public_id]), form, follow=True)
        assert "it has been carried out" in answer.content.decode()
    assert Refund.objects.count() == 1


def test_the_one_who_asked_sees_the_reason_in_the_contact_and_in_his_list(house: Cast) -> None:
    waiting = proposed(house, at=now())
    said = {"because": "the invoice was paid once"}
    signed_in(house.supervisor).post(reverse("admin:proposal_reject", args=[waiting.public_id]), said)
    assert ProposalEnd.objects.get().outcome == "REJECTED"
    asker = signed_in(house.clerk_kalle)
    for page in (reverse("admin:interaction", args=[waiting.interaction.public_id]), reverse("admin:proposals")):
        assert "the invoice was paid once" in asker.get(page).content.decode(), page


def test_a_rejection_says_why(house: Cast) -> None:
    waiting = proposed(house, at=now())
    browser = signed_in(house.supervisor)
    answer = browser.post(reverse("admin:proposal_reject", args=[waiting.public_id]), {"because": ""})
    assert answer.status_code == 400
    assert waits(waiting)


@pytest.mark.parametrize("who", ["agent_aino", "clerk_kerttu"])
def test_a_colleague_reads_nothing_of_it(house: Cast, who: str) -> None:
    waiting = proposed(house, at=now())
    browser = signed_in(house.staff[who])
    assert browser.get(reverse("admin:proposal", args=[waiting.public_id])).status_code == 403
    assert str(waiting.public_id) not in browser.get(reverse("admin:proposals")).content.decode()


def test_a_page_of_another_house_is_not_there(house: Cast) -> None:
    waiting = proposed(house, at=now())
    house.supervisor.organisation = Organisation.objects.create(name="Toinen Oy")
    house.supervisor.save()
    browser = signed_in(house.supervisor)
    assert browser.get(reverse("admin:proposal", args=[waiting.public_id])).status_code == 404
    answer = browser.post(
        reverse("admin:proposal_approve", args=[waiting.public_id]), {"nonce": str(waiting.public_id)}
    )
    assert answer.status_code == 404


def test_the_api_lists_shows_approves_and_rejects(house: Cast) -> None:
    first, second = proposed(house, at=now()), proposed(house, at=now())
    api = Api(house, "supervisor")
    listed = api.client.get("/api/v1/proposals/").json()["results"]
    assert [row["proposal"] for row in listed] == [str(first.public_id), str(second.public_id)]
    shown = api.client.get(f"/api/v1/proposals/{first.public_id}/").json()
    assert shown["parameters"] == LARGE
    assert shown["held"] == "HIGH"
    done = api.client.post(f"/api/v1/proposals/{first.public_id}/approve/", {}, format="json")
    assert done.status_code == 200, done.json()
    again = api.client.post(f"/api/v1/proposals/{first.public_id}/approve/", {}, format="json")
    is_problem(again, 403, "refused")
    said = {"because": "the invoice was paid once"}
    no = api.client.post(f"/api/v1/proposals/{second.public_id}/reject/", said, format="json")
    assert no.json() == {"proposal": str(second.public_id), "outcome": "REJECTED"}
    is_problem(api.client.post(f"/api/v1/proposals/{second.public_id}/reject/", said, format="json"), 409, "decided")
    assert api.client.get("/api/v1/proposals/").json() == {"results": []}
    assert Refund.objects.count() == 1


def test_a_refused_approval_leaves_it_waiting(cast: Cast) -> None:
    waiting = proposed(cast)
    assert isinstance(decide(waiting, cast.clerk_kerttu), Refused)
    assert proposals.waiting_for(cast.supervisor, NOW) == [waiting]
    assert isinstance(decide(waiting, cast.supervisor), Granted)


def test_the_second_person_reads_what_makes_us_careful_about_who_speaks_too(cast: Cast) -> None:
    ward = child(cast, right(cast.helena, "GUARDIAN"), account="FI2112345600000785")
    waiting = ask("refund_to_account", at_desk(cast, ward, cast.helena, "GUARDIAN"), cast.clerk_kalle, LARGE)
    assert isinstance(waiting, Proposed), waiting
    with transaction.atomic():
        signals.note(cast.helena.customer, "NOT_ME", interaction=None, at=NOW)
    with translation.override("en"):
        read = deciding.brief(waiting.proposal.public_id, by=cast.supervisor, at=NOW)
        assert read.signals == [str(Signal.Kind.NOT_ME.label)]
