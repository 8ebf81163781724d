"""The clerk's pages, clicked through as he would: from the day's list to the matter that is done."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.cast import Cast
from tests.reception import book, open_office, passport, typed
from verification.models import ContactChange, Evidence, Grant, Interaction
from visits import letters
from visits.models import Visit, VisitEvent

pytestmark = pytest.mark.django_db
SEEN = {"saw_paper": "on", "saw_data": "on", "saw_person": "on", "saw_matter": "on"}


def seated(cast: Cast, username: str) -> Client:
    """Log a member of the staff in, second factor included."""
    client = Client(headers={"accept-language": "fi"})
    staff = cast.staff[username]
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = TOTPDevice.objects.get(user=staff).persistent_id
    session.save()
    return client


@pytest.fixture
def visit(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Visit:
    """A visit of Antti's whose hour has come: the pages' clock stands there."""
    open_office(cast.organisation)
    booked = book(cast, cast.antti, at=datetime.now(UTC))
    monkeypatch.setattr(timezone, "now", lambda: booked.starts_at)
    return booked


def step(client: Client, visit: Visit, name: str, **form: Any) -> HttpResponse:
    answer: Any = client.post(reverse("admin:visits_step", args=[visit.public_id, name]), form, follow=True)
    return answer


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_whole_visit(visit: Visit, cast: Cast) -> None:
    kalle, kerttu = seated(cast, "clerk_kalle"), seated(cast, "clerk_kerttu")
    day = visit.on.isoformat()
    assert str(visit.public_id)[:8].upper() in text(kalle.get(reverse("admin:visits_today"), {"day": day}))
    page = text(step(kalle, visit, "check-in"))
    assert "Vertaa asiakastietoihin" in page
    assert "Toinen linja" not in page, "the matter is closed before the identity list is complete"
    for private in ("Antti", cast.antti.number, "1961"):
        assert private not in page
    refused = step(kalle, visit, "identity", **typed(passport(cast.antti.customer, family="MUU")), **SEEN)
    assert refused.status_code == 400
    assert "eivät täsmää" in text(refused)
    page = text(step(kalle, visit, "identity", **typed(passport(cast.antti.customer)), **SEEN))
    assert "Toinen linja 4" in page
    waiting = text(kerttu.get(reverse("admin:visits_second")))
    here = visit.desk_interaction
    assert here is not None
    assert str(here.public_id) in waiting
    second = reverse("admin:visits_second_confirm", args=[here.public_id])
    assert "Vahvistakaa molemmat" in text(kerttu.post(second, {"document": "on"}, follow=True))
    kerttu.post(second, {"document": "on", "person": "on"})
    assert Evidence.objects.filter(kind="SECOND_CLERK", observed_by=cast.clerk_kerttu).exists()
    nonce = re.search(r'name="nonce" value="([^"]+)"', page)
    assert nonce
    assert "Lukekaa asia" in text(step(kalle, visit, "carry-out", nonce=nonce[1]))
    done = step(kalle, visit, "carry-out", nonce=nonce[1], confirmed="on")
    assert "Asia on hoidettu." in text(done)
    assert ContactChange.objects.filter(kind="ADDRESS").count() == 1
    step(kalle, visit, "finish")
    assert visit.state == Visit.State.DONE


def test_missing_papers_are_named_and_the_next_time_is_booked(visit: Visit, cast: Cast) -> None:
    kalle = seated(cast, "clerk_kalle")
    step(kalle, visit, "check-in")
    page = text(step(kalle, visit, "next-visit"))
    assert "Seuraava käynti:" in page
    assert "Puuttuu vielä: Henkilöllisyys:" in page
    assert visit.state == Visit.State.INCOMPLETE
    after = Visit.objects.exclude(pk=visit.pk).get()
    assert after.refusal == visit.refusal
    step(kalle, visit, "next-visit")
    assert Visit.objects.count() == 2, "asked twice, booked once"
    step(kalle, visit, "finish")
    here = visit.desk_interaction
    assert here is not None
    assert not here.live


def test_a_visit_of_a_later_day_says_so_and_can_be_received(
    visit: Visit, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: visit.starts_at - timedelta(days=1))
    page = text(seated(cast, "clerk_kalle").get(reverse("admin:visits_desk", args=[visit.public_id])))
    assert "Tämä käynti on toisena päivänä" in page
    assert "check-in" in page


def test_a_visit_whose_day_has_passed_says_so_and_has_no_button(
    visit: Visit, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: visit.starts_at + timedelta(days=1))
    kalle = seated(cast, "clerk_kalle")
    page = text(kalle.get(reverse("admin:visits_desk", args=[visit.public_id])))
    assert "Tämä käynti on toisena päivänä" in page
    assert "check-in" not in page
    assert "Tämä käynti on toisena päivänä" in text(step(kalle, visit, "check-in"))
    assert visit.state == Visit.State.BOOKED


def test_ending_what_was_only_checked_in_leaves_it_booked(visit: Visit, cast: Cast) -> None:
    kalle = seated(cast, "clerk_kalle")
    step(kalle, visit, "check-in")
    assert "edelleen varattuna" in text(step(kalle, visit, "finish"))
    assert visit.state == Visit.State.BOOKED
    assert "check-in" in text(kalle.get(reverse("admin:visits_desk", args=[visit.public_id])))


def test_a_visit_that_ended_without_the_papers_offers_the_next_time(visit: Visit, cast: Cast) -> None:
    kalle = seated(cast, "clerk_kalle")
    step(kalle, visit, "check-in")
    step(kalle, visit, "identity", **typed(passport(cast.antti.customer, expires="250501")), **SEEN)
    page = text(step(kalle, visit, "finish"))
    assert visit.state == Visit.State.INCOMPLETE
    assert "Puuttuu vielä:" in page
    assert "Seuraava vapaa aika" in page
    page = text(step(kalle, visit, "next-visit"))
    after = Visit.objects.exclude(pk=visit.pk).get()
    assert after.refusal == visit.refusal
    assert "Seuraava käynti:" in page
    step(seated(cast, "clerk_kerttu"), visit, "next-visit")
    assert Visit.objects.count() == 2, "asked twice, booked once"
    assert visit.state == Visit.State.INCOMPLETE
    assert not Interaction.objects.filter(channel="DESK", ended_at__isnull=True).exists()
    granted = Grant.objects.filter(action="book_visit", interaction__channel="DESK")
    assert granted.count() == 1


def test_a_next_time_that_the_customer_cancelled_is_offered_again(visit: Visit, cast: Cast) -> None:
    kalle = seated(cast, "clerk_kalle")
    step(kalle, visit, "check-in")
    step(kalle, visit, "identity", **typed(passport(cast.antti.customer, expires="250501")), **SEEN)
    step(kalle, visit, "finish")
    step(kalle, visit, "next-visit")
    first = Visit.objects.exclude(pk=visit.pk).get()
    VisitEvent.objects.create(visit=first, kind=VisitEvent.Kind.CANCELLED, at=visit.starts_at)
    step(kalle, visit, "next-visit")
    assert Visit.objects.count() == 3


def test_a_next_time_to_which_nobody_came_is_offered_again(
    visit: Visit, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    kalle = seated(cast, "clerk_kalle")
    step(kalle, visit, "check-in")
    step(kalle, visit, "identity", **typed(passport(cast.antti.customer, expires="250501")), **SEEN)
    step(kalle, visit, "next-visit")
    step(kalle, visit, "finish")
    missed = Visit.objects.exclude(pk=visit.pk).get()
    monkeypatch.setattr(timezone, "now", lambda: missed.ends_at + timedelta(days=1))
    kalle = seated(cast, "clerk_kalle")
    assert "ei saapunut" in text(kalle.get(reverse("admin:visits_today"), {"day": missed.on.isoformat()}))
    step(kalle, visit, "next-visit")
    assert Visit.objects.filter(starts_at__gt=missed.ends_at).count() == 1


def test_the_clerk_reads_of_the_customer_and_the_customer_of_himself(visit: Visit, cast: Cast) -> None:
    kalle = seated(cast, "clerk_kalle")
    page = text(step(kalle, visit, "check-in"))
    for theirs in ("Henkilöllisyytenne", "lähetimme teille", "Teille"):
        assert theirs not in page
    assert "<h3>Henkilöllisyys:" in page
    with translation.override("fi"):
        assert letters.list_lines(visit)[0].startswith("Henkilöllisyytenne: ")


@pytest.mark.parametrize("username", ["agent_aino", "auditor", "administrator"])
def test_other_roles_do_not_see_the_desk(visit: Visit, cast: Cast, username: str) -> None:
    client = seated(cast, username)
    for url in (reverse("admin:visits_today"), reverse("admin:visits_desk", args=[visit.public_id])):
        assert client.get(url).status_code == 403
    assert step(client, visit, "check-in").status_code == 403
    assert visit.state == Visit.State.BOOKED


def test_without_the_second_factor_there_is_no_desk(visit: Visit, cast: Cast) -> None:
    client = Client()
    client.force_login(cast.clerk_kalle, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(reverse("admin:visits_desk", args=[visit.public_id])).status_code == 302


def test_a_colleague_cannot_take_over_by_typing(visit: Visit, cast: Cast) -> None:
    kalle, kerttu = seated(cast, "clerk_kalle"), seated(cast, "clerk_kerttu")
    step(kalle, visit, "check-in")
    assert "Työtoverinne hoitaa" in text(
        step(kerttu, visit, "identity", **typed(passport(cast.antti.customer)), **SEEN)
    )
    assert not Evidence.objects.exists()


@pytest.mark.parametrize(
    "name", ["identity", "paper", "code", "carry-out", "number", "next-visit", "finish", "no-such"]
)
def test_no_step_is_taken_before_the_check_in_and_bad_forms_change_nothing(visit: Visit, cast: Cast, name: str) -> None:
    kalle = seated(cast, "clerk_kalle")
    for form in ({}, {"zone": "\x00" * 9, "item": "x", "code": "9" * 39, "number": "12345678", "nonce": "a" * 500}):
        assert step(kalle, visit, name, **form).status_code in (200, 400, 404)
    assert visit.state == Visit.State.BOOKED
    assert not Evidence.objects.exists()


def test_the_lists_open_for_those_who_look_after_the_offices(visit: Visit, cast: Cast) -> None:
    for username in ("supervisor", "administrator"):
        client = seated(cast, username)
        for page in ("visit", "escalation", "office"):
            answer = client.get(reverse(f"admin:visits_{page}_changelist"))
            assert answer.status_code == 200
            assert "Antti" not in text(answer)
    assert seated(cast, "administrator").get(reverse("admin:visits_office_add")).status_code == 200
