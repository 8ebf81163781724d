"""Who may act for whom: judged at every attempt, at its moment, from what is recorded and never from what is said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.actions_asked import VALID
from tests.cast import NOW, Cast, Person, number
from tests.representatives import at_desk, child, comes_in, company, joins, proves, right, says, speaks_for
from verification import authority, evidence, masking
from verification.gate import Granted, Live, OfProposal, Proposed, Refused, attempt
from verification.keypad import Typed
from verification.models import Interaction, Mandate, Refusal
from verification.preview import needs
from verification.reasons import Reason
from verification.scene import claims_of_all

HELSINKI = ZoneInfo("Europe/Helsinki")
MINUTE = timedelta(minutes=1)
ASKED = "disclose_personal_data"


def ask(cast: Cast, contact: Interaction, action: str = ASKED, *, at: datetime = NOW, **wanted: Any) -> Any:
    by = Interaction.objects.get(pk=contact.pk).served_by
    parameters = wanted or VALID[action]
    return attempt(action, origin=Live(contact.public_id, by), parameters=parameters, at=at)


def refused(decided: Any, reason: str = Reason.AUTHORITY) -> Refusal:
    assert isinstance(decided, Refused), decided
    assert decided.refusal.reason == reason
    assert decided.refusal.ways, "a refusal without a way forward is a defect"
    return decided.refusal


def in_own_matter(cast: Cast, who: Person, *, at: datetime = NOW) -> Interaction:
    call = cast.call(at=at, claims=who)
    proves(call, at=at)
    return call


# --- oneself --------------------------------------------------------------------------------------------------------


def test_a_grown_person_acts_in_his_own_matter(cast: Cast) -> None:
    assert isinstance(ask(cast, in_own_matter(cast, cast.antti)), Granted)


@pytest.mark.parametrize(
    ("born", "clock", "alone"),
    [
        (date(2008, 3, 12), datetime(2026, 3, 11, 23, 59, tzinfo=HELSINKI), False),
        (date(2008, 3, 12), datetime(2026, 3, 12, 0, 0, tzinfo=HELSINKI), True),
        (date(2008, 3, 12), datetime(2026, 3, 11, 22, 0, tzinfo=UTC), True),  # midnight at home, not yet in Greenwich
        (date(2008, 3, 12), datetime(2026, 3, 11, 21, 59, 59, tzinfo=UTC), False),
        (date(2008, 7, 12), datetime(2026, 7, 11, 21, 0, tzinfo=UTC), True),  # summer time: an hour earlier
        (date(2008, 7, 12), datetime(2026, 7, 11, 20, 59, 59, tzinfo=UTC), False),
        (date(2008, 2, 29), datetime(2026, 2, 28, 23, 59, tzinfo=HELSINKI), False),
        (date(2008, 2, 29), datetime(2026, 3, 1, 0, 0, tzinfo=HELSINKI), True),
    ],
)
def test_who_comes_of_age_acts_alone_from_the_first_minute_of_the_day_at_home(
    cast: Cast, born: date, clock: datetime, alone: bool
) -> None:
    young = child(cast, born=born.isoformat(), at=NOW - timedelta(days=60))
    assert authority.acts_alone(young.customer, clock.astimezone(UTC)) is alone
    decided = ask(cast, in_own_matter(cast, young, at=clock), at=clock)
    assert isinstance(decided, Granted) if alone else refused(decided)


def test_whoever_an_estate_acts_for_does_not_speak_himself(cast: Cast) -> None:
    dead = comes_in(cast, "Vainaja", "Veikko", right(cast.sanna, "ESTATE"))
    refused(ask(cast, in_own_matter(cast, dead)))
    assert isinstance(ask(cast, speaks_for(cast, dead, cast.sanna, "ESTATE")), Granted)


@pytest.mark.parametrize("capacity", ["GUARDIAN", "MANDATE", "SIGNATORY", "ESTATE"])
def test_nobody_represents_himself(cast: Cast, capacity: str) -> None:
    call = cast.call(at=NOW)
    says(call, cast, cast.antti, capacity=capacity, who=cast.antti)
    proves(call)
    refused(ask(cast, call))
    says(call, cast, cast.antti, capacity=capacity)  # and who doesn't say who he is represents nobody
    refused(ask(cast, call))


# --- a guardian -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "whose"), [(date(2026, 3, 11), "guardian"), (date(2026, 3, 12), "child"), (date(2026, 3, 13), "child")]
)
def test_a_guardian_acts_until_the_birthday_and_the_child_from_it(cast: Cast, day: date, whose: str) -> None:
    young = child(cast, right(cast.helena, "GUARDIAN"), born="2008-03-12", at=NOW - timedelta(days=60))
    noon = datetime(day.year, day.month, day.day, 12, 0, tzinfo=HELSINKI).astimezone(UTC)
    by_guardian = ask(cast, speaks_for(cast, young, cast.helena, "GUARDIAN", at=noon), at=noon)
    by_child = ask(cast, in_own_matter(cast, young, at=noon), at=noon)
    allowed, denied = (by_guardian, by_child) if whose == "guardian" else (by_child, by_guardian)
    assert isinstance(allowed, Granted), allowed
    refused(denied)


def test_a_guardian_given_by_a_court_acts_for_a_grown_ward_who_does_not_act_alone(cast: Cast) -> None:
    ward = comes_in(cast, "Huollettava", "Aikuinen", right(cast.helena, "GUARDIAN"), needs_guardian=True)
    assert isinstance(ask(cast, speaks_for(cast, ward, cast.helena, "GUARDIAN")), Granted)
    refused(ask(cast, in_own_matter(cast, ward)))
    refused(ask(cast, speaks_for(cast, ward, cast.antti, "GUARDIAN")))


def test_an_office_is_of_its_kind(cast: Cast) -> None:
    young = child(cast, right(cast.helena, "GUARDIAN"))
    refused(ask(cast, speaks_for(cast, young, cast.helena, "MANDATE")))
    refused(ask(cast, speaks_for(cast, young, cast.helena, "SIGNATORY")))
    wrong = comes_in(cast, "Henkilö", "Hanna", right(cast.sanna, "SIGNATORY"))
    refused(ask(cast, speaks_for(cast, wrong, cast.sanna, "SIGNATORY")))


def test_joint_guardians_act_when_both_are_heard_and_each_has_proven_himself(cast: Cast) -> None:
    both = {"group": "parents", "needed": 2}
    young = child(cast, right(cast.helena, "GUARDIAN", **both), right(cast.antti, "GUARDIAN", **both))
    call = speaks_for(cast, young, cast.helena, "GUARDIAN")
    refused(ask(cast, call))
    joins(call, cast, young, cast.antti, "GUARDIAN", kind="KEYPAD_TOTP")
    refused(ask(cast, call))
    proves(call)
    assert isinstance(ask(cast, call), Granted)


@pytest.mark.parametrize("second", ["helena", "sanna", "ward"])
def test_twice_the_same_and_a_stranger_are_not_two(cast: Cast, second: str) -> None:
    both = {"group": "parents", "needed": 2}
    young = child(cast, right(cast.helena, "GUARDIAN", **both), right(cast.antti, "GUARDIAN", **both))
    call = speaks_for(cast, young, cast.helena, "GUARDIAN")
    joins(call, cast, young, cast.people[second], "GUARDIAN")
    refused(ask(cast, call))


# --- a company ------------------------------------------------------------------------------------------------------


def test_a_company_speaks_by_its_signatory(cast: Cast) -> None:
    shop = company(cast, right(cast.sanna, "SIGNATORY"))
    refused(ask(cast, in_own_matter(cast, shop)))
    assert isinstance(ask(cast, speaks_for(cast, shop, cast.sanna, "SIGNATORY")), Granted)
    refused(ask(cast, speaks_for(cast, shop, cast.olli, "SIGNATORY")))


def test_a_second_signatory_whose_proof_has_aged_does_not_sign(cast: Cast) -> None:
    both = {"group": "board", "needed": 2}
    shop = company(cast, right(cast.sanna, "SIGNATORY", **both), right(cast.olli, "SIGNATORY", **both))
    call = speaks_for(cast, shop, cast.sanna, "SIGNATORY")
    joins(call, cast, shop, cast.olli, "SIGNATORY")
    later = NOW + 11 * MINUTE
    first = next(claim for claim in claims_of_all(call) if claim.person_id == cast.sanna.customer.pk)
    evidence.note(first, "E_ID_SUBSTANTIAL", at=later, by=None)
    refused(ask(cast, call, "change_address", at=later))
    assert isinstance(ask(cast, call, ASKED, at=later), Granted), "an action that asks for no fresh proof is done"


def test_one_may_sign_alone_while_two_others_sign_together(cast: Cast) -> None:
    both = {"group": "board", "needed": 2}
    shop = company(
        cast,
        right(cast.sanna, "SIGNATORY"),
        right(cast.olli, "SIGNATORY", **both),
        right(cast.antti, "SIGNATORY", **both),
    )
    assert isinstance(ask(cast, speaks_for(cast, shop, cast.sanna, "SIGNATORY")), Granted)
    call = speaks_for(cast, shop, cast.olli, "SIGNATORY")
    refused(ask(cast, call))
    joins(call, cast, shop, cast.antti, "SIGNATORY")
    assert isinstance(ask(cast, call), Granted)


# --- a mandate ------------------------------------------------------------------------------------------------------


def test_a_mandate_covers_what_it_names_and_no_more(cast: Cast) -> None:
    giver = comes_in(cast, "Antaja", "Anu", right(cast.helena, "MANDATE", actions=["change_address"]))
    call = speaks_for(cast, giver, cast.helena, "MANDATE")
    assert isinstance(ask(cast, call, "change_address"), Granted)
    refused(ask(cast, call, ASKED))
    assert isinstance(ask(cast, in_own_matter(cast, giver)), Granted), "who gives a mandate keeps his own voice"


@pytest.mark.parametrize(("amount", "covered"), [(2999, True), (3000, True), (3001, False)])
def test_a_mandate_is_bounded_by_its_sum(cast: Cast, amount: int, covered: bool) -> None:
    given = right(cast.helena, "MANDATE", actions=["refund_to_account"], most=3000)
    giver = comes_in(cast, "Antaja", "Anu", given)
    call = speaks_for(cast, giver, cast.helena, "MANDATE")
    decided = ask(cast, call, "refund_to_account", amount=amount, reason="paid twice")
    assert isinstance(decided, Granted) if covered else refused(decided)


def test_a_mandate_runs_to_the_end_of_its_last_day_at_home(cast: Cast) -> None:
    given = right(cast.helena, "MANDATE", actions=[ASKED], until="2026-03-12")
    giver = comes_in(cast, "Antaja", "Anu", given)
    last = datetime(2026, 3, 12, 23, 59, 59, tzinfo=HELSINKI).astimezone(UTC)
    assert isinstance(ask(cast, speaks_for(cast, giver, cast.helena, "MANDATE", at=last), at=last), Granted)
    after = last + timedelta(seconds=1)
    refused(ask(cast, speaks_for(cast, giver, cast.helena, "MANDATE", at=after), at=after))
    before = NOW - MINUTE
    refused(ask(cast, speaks_for(cast, giver, cast.helena, "MANDATE", at=before), at=before))


def test_a_mandate_reaches_no_further_than_whom_it_names(cast: Cast) -> None:
    middle = comes_in(cast, "Välimies", "Väinö", right(cast.helena, "MANDATE", actions=[ASKED]))
    giver = comes_in(cast, "Antaja", "Anu", right(middle, "MANDATE", actions=[ASKED]))
    assert isinstance(ask(cast, speaks_for(cast, giver, middle, "MANDATE")), Granted)
    refused(ask(cast, speaks_for(cast, giver, cast.helena, "MANDATE")))


@pytest.mark.parametrize("who", ["ward", "company", "child"])
def test_who_does_not_decide_his_own_matters_is_made_nobodys_representative(cast: Cast, who: str) -> None:
    unfit = child(cast) if who == "child" else cast.people[who]
    with pytest.raises(AssertionError, match="Refused"):
        comes_in(cast, "Antaja", "Anu", right(unfit, "MANDATE", actions=[ASKED]))
    assert not Mandate.objects.exists()


# --- what shows -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["", "KEYPAD_TOTP", "E_ID_SUBSTANTIAL", "E_ID_HIGH"])
def test_nobody_and_one_who_gave_no_mandate_are_told_apart_by_nothing(cast: Cast, level: str) -> None:
    told = []
    for whom in (cast.antti2.number, number(7654321), cast.frozen.number, cast.moved.number, cast.ward.number):
        call = cast.call(at=NOW)
        says(call, cast, whom, capacity="MANDATE", who=cast.helena)
        if level:
            proves(call, kind=level)
        refusals = [ask(cast, call, action).refusal for action in ("tell_case_state", "refund_to_account", "lift_hold")]
        seen = masking.open_record(call.public_id, by=cast.agent_aino, at=NOW)
        ready = [(one.action.name, one.missing) for one in needs(call, by=cast.agent_aino, at=NOW)]
        words = [(one.reason, one.held, one.required, one.ways, one.said) for one in refusals]
        told.append((words, seen, ready))
    assert all(one == told[0] for one in told)
    assert told[0][1] == {}
    reasons = {word[0] for word in told[0][0]}
    assert Reason.AUTHORITY in reasons if level.startswith("E_ID") else reasons <= {Reason.LEVEL, Reason.AUTHORITY}


def test_who_may_act_sees_what_his_level_shows(cast: Cast) -> None:
    young = child(cast, right(cast.helena, "GUARDIAN"))
    call = speaks_for(cast, young, cast.helena, "GUARDIAN", kind="KEYPAD_TOTP")
    assert set(masking.open_record(call.public_id, by=cast.agent_aino, at=NOW).values()) != set()
    nothing = speaks_for(cast, young, cast.antti, "GUARDIAN", kind="KEYPAD_TOTP")
    assert masking.open_record(nothing.public_id, by=cast.agent_aino, at=NOW) == {}


@pytest.mark.parametrize("whose", ["principal", "representative"])
def test_whose_name_is_held_does_nothing_and_has_nothing_done(cast: Cast, whose: str) -> None:
    young = child(cast, right(cast.helena, "GUARDIAN"))
    worried = young if whose == "principal" else cast.helena
    assert isinstance(ask(cast, cast.call(at=NOW, claims=worried), "temporary_hold"), Granted)
    refused(ask(cast, speaks_for(cast, young, cast.helena, "GUARDIAN")), Reason.HOLD)


def test_nobody_serves_a_representative_of_his_own_family(cast: Cast) -> None:
    young = child(cast, right(cast.helena, "GUARDIAN"))
    call = speaks_for(cast, young, cast.helena, "GUARDIAN")
    cast.agent_aino.kin.add(cast.helena.customer)
    refused(ask(cast, call), Reason.OWN_MATTER)


# --- whose proof ----------------------------------------------------------------------------------------------------


def test_the_principals_codes_prove_nothing_of_the_representative_nor_his_of_the_principal(cast: Cast) -> None:
    young = child(cast, right(cast.helena, "GUARDIAN"))
    shop = company(cast, right(cast.sanna, "SIGNATORY"))
    for whom, who, capacity in ((young, cast.helena, "GUARDIAN"), (shop, cast.sanna, "SIGNATORY")):
        call = speaks_for(cast, whom, who, capacity, kind="")
        assert cast.type_code(call, whom, at=NOW) is Typed.WRONG
        refused(ask(cast, call, "tell_case_state"), Reason.LEVEL)
        assert cast.type_code(call, who, at=NOW) is Typed.MATCHED
        assert isinstance(ask(cast, call, "tell_case_state"), Granted)
        himself = cast.call(at=NOW, claims=whom)
        assert cast.type_code(himself, who, at=NOW) is Typed.WRONG


def test_the_desk_proves_who_stands_there_and_his_right_is_judged_besides(cast: Cast) -> None:
    young = child(cast, right(cast.helena, "GUARDIAN"))
    desk = at_desk(cast, young, cast.helena, "GUARDIAN")
    assert isinstance(ask(cast, desk), Granted)
    refused(ask(cast, at_desk(cast, young, cast.antti, "GUARDIAN")))


# --- proposals ------------------------------------------------------------------------------------------------------

LARGE = {"amount": 5_000_000, "reason": "paid twice in May"}


def decide(cast: Cast, proposed: Proposed, at: datetime = NOW + MINUTE) -> Any:
    origin = OfProposal(proposed.proposal.public_id, cast.supervisor)
    return attempt("refund_to_account", origin=origin, parameters={}, at=at)


def test_the_right_is_asked_again_when_a_proposal_is_decided(cast: Cast) -> None:
    given = right(cast.helena, "MANDATE", actions=["refund_to_account"], until="2026-03-11")
    giver = comes_in(cast, "Antaja", "Anu", given)
    proposed = ask(cast, speaks_for(cast, giver, cast.helena, "MANDATE"), "refund_to_account", **LARGE)
    assert isinstance(proposed, Proposed), proposed
    refused(decide(cast, proposed, NOW + timedelta(hours=13)))
    assert isinstance(decide(cast, proposed), Granted)


def test_a_mandate_taken_back_between_the_proposal_and_its_approval_gives_nothing(cast: Cast) -> None:
    giver = comes_in(cast, "Antaja", "Anu", right(cast.helena, "MANDATE", actions=["refund_to_account"]))
    proposed = ask(cast, speaks_for(cast, giver, cast.helena, "MANDATE"), "refund_to_account", **LARGE)
    ended = ask(cast, in_own_matter(cast, giver), "end_mandate", representative=cast.helena.number)
    assert ended.result == {"ended": 1}
    refused(decide(cast, proposed))


def test_two_sign_a_proposal_and_nobody_joins_it_afterwards(cast: Cast) -> None:
    three = {"group": "board", "needed": 2}
    shop = company(cast, *(right(who, "SIGNATORY", **three) for who in (cast.sanna, cast.olli, cast.antti)))
    call = speaks_for(cast, shop, cast.sanna, "SIGNATORY")
    joins(call, cast, shop, cast.olli, "SIGNATORY")
    kept, shaken = (ask(cast, call, "refund_to_account", amount=5_000_000 + more, reason="twice") for more in (0, 1))
    assert isinstance(decide(cast, kept), Granted)
    olli = at_desk(cast, shop, cast.olli, "SIGNATORY", high=False)
    assert ask(cast, olli, "end_mandate", representative=cast.olli.number).result == {"ended": 1}
    joins(call, cast, shop, cast.antti, "SIGNATORY", at=NOW + MINUTE)
    refused(decide(cast, shaken, NOW + 2 * MINUTE))


# --- whatever is recorded and said ----------------------------------------------------------------------------------

WHO = ("helena", "antti", "sanna", "ward", "company")
rights = st.lists(
    st.tuples(
        st.sampled_from(WHO[:3]),
        st.sampled_from(["MANDATE", "GUARDIAN", "SIGNATORY", "ESTATE"]),
        st.sampled_from([["change_address"], [ASKED], ["refund_to_account", ASKED]]),
        st.sampled_from([None, 1000, 10_000]),
        st.sampled_from([None, "2026-03-11", "2026-03-20"]),
        st.sampled_from([1, 2]),
    ),
    max_size=4,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    recorded=rights,
    who=st.sampled_from(WHO),
    capacity=st.sampled_from(["MANDATE", "GUARDIAN", "SIGNATORY", "ESTATE"]),
    asked=st.sampled_from([(ASKED, {}), ("refund_to_account", {"amount": 4500, "reason": "paid twice"})]),
    kind=st.sampled_from(["child", "company"]),
    days=st.sampled_from([0, 1, 15]),
)
def test_authority_is_never_given_without_a_matching_right_in_force(
    cast: Cast, recorded: Any, who: str, capacity: str, asked: Any, kind: str, days: int
) -> None:
    rows = [
        right(cast.people[whom], of, actions=actions, most=most, until=until, needed=needed, group=f"{of}{needed}")
        for whom, of, actions, most, until, needed in recorded
    ]
    rows = [row for row in rows if kind == "child" or row["kind"] != "GUARDIAN"]  # an import refuses what can't be
    principal = (child if kind == "child" else company)(cast, *rows)
    at, (action, wanted) = NOW + timedelta(days=days), asked
    decided = ask(cast, speaks_for(cast, principal, cast.people[who], capacity, at=at), action, at=at, **wanted)
    fits = {"GUARDIAN": kind == "child", "SIGNATORY": kind == "company", "ESTATE": kind == "child", "MANDATE": True}
    dead = kind == "child" and any(of == "ESTATE" and _runs(until, days) for _who, of, _a, _m, until, _n in recorded)
    gives = [
        row
        for row in recorded
        if row[:2] == (who, capacity) and action in row[2] and (not wanted or row[3] is None or row[3] >= 4500)
        and _runs(row[4], days) and row[5] == 1 and fits[capacity] and not (capacity == "MANDATE" and dead)
    ]  # fmt: skip
    assert isinstance(decided, Granted) == bool(gives), (decided, gives)


def _runs(until: str | None, days: int) -> bool:
    return until is None or date(2026, 3, 11) + timedelta(days=days) <= date.fromisoformat(until)
