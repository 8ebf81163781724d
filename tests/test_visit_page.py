"""The customer's page: a link that previewers can't use up, a list confirmed item by item, a visit given back."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from notices.models import Notice
from tests.cast import Cast
from tests.reception import book, open_office
from verification.models import Signal
from visits.models import ItemConfirmed, Visit, VisitEvent, VisitToken

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(cast: Cast) -> Visit:
    open_office(cast.organisation)
    return book(cast, cast.antti, at=datetime.now(UTC))


def link(visit: Visit) -> str:
    text = Notice.objects.filter(about="visit_booked", channel="SMS")[0].text
    found = re.search(r"(/v/\S+/)", text)
    assert found
    return found[1]


def inside(visit: Visit) -> tuple[Client, str]:
    """Follow the link, and return the browser with its form token."""
    client = Client(enforce_csrf_checks=True)
    assert client.post(link(visit)).status_code == 302
    page = client.get("/v/visit/").content.decode()
    found = re.search(r'name="proof" value="([0-9a-f]{64})"', page)
    assert found, page
    return client, found[1]


def test_looking_at_the_link_uses_nothing_up_and_shows_a_name_and_a_button(visit: Visit) -> None:
    client, before = Client(), VisitToken.objects.count()
    for ask in (client.get, client.head, client.get):
        answer = ask(link(visit))
        assert answer.status_code == 200
        assert not answer.cookies
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["Cache-Control"] == "no-store"
    page = client.get(link(visit)).content.decode()
    assert "Esimerkki Oy" in page
    assert "Jatka" in page
    for hidden in (visit.office.name, "osoite", visit.starts_at.strftime("%H.")):
        assert hidden not in page
    assert VisitToken.objects.count() == before


def test_the_secret_is_traded_for_a_cookie_and_leaves_the_address(visit: Visit) -> None:
    client = Client()
    answer = client.post(link(visit))
    assert answer["Location"] == "/v/visit/"
    cookie = answer.cookies["visit"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert cookie.value not in link(visit)
    page = client.get("/v/visit/")
    assert page["Referrer-Policy"] == "no-referrer"
    assert visit.office.street in page.content.decode()
    assert client.post(link(visit)).status_code == 302, "the link can be followed again"


def test_the_page_says_nothing_personal(visit: Visit, cast: Cast) -> None:
    client, _ = inside(visit)
    page = client.get("/v/visit/").content.decode()
    for personal in ("Antti", "Asiakas", cast.antti.number, "+35840", "1961"):
        assert personal not in page


@pytest.mark.parametrize(
    ("language", "word"), [("fi", "Mitä otetaan mukaan"), ("sv", "ta med"), ("en", "What to bring")]
)
def test_the_list_speaks_three_languages(visit: Visit, language: str, word: str) -> None:
    client, _ = inside(visit)
    assert word in client.get(f"/v/visit/?language={language}").content.decode()
    assert word in client.get("/v/visit/").content.decode(), "the choice is remembered"


def test_a_wrong_or_expired_secret_opens_a_polite_nothing(visit: Visit) -> None:
    assert Client().get("/v/nothing-like-it/").status_code == 404
    assert Client().post("/v/nothing-like-it/").status_code == 404
    assert Client().get("/v/visit/").status_code == 404
    VisitToken.objects.update(expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert Client().get(link(visit)).status_code == 404


def test_a_dated_paper_is_confirmed_only_when_it_is_valid_on_the_day(visit: Visit) -> None:
    client, proof = inside(visit)
    item = visit.items.get(
        group="identity", code="passport" if visit.items.filter(code="passport").exists() else "id_card"
    )
    for bad in ("2020-01-01", "", "soon"):
        answer = client.post("/v/visit/confirm/", {"proof": proof, "item": item.pk, "valid_until": bad})
        assert answer.status_code == 400
        assert 'role="alert"' in answer.content.decode()
    assert (
        client.post("/v/visit/confirm/", {"proof": proof, "item": item.pk, "valid_until": "2039-01-01"}).status_code
        == 302
    )
    assert ItemConfirmed.objects.get().item == item
    assert visit.events.filter(kind=VisitEvent.Kind.CONFIRMED).exists()
    client.post("/v/visit/confirm/", {"proof": proof, "item": item.pk, "withdraw": "on"})
    assert ItemConfirmed.objects.order_by("-pk")[0].withdrawn


@pytest.mark.parametrize("item", ["999999", "x", "9" * 40, "-1", "\x00"])
def test_another_visits_item_is_not_confirmed(visit: Visit, item: str) -> None:
    client, proof = inside(visit)
    client.post("/v/visit/confirm/", {"proof": proof, "item": item, "valid_until": "2039-01-01"})
    assert not ItemConfirmed.objects.exists()


def test_a_form_without_the_token_of_this_browser_does_nothing(visit: Visit) -> None:
    client, _ = inside(visit)
    for proof in ("", "0" * 64):
        assert client.post("/v/visit/cancel/", {"proof": proof, "why": "not_me"}).status_code == 404
    assert visit.state == Visit.State.BOOKED


@pytest.mark.parametrize(("why", "kind"), [("cannot_come", "CANCELLED"), ("not_me", "NOT_ME")])
def test_a_visit_can_be_given_back_once(visit: Visit, why: str, kind: str) -> None:
    client, proof = inside(visit)
    answer = client.post("/v/visit/cancel/", {"proof": proof, "why": why})
    assert ("+358800123456" in answer.content.decode()) is True
    assert visit.state == Visit.State.CANCELLED
    noted = Signal.objects.filter(customer=visit.customer).values_list("kind", flat=True)
    assert list(noted) == (["SAID_NOT_ME"] if why == "not_me" else []), "his word makes us careful at once"
    client.post("/v/visit/cancel/", {"proof": proof, "why": why})
    assert [event.kind for event in visit.events.all()] == ["BOOKED", kind]
    assert Client().get(link(visit)).status_code == 404, "the links are taken back"
    visit.reminder.refresh_from_db()
    assert visit.reminder.state == "SKIPPED"
