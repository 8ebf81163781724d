"""What was asked for before a hold doesn't slip through under it, and can be stopped for a day after it is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from tests.cast import NOW, Cast
from tests.test_mandates import gives_by_phone, uses
from tests.test_signals import proven
from verification import results, waiting
from verification.gate import Granted, Live, Refused, attempt
from verification.models import Authenticator, ContactChange, ContactVeto, Passkey
from verification.policy import current

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
DUE = NOW + current().veto_delay
NEW = "uusi@example.org"


def ask(cast: Cast, name: str, *, at: datetime, kind: str = "E_ID_SUBSTANTIAL", **parameters: Any) -> Granted:
    call = proven(cast, cast.antti, at=at, kind=kind)
    decided = attempt(name, origin=Live(call.public_id, cast.agent_aino), parameters=parameters, at=at)
    assert isinstance(decided, Granted), decided
    return decided


def stop(cast: Cast, name: str, *, at: datetime) -> None:
    """Have it stopped by somebody who proves nothing."""
    call = cast.call(at=at, claims=cast.antti)
    assert isinstance(attempt(name, origin=Live(call.public_id, None), parameters={}, at=at), Granted)


def email(cast: Cast, at: datetime) -> str:
    contact = cast.antti.customer.contact("EMAIL", at)
    return contact.value if contact else ""


@pytest.fixture
def asked(cast: Cast) -> Cast:
    """Give the cast after a login of Antti's changed his e-mail address: it is due at DUE."""
    ask(cast, "change_email", at=NOW, email=NEW)
    return cast


def test_a_changed_contact_waits_while_a_freeze_stands_and_a_day_longer(asked: Cast) -> None:
    ask(asked, "lasting_freeze", at=NOW + HOUR)
    undone = DUE + 30 * DAY
    assert email(asked, undone - HOUR) != NEW
    ask(asked, "undo_freeze", at=undone, kind="E_ID_HIGH")
    assert email(asked, undone + DAY - HOUR) != NEW
    assert email(asked, undone + DAY) == NEW


def test_without_a_hold_it_takes_effect_on_the_day_that_was_told(asked: Cast) -> None:
    assert email(asked, DUE - HOUR) != NEW
    assert email(asked, DUE) == NEW


def test_who_lifts_the_hold_hears_what_waits_and_stops_it_with_no_code(asked: Cast) -> None:
    ask(asked, "temporary_hold", at=DUE - HOUR)
    lifted = ask(asked, "lift_hold", at=DUE + HOUR, kind="E_ID_HIGH")  # a contact that is due makes us careful
    assert lifted.result["waiting"] == ["EMAIL"]
    with translation.override("en"):
        assert ("waits for a day more, and can be stopped", "e-mail") in results.lines(lifted.result)
    stop(asked, "veto_change", at=DUE + 2 * HOUR)
    assert email(asked, DUE + 9 * DAY) != NEW
    assert waiting.of(asked.antti.customer, DUE + 2 * HOUR) == []


def test_it_can_be_stopped_under_the_freeze_although_its_day_has_passed(asked: Cast) -> None:
    ask(asked, "lasting_freeze", at=NOW + HOUR)
    stop(asked, "veto_change", at=DUE + DAY)
    assert ContactVeto.objects.filter(change__value=NEW).exists()


def test_a_hold_that_was_over_in_time_keeps_nothing_back(asked: Cast) -> None:
    ask(asked, "temporary_hold", at=NOW + HOUR)
    ask(asked, "lift_hold", at=DUE - HOUR)
    assert email(asked, DUE) == NEW


def test_a_hold_takes_nothing_back_that_has_taken_effect(asked: Cast) -> None:
    ask(asked, "lasting_freeze", at=DUE + HOUR)
    assert email(asked, DUE + DAY) == NEW
    stop(asked, "veto_change", at=DUE + DAY)
    assert email(asked, DUE + DAY) == NEW


def test_a_hold_that_ran_out_by_itself_leaves_the_day_too(asked: Cast) -> None:
    ask(asked, "temporary_hold", at=DUE - HOUR)
    over = DUE - HOUR + current().hold
    assert email(asked, over + DAY - HOUR) != NEW
    assert email(asked, over + DAY) == NEW


def test_the_second_of_two_holds_in_a_row_keeps_it_back_as_the_first_did(asked: Cast) -> None:
    ask(asked, "temporary_hold", at=DUE - HOUR)
    first_over = DUE - HOUR + current().hold
    ask(asked, "temporary_hold", at=first_over + 20 * HOUR)
    second_over = first_over + 20 * HOUR + current().hold
    assert email(asked, first_over + DAY) != NEW
    assert email(asked, second_over + DAY - HOUR) != NEW
    assert email(asked, second_over + DAY) == NEW
    ask(asked, "lasting_freeze", at=second_over + 2 * DAY)
    assert email(asked, second_over + 9 * DAY) == NEW, "it was in effect before the third"


def test_a_passkey_and_a_code_app_wait_too_and_are_stopped(cast: Cast) -> None:
    call = proven(cast, cast.antti, at=NOW, kind="E_ID_HIGH")
    by_aino = Live(call.public_id, cast.agent_aino)
    assert isinstance(attempt("enrol_code_app", origin=by_aino, parameters={}, at=NOW), Granted)
    key = {"credential_id": "A" * 22, "public_key": "pQECAyYgASFYIAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
    assert isinstance(attempt("enrol_passkey", origin=Live(call.public_id, None), parameters=key, at=NOW), Granted)
    ask(cast, "lasting_freeze", at=NOW + HOUR)
    late = NOW + current().enrolment + DAY
    own = {"customer": cast.antti.customer, "effective_at": NOW + current().enrolment}
    assert not Passkey.objects.in_force(late).filter(**own).exists()
    assert not Authenticator.objects.in_force(late).filter(**own).exists()
    assert waiting.of(cast.antti.customer, late) == ["PASSKEY", "TOTP"]
    stop(cast, "stop_enrolment", at=late)
    assert waiting.of(cast.antti.customer, late) == []


def test_a_mandate_waits_too(cast: Cast) -> None:
    assert isinstance(gives_by_phone(cast), Granted)
    ask(cast, "temporary_hold", at=DUE - HOUR)
    lifted = ask(cast, "lift_hold", at=DUE + HOUR)
    assert lifted.result["waiting"] == ["MANDATE"]
    assert isinstance(uses(cast, DUE + 2 * HOUR), Refused)
    assert isinstance(uses(cast, DUE + HOUR + DAY), Granted)


def test_what_came_in_with_a_freeze_by_import_was_never_delayed(cast: Cast) -> None:
    frozen = cast.frozen.customer
    assert frozen.contact("PHONE", NOW) is not None
    assert Authenticator.objects.in_force(NOW).filter(customer=frozen).exists()


@pytest.mark.parametrize("what", [ContactChange, Authenticator, Passkey])
def test_what_is_in_force_is_asked_by_one_statement(cast: Cast, what: Any) -> None:
    with CaptureQueriesContext(connection) as asked:
        list(what.objects.in_force(NOW).filter(customer=0))
        list(what.objects.in_force(NOW).filter(customer=cast.antti.customer))
    assert len(asked) == 2
    assert asked[0]["sql"].split("WHERE")[0] == asked[1]["sql"].split("WHERE")[0]
