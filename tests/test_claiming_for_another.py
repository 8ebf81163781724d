"""Noting on the agent's page and through the API for whom one speaks and who he is himself, and one more who speaks."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.api_client import Api, is_problem
from tests.cast import Cast, number
from tests.representatives import child, company, proves, right
from tests.staff_browser import address, ask, gathered, now, signed_in
from verification.models import Claim, Grant, Interaction
from verification.scene import claims_of_all


@pytest.fixture
def house(db: None) -> Cast:
    return gathered()


def noted(house: Cast, contact: Interaction, page: str = "claim_number", **form: Any) -> str:
    answer = signed_in(house.agent_aino).post(address(page, contact), form, follow=True)
    return str(answer.content, "utf-8")


def test_who_speaks_for_another_says_his_own_number_too(house: Cast) -> None:
    young, contact = child(house, at=now()), house.call(at=now())
    html = noted(house, contact, number=young.number, capacity="GUARDIAN", own_number=house.helena.number)
    claim = Claim.objects.get()
    assert (claim.customer, claim.person, claim.capacity) == (young.customer, house.helena.customer, "GUARDIAN")
    assert "another customer was named as himself" in html


@pytest.mark.parametrize(
    "wrong",
    [{"capacity": "GUARDIAN"}, {"capacity": "GUARDIAN", "own_number": "12345678"},
     {"capacity": "GUARDIAN", "own_number": "antti"}, {"capacity": "SELF", "own_number": "helena"}],
    ids=str,
)  # fmt: skip
def test_a_claim_whose_two_numbers_do_not_fit_is_asked_again_and_nothing_is_noted(
    house: Cast, wrong: dict[str, str]
) -> None:
    contact = house.call(at=now())
    form = {"number": house.antti.number} | wrong
    if form.get("own_number") in house.people:
        form["own_number"] = house.people[form["own_number"]].number
    answer = signed_in(house.agent_aino).post(address("claim_number", contact), form)
    assert answer.status_code == 400
    assert house.antti.number in answer.content.decode(), "what was typed stays"
    assert not Claim.objects.exists()


def test_the_page_is_the_same_whoever_is_named_on_either_side(house: Cast) -> None:
    young, pages = child(house, right(house.helena, "GUARDIAN"), at=now()), []
    nobody, other = number(7777777), number(7777778)
    for whom, who in ((young.number, house.helena.number), (young.number, other), (nobody, house.helena.number),
                      (nobody, other)):  # fmt: skip
        contact = house.call(at=now())
        noted(house, contact, number=whom, capacity="GUARDIAN", own_number=who)
        html = str(signed_in(house.agent_aino).get(address("interaction", contact)).content, "utf-8")
        clock = r'\b\d{1,2}\.\d\d(\.\d\d)?\b|data-left="\d+"'  # of the day, and of the session
        html = re.sub(clock, "TIME", html.replace(str(contact.public_id), "ID"))
        pages.append([line for line in html.splitlines() if "csrf" not in line and "data-pulse" not in line])
    for page in pages[1:]:
        assert all("story" in one for one, other in zip(pages[0], page, strict=True) if one != other)


def test_two_signatories_are_heard_and_each_is_shown_with_his_own_proof(house: Cast) -> None:
    both = {"group": "board", "needed": 2}
    shop = company(house, right(house.sanna, "SIGNATORY", **both), right(house.olli, "SIGNATORY", **both), at=now())
    contact = house.call(at=now())
    noted(house, contact, number=shop.number, capacity="SIGNATORY", own_number=house.sanna.number)
    proves(contact, at=now())
    html = noted(house, contact, "add_speaker", number=shop.number, capacity="SIGNATORY", own_number=house.olli.number)
    assert html.count("another customer was named as himself") == 2
    assert "<dd>substantial</dd>" in html
    assert "<dd>none</dd>" in html
    client, wanted = signed_in(house.agent_aino), "disclose_personal_data"
    assert "right to act" in client.get(ask(client, contact, wanted).headers["Location"]).content.decode()
    proves(contact, at=now())
    assert ask(client, contact, wanted).status_code == 200
    assert Grant.objects.filter(action=wanted, customer=shop.customer).exists()


def test_one_more_speaker_speaks_for_another(house: Cast) -> None:
    contact = house.call(at=now(), claims=house.antti)
    form = {"number": house.antti.number, "capacity": "SELF", "own_number": ""}
    assert signed_in(house.agent_aino).post(address("add_speaker", contact), form).status_code == 400
    assert len(claims_of_all(contact)) == 1


def test_nobody_joins_a_contact_in_which_too_many_were_named(house: Cast) -> None:
    contact = house.call(at=now())
    for step in range(3):
        noted(house, contact, number=number(7000000 + step), capacity="SELF")
    html = noted(
        house, contact, "add_speaker", number=number(7000009), capacity="MANDATE", own_number=house.antti.number
    )
    assert "Offer a visit instead" in html
    assert contact.speakers.count() == 1


def test_a_name_is_looked_up_only_for_ones_own_matter(house: Cast) -> None:
    contact = house.call(at=now())
    form = {"given_names": "Helena", "family_name": "Huoltaja", "capacity": "GUARDIAN"}
    assert signed_in(house.agent_aino).post(address("claim_name", contact), form).status_code == 400
    assert not Claim.objects.exists()


def test_the_api_notes_both_numbers_and_one_more_speaker(house: Cast) -> None:
    shop, api, contact = company(house, at=now()), Api(house, "agent_aino"), house.call(at=now())
    for own, more in ((house.sanna, False), (house.olli, True)):
        body = {
            "customer_number": shop.number, "capacity": "SIGNATORY", "own_number": own.number, "another_speaker": more,
        }  # fmt: skip
        assert api.post(f"interactions/{contact.public_id}/claim/", body).json()["noted"] is True
    assert [claim.person for claim in Claim.objects.order_by("pk")] == [house.sanna.customer, house.olli.customer]
    assert contact.speakers.count() == 2


@pytest.mark.parametrize(
    "wrong", [{"own_number": "x"}, {"capacity": "SELF", "own_number": "10000045"}, {"another_speaker": True}], ids=str
)
def test_the_api_refuses_a_claim_that_does_not_fit(house: Cast, wrong: dict[str, Any]) -> None:
    contact = house.call(at=now())
    body = {"customer_number": house.antti.number} | wrong
    is_problem(Api(house, "agent_aino").post(f"interactions/{contact.public_id}/claim/", body), 400, "malformed")
    assert not Claim.objects.exists()
