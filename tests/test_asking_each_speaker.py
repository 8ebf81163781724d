"""Several who are heard in one call: the agent names whom she asks, and what he proves is his alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from tests.api_client import Api
from tests.asked_by_link import ADDRESS, ready, with_e_id
from tests.cast import Cast, Person
from tests.provider import Provider
from tests.representatives import child, right, says
from tests.staff_browser import address, gathered, now, signed_in
from verification import masking, prompts
from verification.claims import join_and_claim
from verification.gate import Granted, Live, Refused, attempt
from verification.levels import Level
from verification.models import Interaction, Prompt
from verification.scene import claims_of_all

BOTH = {"group": "parents", "needed": 2}


@pytest.fixture
def cast(db: None, provider: Provider) -> Cast:
    made = gathered()
    with_e_id(made, now())
    return made


@pytest.fixture
def young(cast: Cast) -> Person:
    rights = (right(who, "GUARDIAN", **BOTH) for who in (cast.anna, cast.bea))
    return child(cast, *rights, born="2020-05-14", at=now())


@pytest.fixture
def call(cast: Cast, young: Person) -> Interaction:
    """Two guardians on one loudspeaker: Anna is the first, Bea the second."""
    opened = cast.call(at=now())
    says(opened, cast, young, who=cast.anna, at=now())
    join_and_claim(
        opened.public_id, young.number, capacity="GUARDIAN", own_number=cast.bea.number, by=cast.agent_aino, at=now()
    )
    return opened


def levels(call: Interaction) -> list[Level]:
    return [masking.held_by(claim, call, now()).level for claim in claims_of_all(call)]


def speakers(call: Interaction) -> list[str]:
    return [str(each.public_id) for each in call.speakers.order_by("pk")]


def proves(cast: Cast, call: Interaction, provider: Provider, who: str) -> None:
    """Let the one who was asked last open his link and log in."""
    prompt = Prompt.objects.filter(interaction=call).latest("pk")
    prompts.send_link(prompt.pk, at=now())
    provider.next(sub=who)
    ready(cast, prompt, who).logs_in(provider)


def test_each_is_asked_by_name_and_only_both_together_may(cast: Cast, call: Interaction, provider: Provider) -> None:
    agent, page = signed_in(cast.agent_aino), address("interaction", call)
    assert 'name="speaker"' in agent.get(page).content.decode()
    agent.post(address("prompt", call), {"speaker": speakers(call)[1]})
    proves(cast, call, provider, "bea")
    assert levels(call) == [Level.NONE, Level.SUBSTANTIAL]
    agent.post(address("prompt", call), {"speaker": speakers(call)[0]})
    assert "Asked is speaker" in agent.get(page).content.decode()
    origin = Live(call.public_id, cast.agent_aino)
    assert isinstance(attempt("change_address", origin=origin, parameters=ADDRESS, at=now()), Refused)
    proves(cast, call, provider, "anna")
    assert min(levels(call)) > Level.LOW
    assert isinstance(attempt("change_address", origin=origin, parameters=ADDRESS, at=now()), Granted)


def test_the_seconds_login_at_the_firsts_link_is_another_persons(
    cast: Cast, call: Interaction, provider: Provider
) -> None:
    signed_in(cast.agent_aino).post(address("prompt", call), {})
    prompt = Prompt.objects.get(interaction=call)
    assert str(prompt.claim.speaker.public_id) == speakers(call)[0]
    prompts.send_link(prompt.pk, at=now())
    provider.next(sub="bea")
    ready(cast, prompt, "anna").logs_in(provider)
    assert levels(call) == [Level.NONE, Level.NONE]
    assert prompt.__class__.objects.get(pk=prompt.pk).end.reason == "OTHER_PERSON"


def test_what_one_approves_is_shown_to_be_his_and_can_be_gone_on_with(
    cast: Cast, call: Interaction, provider: Provider
) -> None:
    agent = signed_in(cast.agent_aino)
    asked = {"for_action": "change_address", "speaker": speakers(call)[1], **ADDRESS}
    agent.post(address("prompt", call), asked)
    proves(cast, call, provider, "bea")
    assert 'id="go-on"' in agent.get(address("interaction", call)).content.decode()


def test_a_speaker_of_another_contact_is_not_asked_here(cast: Cast, call: Interaction) -> None:
    other = cast.call(at=now(), claims=cast.antti)
    agent = signed_in(cast.agent_aino)
    for named in (speakers(other)[0], "nonsense"):
        agent.post(address("prompt", call), {"speaker": named})
    assert not Prompt.objects.exists()


def test_one_alone_is_asked_without_a_choice(cast: Cast) -> None:
    alone = cast.call(at=now(), claims=cast.anna)
    assert 'name="speaker"' not in signed_in(cast.agent_aino).get(address("interaction", alone)).content.decode()
    assert reverse("admin:prompt", args=[alone.public_id])


def test_the_api_tells_who_claimed_and_asks_him(cast: Cast, young: Person) -> None:
    opened, api = cast.call(at=now()), Api(cast, "agent_aino")
    claimed: dict[str, Any] = {"customer_number": young.number, "capacity": "GUARDIAN"}
    at = f"interactions/{opened.public_id}"
    first = api.post(f"{at}/claim/", claimed | {"own_number": cast.anna.number}).json()
    second = api.post(f"{at}/claim/", claimed | {"own_number": cast.bea.number, "another_speaker": True}).json()
    assert [first["speaker"], second["speaker"]] == speakers(opened)
    made = api.post(f"{at}/prompts/", {"road": "LINK", "speaker": second["speaker"]})
    assert made.status_code == 201
    assert Prompt.objects.get(interaction=opened).claim.person == cast.bea.customer
