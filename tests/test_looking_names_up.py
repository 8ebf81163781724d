"""Looking a name up gives a count and nothing else, leaves its trace, and has limits that tell nothing either."""

from __future__ import annotations

import pytest

from audit.models import Entry
from tests.cast import NOW, Cast
from verification.claims import TooMany, claim_name, claim_number
from verification.interactions import open_by_staff
from verification.models import Interaction, NameSearch
from verification.policy import current
from verification.scene import current_claim

LIMITS = current().claims


def look_up(cast: Cast, call: Interaction, family: str, given: str) -> int:
    return claim_name(
        call.public_id, family_name=family, given_names=given, capacity="SELF", by=cast.agent_aino, at=NOW
    )


def test_namesakes_are_counted_and_none_is_claimed(cast: Cast) -> None:
    call = cast.call(at=NOW)
    assert look_up(cast, call, "asiakas", "ANTTI") == 3
    assert current_claim(call) is None


def test_the_only_bearer_is_claimed_at_none(cast: Cast) -> None:
    call = cast.call(at=NOW)
    assert look_up(cast, call, "Sihteeri", "Sanna") == 1
    assert current_claim(call).customer == cast.sanna.customer


def test_every_search_leaves_its_entry_and_the_name_only_sealed(cast: Cast) -> None:
    call = cast.call(at=NOW)
    look_up(cast, call, "Nobody", "Noel")
    entry = Entry.objects.get(kind="claim.name_searched")
    assert b"Noel" not in bytes(entry.body)


@pytest.mark.parametrize(("family", "given"), [("Sihteeri", "Sanna"), ("Nobody", "Noel"), ("Asiakas", "Antti")])
def test_the_limit_is_the_same_whatever_would_be_found(cast: Cast, family: str, given: str) -> None:
    call = cast.call(at=NOW)
    for number in range(LIMITS.per_interaction):
        claim_number(call.public_id, f"9999999{number}", capacity="SELF", source="STAFF", by=cast.agent_aino, at=NOW)
    with pytest.raises(TooMany):
        look_up(cast, call, family, given)


def test_a_day_of_searching_has_an_end_however_many_contacts_are_opened(cast: Cast) -> None:
    def another() -> Interaction:
        return open_by_staff(cast.agent_aino, channel="PHONE", language="fi", at=NOW)

    most, each = LIMITS.name_searches_per_staff_per_day, LIMITS.name_searches_per_interaction
    for _ in range(most // each):
        call = another()
        for _ in range(each):
            look_up(cast, call, "Nobody", "Noel")
    with pytest.raises(TooMany):
        look_up(cast, another(), "Nobody", "Noel")
    assert NameSearch.objects.count() == most
