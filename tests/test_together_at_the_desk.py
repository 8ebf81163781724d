"""Joint guardians who stand at one desk: each proves himself by his own document, and by nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.cast import NOW, Cast, Person
from tests.reception import NEW_HOME, ask_for_visit, laid, open_office, passport, refuse, typed
from tests.representatives import child, right, says
from tests.test_desk_pages import SEEN, seated, step, text
from verification import masking
from verification.claims import claim_number, join
from verification.evidence import CONFIRMATIONS, NotSeen, see_identity_list, see_second_clerk
from verification.gate import Granted, Live, Refused, attempt
from verification.levels import Level
from verification.models import Evidence, Interaction
from verification.reasons import Reason
from verification.scene import claim_of, claims_of_all
from visits import desk, escalations, identity, slips
from visits.models import ItemAccepted, Visit

pytestmark = pytest.mark.django_db
BOTH = {"group": "parents", "needed": 2}
GOODS = {"order": "T-2026-88", "street": "Uusikatu 1", "postal_code": "00100", "town": "Helsinki"}


@pytest.fixture
def young(cast: Cast) -> Person:
    return child(cast, right(cast.helena, "GUARDIAN", **BOTH), right(cast.sanna, "GUARDIAN", **BOTH))


def placed(cast: Cast, young: Person, *, at: datetime = NOW, action: str = "change_address", **wanted: Any) -> Visit:
    """Book a visit that Helena asked for by phone in the child's matter."""
    open_office(cast.organisation)
    call = cast.call(at=at)
    says(call, cast, young, capacity="GUARDIAN", who=cast.helena, at=at)
    refusal = refuse(call, cast, at=at, action=action, **(wanted or NEW_HOME))
    asked = ask_for_visit(call, cast, at=at, refusal=str(refusal.public_id), representation="guardian")
    found = escalations.place(asked.pk, at=at)
    assert found is not None
    return found


@pytest.fixture
def visit(cast: Cast, young: Person) -> Visit:
    found = placed(cast, young)
    desk.check_in(found, by=cast.clerk_kalle, at=found.starts_at)
    return found


def comes_along(cast: Cast, visit: Visit, whom: Person, who: Person) -> UUID:
    """Have Kalle note that one more guardian stands at his desk; return which speaker that is."""
    here = desk.received_by(visit, by=cast.clerk_kalle)
    second = join(here.public_id, label="second", by=cast.clerk_kalle, at=visit.starts_at)
    said = {"capacity": "GUARDIAN", "source": "STAFF", "own_number": who.number, "speaker": second.public_id}
    claim_number(here.public_id, whom.number, by=cast.clerk_kalle, at=visit.starts_at, **said)
    return second.public_id


def compared(cast: Cast, visit: Visit, who: Person, speaker: UUID | None = None) -> str:
    return identity.compare(
        visit, laid(passport(who.customer)), confirmed=CONFIRMATIONS, by=cast.clerk_kalle, at=visit.starts_at,
        speaker=speaker,
    ).outcome  # fmt: skip


def levels(visit: Visit) -> list[Level]:
    here = visit.desk_interaction
    assert here is not None
    return [masking.held_by(claim, here, visit.starts_at).level for claim in claims_of_all(here)]


def asked(cast: Cast, visit: Visit) -> Any:
    here = desk.received_by(visit, by=cast.clerk_kalle)
    origin = Live(here.public_id, cast.clerk_kalle)
    return attempt("change_address", origin=origin, parameters=NEW_HOME, at=visit.starts_at)


def test_each_shows_his_own_document_and_only_then_is_it_done(cast: Cast, visit: Visit, young: Person) -> None:
    assert compared(cast, visit, cast.helena) == "MATCHED"
    sanna = comes_along(cast, visit, young, cast.sanna)
    assert levels(visit) == [Level.SUBSTANTIAL, Level.NONE]
    decided = asked(cast, visit)
    assert isinstance(decided, Refused)
    assert decided.refusal.reason == Reason.AUTHORITY
    assert compared(cast, visit, cast.sanna, sanna) == "MATCHED"
    assert levels(visit) == [Level.SUBSTANTIAL, Level.SUBSTANTIAL]
    assert isinstance(asked(cast, visit), Granted)


def test_one_mans_document_is_never_anothers_proof(cast: Cast, visit: Visit, young: Person) -> None:
    sanna = comes_along(cast, visit, young, cast.sanna)
    assert compared(cast, visit, cast.helena, sanna) in ("NAME", "BIRTH_DATE")
    assert compared(cast, visit, cast.sanna) in ("NAME", "BIRTH_DATE")
    assert levels(visit) == [Level.NONE, Level.NONE]
    assert compared(cast, visit, cast.sanna, sanna) == "MATCHED"
    assert levels(visit) == [Level.NONE, Level.SUBSTANTIAL]
    assert isinstance(asked(cast, visit), Refused)


def test_the_second_mans_document_ticks_nothing_on_the_first_ones_list(cast: Cast, visit: Visit, young: Person) -> None:
    sanna = comes_along(cast, visit, young, cast.sanna)
    compared(cast, visit, cast.sanna, sanna)
    assert not ItemAccepted.objects.filter(item__visit=visit).exists()
    compared(cast, visit, cast.helena)
    assert ItemAccepted.objects.filter(item__visit=visit, item__group="identity").exists()


def test_the_second_clerk_confirms_each_by_himself(cast: Cast, visit: Visit, young: Person) -> None:
    here, sanna = desk.received_by(visit, by=cast.clerk_kalle), comes_along(cast, visit, young, cast.sanna)
    compared(cast, visit, cast.helena)
    with pytest.raises(NotSeen, match="ORDER"):
        see_second_clerk(here.public_id, by=cast.clerk_kerttu, at=visit.starts_at, speaker=sanna)
    compared(cast, visit, cast.sanna, sanna)
    waiting = [claim.speaker.public_id for claim in desk.waiting_for_second(cast.clerk_kerttu)]
    assert sanna in waiting
    assert len(waiting) == 2
    see_second_clerk(here.public_id, by=cast.clerk_kerttu, at=visit.starts_at, speaker=sanna)
    assert levels(visit) == [Level.SUBSTANTIAL, Level.HIGH]
    assert [claim.speaker.public_id for claim in desk.waiting_for_second(cast.clerk_kerttu)] != [sanna]


def test_who_came_along_for_somebody_else_is_not_served_at_this_visit(cast: Cast, visit: Visit) -> None:
    stranger = comes_along(cast, visit, cast.ward, cast.sanna)
    with pytest.raises(desk.NotHere, match="OTHER_CUSTOMER"):
        compared(cast, visit, cast.sanna, stranger)


def test_a_speaker_of_another_contact_is_nobody_here(cast: Cast, visit: Visit) -> None:
    other = cast.desk(at=visit.starts_at, claims=cast.sanna, level="NONE")
    elsewhere = other.speakers.get().public_id
    here = desk.received_by(visit, by=cast.clerk_kalle)
    assert claim_of(here, elsewhere) is None
    document = {"type": "PASSPORT", "issuer": "FIN", "expires_on": "2031-05-01"}
    with pytest.raises(NotSeen, match="CLAIM"):
        see_identity_list(
            here.public_id, by=cast.clerk_kalle, confirmed=CONFIRMATIONS, document=document, at=visit.starts_at,
            speaker=elsewhere,
        )  # fmt: skip


def test_another_claim_of_one_voids_his_proof_alone(cast: Cast, visit: Visit, young: Person) -> None:
    here, sanna = desk.received_by(visit, by=cast.clerk_kalle), comes_along(cast, visit, young, cast.sanna)
    compared(cast, visit, cast.helena)
    compared(cast, visit, cast.sanna, sanna)
    said = {"capacity": "GUARDIAN", "source": "STAFF", "own_number": cast.olli.number, "speaker": sanna}
    claim_number(here.public_id, young.number, by=cast.clerk_kalle, at=visit.starts_at, **said)
    assert levels(visit) == [Level.SUBSTANTIAL, Level.NONE]


def test_each_signs_a_slip_of_his_own(cast: Cast, young: Person) -> None:
    visit = placed(cast, young, action="goods_to_new_address", **GOODS)
    desk.check_in(visit, by=cast.clerk_kalle, at=visit.starts_at)
    here, at = desk.received_by(visit, by=cast.clerk_kalle), visit.starts_at
    sanna = comes_along(cast, visit, young, cast.sanna)
    compared(cast, visit, cast.helena)
    compared(cast, visit, cast.sanna, sanna)
    origin = Live(here.public_id, cast.clerk_kalle)
    for speaker in (None, sanna):
        decided = attempt("goods_to_new_address", origin=origin, parameters=GOODS, at=at)
        assert isinstance(decided, Refused), "not both have approved it"
        matter = slips.printed(visit, by=cast.clerk_kalle, at=at, speaker=speaker)
        slips.confirm(here.public_id, slips.short(matter.digest), by=cast.clerk_kerttu, at=at, speaker=speaker)
    assert Evidence.objects.filter(kind="SIGNED_SLIP").values("claim").distinct().count() == 2
    assert isinstance(attempt("goods_to_new_address", origin=origin, parameters=GOODS, at=at), Granted)


def test_the_desks_page_asks_whose_documents_they_are(
    cast: Cast, young: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = placed(cast, young, at=datetime.now(UTC))
    monkeypatch.setattr(timezone, "now", lambda: visit.starts_at)
    kalle, kerttu = seated(cast, "clerk_kalle"), seated(cast, "clerk_kerttu")
    assert "Kenen asiakirjat" not in text(step(kalle, visit, "check-in"))
    sanna = comes_along(cast, visit, young, cast.sanna)
    page = text(kalle.get(reverse("admin:visits_desk", args=[visit.public_id]), {"speaker": sanna}))
    assert f'<input type="hidden" name="speaker" value="{sanna}">' in page
    assert "Kenen asiakirjat" in page
    zone = passport(cast.sanna.customer)
    answer: Any = step(kalle, visit, "identity", speaker=str(sanna), **SEEN, **typed(zone))
    assert answer.redirect_chain[-1][0].endswith(f"?speaker={sanna}#identity")
    assert levels(visit) == [Level.NONE, Level.SUBSTANTIAL]
    second = text(kerttu.get(reverse("admin:visits_second")))
    assert f'value="{sanna}"' in second
    here = desk.received_by(visit, by=cast.clerk_kalle)
    kerttu.post(
        reverse("admin:visits_second_confirm", args=[here.public_id]),
        {"document": "on", "person": "on", "speaker": str(sanna)},
    )
    assert levels(visit) == [Level.NONE, Level.HIGH]


def test_a_speaker_who_is_none_of_this_contact_is_not_found(
    cast: Cast, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: visit.starts_at)
    kalle = seated(cast, "clerk_kalle")
    other = Interaction.objects.exclude(pk=desk.received_by(visit, by=cast.clerk_kalle).pk).latest("pk")
    page = reverse("admin:visits_desk", args=[visit.public_id])
    assert kalle.get(page, {"speaker": other.speakers.get().public_id}).status_code == 404
    assert kalle.get(page, {"speaker": "nonsense"}).status_code == 404
