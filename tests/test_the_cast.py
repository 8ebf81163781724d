"""The cast stands as it says of itself: other tests lean on these relations."""

from tests.cast import NOW, Cast, wrong
from verification.gate import Granted, Live, Refused, attempt
from verification.keypad import Typed
from verification.masking import standing
from verification.models import Customer, Hold


def test_three_customers_bear_one_name(cast: Cast) -> None:
    assert Customer.objects.filter(family_name="Asiakas", given_names="Antti").count() == 3
    assert not cast.antti3.customer.authenticators.exists()


def test_a_code_of_the_app_or_of_the_list_gives_low(cast: Cast) -> None:
    for person in (cast.antti, cast.antti2):
        call = cast.call(at=NOW, claims=person, level="LOW")
        assert standing(call, NOW)[1].level.name == "LOW"


def test_a_wrong_code_and_no_authenticator_come_to_the_same(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    assert cast.type_code(call, cast.antti, at=NOW, code=wrong(cast.antti.app_code(NOW))) is Typed.WRONG
    assert cast.type_code(cast.call(at=NOW, claims=cast.antti3), cast.antti3, at=NOW) is Typed.WRONG


def test_papers_and_a_second_clerk_give_high(cast: Cast) -> None:
    desk = cast.desk(at=NOW, claims=cast.antti3)
    decided = attempt("disclose_personal_data", origin=Live(desk.public_id, cast.clerk_kalle), parameters={}, at=NOW)
    assert isinstance(decided, Granted)
    assert decided.result["record"]["name"] == "Antti Asiakas"


def test_the_frozen_the_ward_and_the_company_are_known_as_such(cast: Cast) -> None:
    assert Hold.objects.in_force(NOW).get().customer == cast.frozen.customer
    for person in (cast.ward, cast.company):
        call = cast.call(at=NOW, claims=person, level="LOW")
        decided = attempt("tell_case_state", origin=Live(call.public_id, cast.agent_aino), parameters={}, at=NOW)
        assert isinstance(decided, Refused)
        assert decided.refusal.reason == "AUTHORITY"


def test_a_number_changed_yesterday_is_in_quarantine(cast: Cast) -> None:
    phone = cast.moved.customer.contact("PHONE", NOW)
    assert phone.value == "+358449999999"
    assert phone.quarantined_until > NOW


def test_the_cast_can_be_asked_for_by_name(cast: Cast) -> None:
    assert cast.agent_aino.role == "AGENT"
    assert len(cast.staff_code("agent_aino")) == 6
    assert all(person.seasoned(NOW) for person in cast.staff.values())
