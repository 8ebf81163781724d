"""Linked matters at the desk: done only after the customer approved exactly them, on his page or on a signed slip."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from tests.cast import NOW, Cast
from tests.reception import ask_for_visit, laid, open_office, passport, refuse
from tests.test_desk_pages import seated, step, text
from tests.test_visit_page import inside
from verification.evidence import CONFIRMATIONS, NotSeen, see_approval_on_page, see_second_clerk
from verification.gate import Granted, Live, Refused, attempt
from verification.models import Evidence, Interaction, Staff
from visits import approving, desk, escalations, identity, parked, slips
from visits.models import Visit, VisitEvent

pytestmark = pytest.mark.django_db
GOODS = {"order": "T-2026-88", "street": "Uusikatu 1", "postal_code": "00100", "town": "Helsinki"}


@pytest.fixture
def visit(cast: Cast) -> Visit:
    """A visit of Antti's for goods to a new address, his passport compared by Kalle."""
    booked = asked(cast, at=NOW)
    received(booked, cast)
    return booked


def asked(cast: Cast, *, at: datetime) -> Visit:
    open_office(cast.organisation)
    call = cast.call(at=at, claims=cast.antti)
    refusal = refuse(call, cast, at=at, action="goods_to_new_address", **GOODS)
    booked = escalations.place(ask_for_visit(call, cast, at=at, refusal=str(refusal.public_id)).pk, at=at)
    assert booked is not None
    return booked


def received(booked: Visit, cast: Cast) -> None:
    desk.check_in(booked, by=cast.clerk_kalle, at=booked.starts_at)
    found = identity.compare(
        booked, laid(passport(cast.antti.customer)), confirmed=CONFIRMATIONS, by=cast.clerk_kalle, at=booked.starts_at
    )
    assert found.matched, found


def here(visit: Visit) -> Interaction:
    found = visit.desk_interaction
    assert found is not None
    return found


def matter(visit: Visit) -> parked.Matter:
    found = approving.waiting(visit, at=visit.starts_at)
    assert found is not None
    return found


def asks(visit: Visit, by: Staff, *, at: datetime | None = None, **changed: str) -> Any:
    return attempt(
        "goods_to_new_address",
        origin=Live(here(visit).public_id, by),
        parameters=GOODS | changed,
        at=at or visit.starts_at,
    )


def carry_out(visit: Visit, cast: Cast, nonce: str = "1") -> Any:
    return parked.carry_out(visit, confirmed=True, nonce=nonce, by=cast.clerk_kalle, at=visit.starts_at)


def test_it_is_not_done_before_he_approved_it(visit: Visit, cast: Cast) -> None:
    with pytest.raises(parked.NotOpen, match="NOT_APPROVED"):
        carry_out(visit, cast)
    decided = asks(visit, cast.clerk_kalle)
    assert isinstance(decided, Refused)
    assert decided.refusal.reason == "NOT_APPROVED"


def test_what_he_approved_on_his_page_is_done(visit: Visit, cast: Cast) -> None:
    shown = matter(visit)
    assert ("Uusikatu 1" in dict(shown.lines).values()) is True
    approving.approve(visit, shown.digest, at=visit.starts_at)
    seen = Evidence.objects.get(kind="PAGE_APPROVAL")
    assert (seen.approves, seen.observed_by) == (shown.digest, None)
    assert approving.waiting(visit, at=visit.starts_at) is None
    assert isinstance(carry_out(visit, cast), Granted)


def test_an_approval_fits_these_parameters_and_no_others(visit: Visit, cast: Cast) -> None:
    approving.approve(visit, matter(visit).digest, at=visit.starts_at)
    for changed in ({"street": "Toinenkatu 2"}, {"order": "T-2026-89"}):
        decided = asks(visit, cast.clerk_kalle, **changed)
        assert isinstance(decided, Refused)
        assert decided.refusal.reason == "NOT_APPROVED"
    assert isinstance(asks(visit, cast.clerk_kalle), Granted)


def test_an_approval_grows_old(visit: Visit, cast: Cast) -> None:
    approving.approve(visit, matter(visit).digest, at=visit.starts_at)
    decided = asks(visit, cast.clerk_kalle, at=visit.starts_at + timedelta(minutes=31))
    assert isinstance(decided, Refused)


def test_what_was_changed_at_the_desk_is_what_waits_on_the_page(visit: Visit, cast: Cast) -> None:
    old = matter(visit).digest
    asks(visit, cast.clerk_kalle, street="Toinenkatu 2")
    assert dict(matter(visit).lines) != {}
    assert "Toinenkatu 2" in dict(matter(visit).lines).values()
    with pytest.raises(approving.Changed):
        approving.approve(visit, old, at=visit.starts_at)
    approving.approve(visit, matter(visit).digest, at=visit.starts_at)
    assert isinstance(carry_out(visit, cast), Granted)


def test_this_is_not_right_closes_the_matter_until_it_is_asked_anew(visit: Visit, cast: Cast) -> None:
    digest = matter(visit).digest
    approving.take_back(visit, digest, at=visit.starts_at)
    assert approving.waiting(visit, at=visit.starts_at) is None
    with pytest.raises(approving.Changed):
        approving.approve(visit, digest, at=visit.starts_at)
    with pytest.raises(parked.NotOpen):
        carry_out(visit, cast)
    assert Entry.objects.filter(kind="visit.not_right").count() == 1
    asks(visit, cast.clerk_kalle, at=visit.starts_at + timedelta(minutes=1))
    assert approving.waiting(visit, at=visit.starts_at + timedelta(minutes=1)) is not None


def test_a_yes_is_no_no(visit: Visit, cast: Cast) -> None:
    digest = matter(visit).digest
    approving.approve(visit, digest, at=visit.starts_at)
    with pytest.raises(approving.Changed):
        approving.take_back(visit, digest, at=visit.starts_at)


def test_nothing_waits_before_the_document_was_compared_nor_after_the_end(cast: Cast) -> None:
    booked = asked(cast, at=NOW)
    assert approving.waiting(booked, at=booked.starts_at) is None
    desk.check_in(booked, by=cast.clerk_kalle, at=booked.starts_at)
    assert approving.waiting(booked, at=booked.starts_at) is None
    with pytest.raises(NotSeen, match="ORDER"):
        see_approval_on_page(here(booked).public_id, approves="a" * 64, at=booked.starts_at)
    received(booked, cast)
    digest = matter(booked).digest
    desk.finish(booked, by=cast.clerk_kalle, at=booked.starts_at)
    with pytest.raises(approving.Changed):
        approving.approve(booked, digest, at=booked.starts_at)


def test_a_matter_that_is_not_linked_asks_for_no_approval(cast: Cast) -> None:
    from tests.reception import book

    open_office(cast.organisation)
    booked = book(cast, cast.antti, at=NOW)
    received(booked, cast)
    assert approving.waiting(booked, at=booked.starts_at) is None
    assert isinstance(carry_out(booked, cast), Granted)


def test_a_signed_slip_is_confirmed_by_a_second_clerk(visit: Visit, cast: Cast) -> None:
    assert slips.waiting(cast.clerk_kerttu, at=visit.starts_at) == []
    printed = slips.printed(visit, by=cast.clerk_kalle, at=visit.starts_at)
    letters = slips.short(printed.digest)
    assert re.fullmatch(r"[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}", letters)
    assert slips.waiting(cast.clerk_kerttu, at=visit.starts_at) == [(visit, desk.claimed(here(visit)))]
    assert slips.waiting(cast.clerk_kalle, at=visit.starts_at) == []
    slips.confirm(here(visit).public_id, f" {letters.lower()} ", by=cast.clerk_kerttu, at=visit.starts_at)
    seen = Evidence.objects.get(kind="SIGNED_SLIP")
    assert (seen.approves, seen.observed_by) == (printed.digest, cast.clerk_kerttu)
    assert slips.waiting(cast.clerk_kerttu, at=visit.starts_at) == []
    assert isinstance(carry_out(visit, cast), Granted)


def test_the_first_clerk_and_a_new_account_confirm_no_slip(visit: Visit, cast: Cast) -> None:
    letters = slips.short(slips.printed(visit, by=cast.clerk_kalle, at=visit.starts_at).digest)
    with pytest.raises(NotSeen, match="SAME_PERSON"):
        slips.confirm(here(visit).public_id, letters, by=cast.clerk_kalle, at=visit.starts_at)
    with pytest.raises(NotSeen, match="ROLE"):
        slips.confirm(here(visit).public_id, letters, by=cast.agent_aino, at=visit.starts_at)
    Staff.objects.filter(pk=cast.clerk_kerttu.pk).update(date_joined=visit.starts_at - timedelta(days=1))
    cast.clerk_kerttu.refresh_from_db()
    with pytest.raises(NotSeen, match="TOO_NEW"):
        slips.confirm(here(visit).public_id, letters, by=cast.clerk_kerttu, at=visit.starts_at)
    assert not Evidence.objects.filter(kind="SIGNED_SLIP").exists()


@pytest.mark.parametrize("typed", ["", "0000-0000-0000", "é" * 12])
def test_other_letters_are_noted_and_give_nothing(visit: Visit, cast: Cast, typed: str) -> None:
    slips.printed(visit, by=cast.clerk_kalle, at=visit.starts_at)
    with pytest.raises(slips.Differs):
        slips.confirm(here(visit).public_id, typed, by=cast.clerk_kerttu, at=visit.starts_at)
    assert Entry.objects.get(kind="visit.slip_seen").outcome == "differs"
    assert not Evidence.objects.filter(kind="SIGNED_SLIP").exists()


def test_a_slip_printed_before_a_change_no_longer_fits(visit: Visit, cast: Cast) -> None:
    letters = slips.short(slips.printed(visit, by=cast.clerk_kalle, at=visit.starts_at).digest)
    asks(visit, cast.clerk_kalle, street="Toinenkatu 2")
    with pytest.raises(slips.Differs):
        slips.confirm(here(visit).public_id, letters, by=cast.clerk_kerttu, at=visit.starts_at)


def test_an_approval_is_of_this_customer_and_lifts_no_level(visit: Visit, cast: Cast) -> None:
    from verification.masking import standing

    before = standing(here(visit), visit.starts_at)[1].level
    approving.approve(visit, matter(visit).digest, at=visit.starts_at)
    assert standing(here(visit), visit.starts_at)[1].level == before
    see_second_clerk(here(visit).public_id, by=cast.clerk_kerttu, at=visit.starts_at)
    assert Evidence.objects.filter(kind="PAGE_APPROVAL").count() == 1


@pytest.fixture
def today(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Visit:
    """The same visit, now: the pages' clock stands at its hour."""
    booked = asked(cast, at=datetime.now(UTC))
    monkeypatch.setattr(timezone, "now", lambda: booked.starts_at)
    return booked


def test_the_pages_of_customer_and_clerk(today: Visit, cast: Cast) -> None:
    client, proof = inside(today)
    assert "Uusikatu" not in client.get("/v/visit/").content.decode()
    received(today, cast)
    page = client.get("/v/visit/").content.decode()
    assert "Uusikatu 1" in page
    assert "Hyväksyn tämän" in page
    kalle = seated(cast, "clerk_kalle")
    desk_url = reverse("admin:visits_desk", args=[today.public_id])
    before = text(kalle.get(desk_url))
    assert "Tulosta lomake" in before
    assert 'name="confirmed"' not in before
    found = re.search(r'name="matter" value="([0-9a-f]{64})"', page)
    assert found
    stale = client.post("/v/visit/approve/", {"proof": proof, "matter": "0" * 64, "answer": "approve"})
    assert stale.status_code == 409
    assert client.get("/v/visit/approve/").status_code == 302
    assert Client().post("/v/visit/approve/", {"matter": found[1], "answer": "approve"}).status_code == 404
    client.post("/v/visit/approve/", {"proof": proof, "matter": found[1], "answer": "approve"})
    assert "Olette hyväksynyt tämän" in client.get("/v/visit/").content.decode()
    after = text(kalle.get(desk_url))
    assert 'name="confirmed"' in after
    nonce = re.search(r'name="nonce" value="([^"]+)"', after)
    assert nonce
    assert "Asia on hoidettu." in text(step(kalle, today, "carry-out", nonce=nonce[1], confirmed="on"))


def test_the_page_takes_a_no(today: Visit, cast: Cast) -> None:
    client, proof = inside(today)
    received(today, cast)
    digest = approving.waiting(today, at=today.starts_at)
    assert digest is not None
    answer = client.post("/v/visit/approve/", {"proof": proof, "matter": digest.digest, "answer": "not_right"})
    assert "Mitään ei tehdä" in answer.content.decode()
    assert today.events.filter(kind=VisitEvent.Kind.NOT_RIGHT).exists()


def test_the_slip_and_the_second_clerks_page(today: Visit, cast: Cast) -> None:
    received(today, cast)
    kalle, kerttu = seated(cast, "clerk_kalle"), seated(cast, "clerk_kerttu")
    slip = text(kalle.post(reverse("admin:visits_step", args=[today.public_id, "slip"])))
    letters = re.search(r"[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}", slip)
    assert letters
    assert "Uusikatu 1" in slip
    assert "Hyväksyn juuri tämän" in slip
    assert "Antti" not in slip
    page = text(kerttu.get(reverse("admin:visits_second")))
    assert "Allekirjoitettu lomake" in page
    assert letters[0] not in page, "they are read off the paper"
    url = reverse("admin:visits_slip", args=[here(today).public_id])
    assert "Kirjoittakaa" in text(kerttu.post(url, {"letters": letters[0]}, follow=True))
    wrong = text(kerttu.post(url, {"letters": "0000-0000-0000", "signed": "on"}, follow=True))
    assert "kirjaimet eivät ole" in wrong
    assert kerttu.get(url).status_code == 302
    kerttu.post(url, {"letters": letters[0], "signed": "on"})
    assert Evidence.objects.filter(kind="SIGNED_SLIP", observed_by=cast.clerk_kerttu).exists()
