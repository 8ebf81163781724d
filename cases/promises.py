"""When we have promised to be back: counted in the hours in which somebody is here, holidays left out."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from visits.hours import OfficeHours, WeeklyHours, open_intervals

ZONE = ZoneInfo("Europe/Helsinki")
SERVICE = OfficeHours(weekly=tuple(WeeklyHours(weekday, time(8), time(18)) for weekday in range(5)))
CALL_BACK_WITHIN = timedelta(hours=4)
LOOK_AHEAD_DAYS = 30  # longer than any run of holidays


def due(at: datetime, within: timedelta = CALL_BACK_WITHIN) -> datetime:
    """Return the moment when `within` of service hours have passed since `at`, in UTC.

    A promise made on a Friday evening for four hours is due on Monday at noon.
    """
    left = within
    first = at.astimezone(ZONE).date()
    for ahead in range(LOOK_AHEAD_DAYS):
        for opens, closes in open_intervals(SERVICE, first + timedelta(days=ahead), ZONE):
            begins = max(opens, at)
            if begins >= closes:
                continue
            if closes - begins >= left:
                return begins + left
            left -= closes - begins
    raise LookupError(f"no service hours within {LOOK_AHEAD_DAYS} days")
