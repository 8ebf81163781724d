"""Who comes to the desk without a booking proves himself there as far as who has booked, and by no less."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.cast import NOW, Cast
from tests.reception import laid, open_office, passport
from tests.test_desk_pages import seated, step, text
from tests.test_slips import GOODS
from verification import interactions
from verification.claims import claim_number
from verification.evidence import CONFIRMATIONS, NotSeen, see_second_clerk
from verification.gate import Granted, Live, Refused, attempt
from verification.levels import Level
from verification.masking import standing
from verification.models import Evidence, Interaction, Staff
from verification.preview import needs
from verification.reasons import Reason
from visits import chips, desk, identity, parked, slips
from visits.models import Office, Reminder, Visit, VisitCode

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(cast: Cast) -> Office:
    return open_office(cast.organisation)


def came_in(cast: Cast, number: str = "") -> Interaction:
    """Open a contact at Kalle's desk, and note the number of who stands there."""
    here = interactions.open_by_staff(cast.clerk_kalle, channel="DESK", language="fi", at=NOW)
    if number:
        claim_number(here.public_id, number, capacity="SELF", source="STAFF", by=cast.clerk_kalle, at=NOW)
    return here


def asks(here: Interaction, by: Staff, action: str, **wanted: Any) -> Any:
    return attempt(action, origin=Live(here.public_id, by), parameters=wanted, at=NOW)


def received(cast: Cast, office: Office, here: Interaction, **wanted: Any) -> Visit:
    decided = asks(here, cast.clerk_kalle, "receive_walk_in", office=str(office.public_id), **wanted)
    assert isinstance(decided, Granted), decided
    return Visit.objects.get(public_id=decided.result["visit"])


def shown(visit: Visit, cast: Cast, zone: str = "") -> identity.Compared:
    document = laid(zone or passport(cast.antti.customer))
    return identity.compare(visit, document, confirmed=CONFIRMATIONS, by=cast.clerk_kalle, at=NOW)


def level(here: Interaction) -> Level:
    return standing(here, NOW)[1].level


def test_a_second_clerk_brings_a_walk_in_to_high(cast: Cast, office: Office) -> None:
    here = came_in(cast, cast.antti.number)
    visit = received(cast, office, here)
    assert level(here) is Level.NONE, "to be received proves nothing"
    assert (visit.desk_interaction, visit.state) == (here, Visit.State.HERE)
    assert shown(visit, cast).matched
    assert level(here) is Level.SUBSTANTIAL
    with pytest.raises(NotSeen, match="SAME_PERSON"):
        see_second_clerk(here.public_id, by=cast.clerk_kalle, at=NOW)
    see_second_clerk(here.public_id, by=cast.clerk_kerttu, at=NOW)
    assert level(here) is Level.HIGH


def test_a_chip_brings_a_walk_in_to_high(cast: Cast, office: Office, settings: Any) -> None:
    settings.DEMO = True
    office.chip_reader = chips.STAND_IN
    office.save()
    here = came_in(cast, cast.antti.number)
    visit = received(cast, office, here)
    assert shown(visit, cast).matched
    assert chips.read_chip(visit, by=cast.clerk_kalle, at=NOW).matched
    assert level(here) is Level.HIGH


def test_no_code_letter_or_desk_is_spent_on_a_walk_in(cast: Cast, office: Office) -> None:
    visit = received(cast, office, came_in(cast, cast.antti.number))
    assert not VisitCode.objects.filter(visit=visit).exists()
    assert not Reminder.objects.filter(visit=visit).exists()
    assert visit.desk == 0
    assert received(cast, office, came_in(cast, cast.helena.number)).desk == 0, "two may come in at once"


def test_a_walk_in_approves_a_linked_matter_on_a_slip_that_a_second_clerk_holds(cast: Cast, office: Office) -> None:
    here = came_in(cast, cast.antti.number)
    visit = received(cast, office, here)
    assert shown(visit, cast).matched
    refused = asks(here, cast.clerk_kalle, "goods_to_new_address", **GOODS)
    assert isinstance(refused, Refused)
    assert refused.refusal.reason == Reason.NOT_APPROVED
    matter = slips.printed(visit, by=cast.clerk_kalle, at=NOW)
    assert [waits for waits, _claim in slips.waiting(cast.clerk_kerttu, at=NOW)] == [visit]
    with pytest.raises(NotSeen, match="SAME_PERSON"):
        slips.confirm(here.public_id, slips.short(matter.digest), by=cast.clerk_kalle, at=NOW)
    with pytest.raises(slips.Differs):
        slips.confirm(here.public_id, "AAAA-BBBB-CCCC", by=cast.clerk_kerttu, at=NOW)
    slips.confirm(here.public_id, slips.short(matter.digest), by=cast.clerk_kerttu, at=NOW)
    done = parked.carry_out(visit, confirmed=True, nonce="1", by=cast.clerk_kalle, at=NOW)
    assert isinstance(done, Granted), done
    other = asks(here, cast.clerk_kalle, "goods_to_new_address", **GOODS | {"street": "Toinen katu 2"})
    assert isinstance(other, Refused), "the slip was for the other address"


def test_what_was_refused_at_the_desk_is_what_he_came_for(cast: Cast, office: Office) -> None:
    here = came_in(cast, cast.antti.number)
    new = {"street": "Toinen linja 4", "postal_code": "00530", "town": "Helsinki"}
    refused = asks(here, cast.clerk_kalle, "change_address", **new)
    visit = received(cast, office, here, refusal=str(refused.refusal.public_id))
    assert (visit.action, visit.refusal) == ("change_address", refused.refusal)
    assert shown(visit, cast).matched
    done = parked.carry_out(visit, confirmed=True, nonce="1", by=cast.clerk_kalle, at=NOW)
    assert isinstance(done, Granted), done


def test_another_persons_document_gives_a_walk_in_nothing(cast: Cast, office: Office) -> None:
    here = came_in(cast, cast.antti.number)
    visit = received(cast, office, here)
    assert shown(visit, cast, passport(cast.helena.customer)).outcome == "NAME"
    assert level(here) is Level.NONE
    claim_number(here.public_id, cast.helena.number, capacity="SELF", source="STAFF", by=cast.clerk_kalle, at=NOW)
    with pytest.raises(desk.NotHere, match="OTHER_CUSTOMER"):
        shown(visit, cast, passport(cast.helena.customer))


def test_who_named_nobody_is_named_at_the_desk(cast: Cast, office: Office) -> None:
    here = came_in(cast)
    visit = received(cast, office, here)
    desk.name_customer(visit, cast.antti.number, by=cast.clerk_kalle, at=NOW)
    assert shown(visit, cast).matched
    see_second_clerk(here.public_id, by=cast.clerk_kerttu, at=NOW)
    assert level(here) is Level.HIGH


def test_asked_twice_he_is_received_once(cast: Cast, office: Office) -> None:
    here = came_in(cast, cast.antti.number)
    assert received(cast, office, here) == received(cast, office, here)
    assert Visit.objects.count() == 1


def test_nobody_is_received_over_the_telephone_or_by_an_agent(cast: Cast, office: Office) -> None:
    call = cast.call(at=NOW, claims=cast.antti, by="clerk_kalle")
    refused = asks(call, cast.clerk_kalle, "receive_walk_in", office=str(office.public_id))
    assert refused.refusal.reason == Reason.ROLE
    offered = {each.action.name for each in needs(call, by=cast.clerk_kalle, at=NOW)}
    assert "receive_walk_in" not in offered
    here = came_in(cast, cast.antti.number)
    assert "receive_walk_in" in {each.action.name for each in needs(here, by=cast.clerk_kalle, at=NOW)}
    assert asks(here, cast.agent_aino, "receive_walk_in", office=str(office.public_id)).refusal.reason == Reason.ROLE
    assert not Visit.objects.exists()


def test_no_clerk_receives_his_own_kin_nor_at_another_organisations_office(cast: Cast, office: Office) -> None:
    cast.clerk_kalle.kin.add(cast.antti.customer)
    kin = asks(came_in(cast, cast.antti.number), cast.clerk_kalle, "receive_walk_in", office=str(office.public_id))
    assert kin.refusal.reason == Reason.OWN_MATTER
    from verification.models import Organisation

    elsewhere = open_office(Organisation.objects.create(name="Toinen Oy"))
    here = came_in(cast, cast.helena.number)
    assert isinstance(asks(here, cast.clerk_kalle, "receive_walk_in", office=str(elsewhere.public_id)), Refused)
    assert not Visit.objects.exists()


def test_strangers_bookings_keep_nobody_from_the_desk(cast: Cast, office: Office) -> None:
    while isinstance(asks(cast.call(at=NOW, claims=cast.antti), cast.agent_aino, "book_visit"), Granted):
        pass
    assert received(cast, office, came_in(cast, cast.antti.number)).state == Visit.State.HERE


def test_a_clerk_clicks_a_walk_in_through(cast: Cast, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    kalle, kerttu = seated(cast, "clerk_kalle"), seated(cast, "clerk_kerttu")
    here = came_in(cast, cast.antti.number)
    page = text(kalle.get(reverse("admin:interaction", args=[here.public_id])))
    form = reverse("admin:do", args=[here.public_id, "receive_walk_in"])
    assert form in page
    nonce = text(kalle.get(form)).split('name="nonce" value="')[1].split('"')[0]
    assert kalle.post(form, {"office": str(office.public_id), "nonce": nonce}, follow=True).status_code == 200
    visit = Visit.objects.get()
    assert reverse("admin:visits_desk", args=[visit.public_id]) in text(
        kalle.get(reverse("admin:interaction", args=[here.public_id]))
    )
    assert str(visit.public_id)[:8].upper() in text(
        kalle.get(reverse("admin:visits_today"), {"day": visit.on.isoformat()})
    )
    from tests.reception import typed
    from tests.test_desk_pages import SEEN

    assert "Antti" not in text(kalle.get(reverse("admin:visits_desk", args=[visit.public_id])))
    step(kalle, visit, "identity", **typed(passport(cast.antti.customer)), **SEEN)
    kerttu.post(reverse("admin:visits_second_confirm", args=[here.public_id]), {"document": "on", "person": "on"})
    assert Evidence.objects.filter(kind="SECOND_CLERK").exists()
    assert level(here) is Level.HIGH


def test_the_easiest_way_from_a_refusal_at_the_desk_has_a_button(cast: Cast, office: Office) -> None:
    here, kalle = came_in(cast, cast.antti.number), seated(cast, "clerk_kalle")
    refused = asks(here, cast.clerk_kalle, "disclose_personal_data")
    assert isinstance(refused, Refused)
    assert refused.refusal.ways[0] == "desk_papers"
    page = reverse("admin:refusal", args=[refused.refusal.public_id])
    receive = reverse("admin:do", args=[here.public_id, "receive_walk_in"])
    assert f'href="{receive}?refusal={refused.refusal.public_id}"' in kalle.get(page).content.decode()
    visit = received(cast, office, here)
    assert reverse("admin:visits_desk", args=[visit.public_id]) in kalle.get(page).content.decode()
    assert receive not in kalle.get(page).content.decode()
    assert "tiski 0" not in kalle.get(reverse("admin:visits_desk", args=[visit.public_id])).content.decode()
