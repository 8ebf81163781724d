"""What is promised for a few hours is promised for hours in which somebody is here."""

from datetime import UTC, datetime, timedelta

import pytest

from cases.promises import due


def helsinki_winter(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC) - timedelta(hours=2)


@pytest.mark.parametrize(
    ("asked", "promised"),
    [
        (helsinki_winter(23, 9), helsinki_winter(23, 13)),  # a Monday morning
        (helsinki_winter(23, 16), helsinki_winter(24, 10)),  # two hours today, two tomorrow
        (helsinki_winter(22, 10), helsinki_winter(23, 12)),  # a Sunday
        (helsinki_winter(27, 17), helsinki_winter(30, 11)),  # a Friday evening, over the weekend
        (helsinki_winter(23, 3), helsinki_winter(23, 12)),  # before anybody is here
        (helsinki_winter(4, 17, month=12), helsinki_winter(7, 11, month=12)),  # Independence Day is a Sunday in 2026
        (helsinki_winter(23, 17, month=12), helsinki_winter(28, 11, month=12)),  # over Christmas, Eve included
    ],
)
def test_the_hours_are_counted_while_we_are_open(asked: datetime, promised: datetime) -> None:
    assert due(asked) == promised


def test_a_promise_over_the_change_of_clocks_keeps_its_hours() -> None:
    friday = datetime(
        2026, 3, 27, 15, 0, tzinfo=UTC
    )  # 17 in Helsinki, an hour before closing; clocks go forward on Sunday
    assert due(friday) == datetime(2026, 3, 30, 8, 0, tzinfo=UTC)  # 11 in Helsinki's summer time
