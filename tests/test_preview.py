"""What an agent is told of an action before he asks: what is missing still, and no false hope."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation

from tests.actions_asked import VALID, approved_by_customer
from tests.cast import NOW, Cast
from tests.test_eid_configuration import BANK
from verification import prompts
from verification.gate import Granted, Live, Refused, attempt
from verification.models import Evidence, Interaction
from verification.preview import Prospect, needs
from verification.reasons import Reason

pytestmark = pytest.mark.django_db
GOODS = "goods_to_new_address"


def of(contact: Interaction, cast: Cast, action: str = GOODS, minutes: int = 0) -> Prospect:
    found = needs(contact, by=cast.clerk_kalle, at=NOW + timedelta(minutes=minutes))
    return next(each for each in found if each.action.name == action)


def test_a_linked_action_is_not_ready_before_he_approved_it(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    assert of(desk, cast).missing is Reason.NOT_APPROVED
    with translation.override("en"):
        assert of(desk, cast).text == "Still needs: the customer's own approval of exactly what will be done."
    assert of(desk, cast, "disclose_personal_data").ready, "what is not linked needs no approval"


def test_once_he_approved_it_it_is_ready_and_only_as_long_as_that_counts(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti)
    origin = Live(desk.public_id, cast.clerk_kalle)
    asked = attempt(GOODS, origin=origin, parameters=VALID[GOODS], at=NOW)
    assert isinstance(asked, Refused)
    assert asked.refusal.reason == Reason.NOT_APPROVED
    approved_by_customer(desk, GOODS, at=NOW)
    assert of(desk, cast).ready
    assert of(desk, cast, "data_subject_export").missing is Reason.NOT_APPROVED, "another matter was approved"
    assert not of(desk, cast, minutes=31).ready
    assert isinstance(attempt(GOODS, origin=origin, parameters=VALID[GOODS], at=NOW), Granted)


def test_what_a_prompt_asked_for_counts_too(cast: Cast, settings: Any) -> None:
    settings.E_ID_BROKERS = json.dumps([BANK])
    call = cast.call(at=NOW, claims=cast.antti, by="clerk_kalle")
    prompt = prompts.ask(
        call.public_id, road="LINK", action=GOODS, parameters=VALID[GOODS], by=cast.clerk_kalle, at=NOW
    )
    Evidence.objects.create(
        claim=prompt.claim, kind="E_ID_SUBSTANTIAL", observed_at=NOW, prompt=prompt, approves=prompt.parameters_hash
    )
    assert of(call, cast).ready


def test_below_its_level_the_level_is_what_is_told(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti, level="LOW", by="clerk_kalle")
    assert of(call, cast).missing is Reason.LEVEL
