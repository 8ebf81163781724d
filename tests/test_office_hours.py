"""When an office is open, and which of its hours are worth travelling for."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visits.calendars import UnknownCalendar, holiday_name
from visits.hours import (
    Ability,
    AbilityHours,
    ExceptionalDay,
    OfficeAbilities,
    OfficeHours,
    Span,
    WeeklyHours,
    abilities_at,
    open_intervals,
    reachable,
    reachable_slots,
    slots,
)

HELSINKI = ZoneInfo("Europe/Helsinki")
NINE_TO_FOUR = tuple(WeeklyHours(weekday, time(9), time(16)) for weekday in range(5))
EVERY_DAY = tuple(WeeklyHours(weekday, time(9), time(16)) for weekday in range(7))
OFFICE = OfficeHours(weekly=NINE_TO_FOUR, lunch=(Span(time(11), time(12)),))
MONDAY = date(2026, 11, 23)


def utc(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)


def opened(office: OfficeHours, day: date) -> list[tuple[datetime, datetime]]:
    return open_intervals(office, day, HELSINKI)


def night_office(opens: time, closes: time) -> OfficeHours:
    return OfficeHours(weekly=(WeeklyHours(6, opens, closes),))


def test_an_ordinary_day_has_two_stretches_around_lunch():
    assert opened(OFFICE, MONDAY) == [
        (utc(2026, 11, 23, 7), utc(2026, 11, 23, 9)),
        (utc(2026, 11, 23, 10), utc(2026, 11, 23, 14)),
    ]


def test_a_day_without_hours_is_closed():
    assert opened(OFFICE, date(2026, 11, 28)) == []


@pytest.mark.parametrize(
    "day",
    [date(2026, 6, 19), date(2026, 6, 20), date(2026, 12, 6), date(2026, 12, 24), date(2027, 1, 6), date(2027, 5, 6)],
    ids=["midsummer eve", "midsummer day", "independence day", "christmas eve", "epiphany", "ascension day"],
)
def test_public_holidays_are_closed_even_where_every_weekday_is_open(day):
    assert holiday_name(day, country="FI")
    assert opened(OfficeHours(weekly=EVERY_DAY), day) == []


def test_the_days_beside_a_holiday_are_open():
    assert opened(OfficeHours(weekly=EVERY_DAY), date(2026, 6, 18))
    assert opened(OfficeHours(weekly=EVERY_DAY), date(2026, 12, 7))


def test_an_exception_beats_week_and_holiday_both_ways():
    office = OfficeHours(
        weekly=NINE_TO_FOUR,
        exceptions=(
            ExceptionalDay(MONDAY, reason="the staff's training day"),
            ExceptionalDay(date(2026, 12, 6), (Span(time(10), time(12)),), "open house"),
        ),
    )
    assert opened(office, MONDAY) == []
    assert opened(office, date(2026, 12, 6)) == [(utc(2026, 12, 6, 8), utc(2026, 12, 6, 10))]


def test_the_day_the_clocks_go_forward_keeps_the_wall_clock():
    office = OfficeHours(weekly=EVERY_DAY)
    assert opened(office, date(2026, 3, 28))[0][0] == utc(2026, 3, 28, 7)
    assert opened(office, date(2026, 3, 29))[0] == (utc(2026, 3, 29, 6), utc(2026, 3, 29, 13))


def test_the_day_the_clocks_go_back_keeps_the_wall_clock():
    office = OfficeHours(weekly=EVERY_DAY)
    assert opened(office, date(2026, 10, 24))[0][0] == utc(2026, 10, 24, 6)
    assert opened(office, date(2026, 10, 25))[0] == (utc(2026, 10, 25, 7), utc(2026, 10, 25, 14))


def test_an_hour_that_does_not_exist_is_never_open():
    assert opened(night_office(time(3, 15), time(3, 45)), date(2026, 3, 29)) == []


def test_an_hour_that_comes_twice_opens_late_and_closes_early():
    assert opened(night_office(time(3, 30), time(6)), date(2026, 10, 25)) == [
        (utc(2026, 10, 25, 1, 30), utc(2026, 10, 25, 4))
    ]
    assert opened(night_office(time(1), time(3, 30)), date(2026, 10, 25)) == [
        (utc(2026, 10, 24, 22), utc(2026, 10, 25, 0, 30))
    ]


def test_slots_are_whole_and_lie_between_now_and_closing():
    found = list(slots(OFFICE, from_at=utc(2026, 11, 23, 7, 1), days=1, length_minutes=45, tz=HELSINKI))
    assert found == [
        utc(2026, 11, 23, 7, 45),
        utc(2026, 11, 23, 10),
        utc(2026, 11, 23, 10, 45),
        utc(2026, 11, 23, 11, 30),
        utc(2026, 11, 23, 12, 15),
        utc(2026, 11, 23, 13),
    ]


def test_days_are_counted_by_the_offices_clock():
    late_on_sunday_in_utc = utc(2026, 11, 22, 22, 30)
    found = list(slots(OFFICE, from_at=late_on_sunday_in_utc, days=1, length_minutes=60, tz=HELSINKI))
    assert found[0] == utc(2026, 11, 23, 7)


def test_overlapping_hours_offer_no_slot_twice():
    office = OfficeHours(weekly=(WeeklyHours(0, time(9), time(12)), WeeklyHours(0, time(11), time(13))))
    assert opened(office, MONDAY) == [(utc(2026, 11, 23, 7), utc(2026, 11, 23, 11))]


def test_abilities_hold_for_the_whole_slot():
    office = OfficeHours(
        weekly=NINE_TO_FOUR,
        abilities=(
            AbilityHours(0, time(9), time(10, 30), Ability.SECOND_CLERK),
            AbilityHours(0, time(9), time(16), Ability.CHIP),
        ),
    )
    at_nine, at_ten = (abilities_at(office, utc(2026, 11, 23, hour), length_minutes=60, tz=HELSINKI) for hour in (7, 8))
    assert at_nine == OfficeAbilities(second_clerk=True, chip=True)
    assert at_ten == OfficeAbilities(second_clerk=False, chip=True)


@pytest.mark.parametrize(
    ("abilities", "ahead", "expected"),
    [
        (OfficeAbilities(), timedelta(hours=24), False),
        (OfficeAbilities(), timedelta(hours=24, seconds=1), True),
        (OfficeAbilities(second_clerk=True), timedelta(minutes=5), True),
        (OfficeAbilities(chip=True), timedelta(minutes=5), True),
    ],
)
def test_a_slot_is_worth_it_with_an_able_desk_or_a_code_that_could_be_vetoed(abilities, ahead, expected):
    booked_at = utc(2026, 11, 23, 7)
    assert reachable(booked_at + ahead, abilities, booked_at) is expected


def test_a_day_across_the_clock_change_has_23_hours_and_is_too_short_for_the_code():
    booked_at = datetime(2026, 3, 28, 12, tzinfo=HELSINKI)
    assert not reachable(datetime(2026, 3, 29, 12, tzinfo=HELSINKI).astimezone(UTC), OfficeAbilities(), booked_at)


def test_only_reachable_slots_are_offered_first_those_with_a_second_clerk():
    office = OfficeHours(weekly=NINE_TO_FOUR, abilities=(AbilityHours(0, time(14), time(16), Ability.SECOND_CLERK),))
    booked_at = utc(2026, 11, 23, 6)
    offered = list(reachable_slots(office, booked_at=booked_at, days=2, length_minutes=60, tz=HELSINKI))
    assert [slot for slot, _ in offered][:3] == [
        utc(2026, 11, 23, 12),
        utc(2026, 11, 23, 13),
        utc(2026, 11, 24, 7),
    ]
    assert offered[0][1].second_clerk
    assert not offered[2][1].second_clerk


@given(
    day=st.dates(date(2024, 1, 1), date(2030, 12, 31)),
    edges=st.lists(st.times(), min_size=4, max_size=4, unique=True),
    lunch=st.lists(st.times(), min_size=2, max_size=2, unique=True),
)
def test_open_moments_are_inside_the_stated_hours_and_outside_lunch(day, edges, lunch):
    one, two, three, four = (edge.replace(second=0, microsecond=0) for edge in sorted(edges))
    pause = sorted(edge.replace(second=0, microsecond=0) for edge in lunch)
    if one == two or three == four or pause[0] == pause[1]:
        return
    stated = [(one, three), (two, four)] if two < four else [(one, three)]
    office = OfficeHours(
        weekly=tuple(WeeklyHours(day.weekday(), opens, closes) for opens, closes in stated),
        lunch=(Span(*pause),),
        country="FI",
    )
    intervals = opened(office, day)
    assert intervals == sorted(intervals)
    for start, end in intervals:
        middle = (start + (end - start) / 2).astimezone(HELSINKI)
        assert any(opens <= middle.time() < closes for opens, closes in stated)
        assert not pause[0] <= middle.time() < pause[1]
        assert holiday_name(day, country="FI") is None


def test_hours_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="ends before it begins"):
        WeeklyHours(0, time(16), time(9))
    with pytest.raises(ValueError, match="no weekday"):
        WeeklyHours(7, time(9), time(16))
    with pytest.raises(ValueError, match="two exceptions"):
        OfficeHours(weekly=(), exceptions=(ExceptionalDay(MONDAY), ExceptionalDay(MONDAY)))
    with pytest.raises(ValueError, match="at least a minute"):
        list(slots(OFFICE, from_at=utc(2026, 11, 23), days=1, length_minutes=0, tz=HELSINKI))
    with pytest.raises(UnknownCalendar):
        OfficeHours(weekly=(), country="QQ")
