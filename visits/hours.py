"""When an office is open, and when the desk there can really get somebody to HIGH.

Wall-clock times belong to the office's zone; every moment given back is UTC.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from visits.calendars import holiday_name, public_holidays

CODE_MUST_BE_OLDER_THAN = timedelta(hours=24)
"""A visit code counts at the desk only when it was sent longer ago than this, so that its owner could veto."""


class Ability(StrEnum):
    SECOND_CLERK = "second_clerk"
    CHIP = "chip"


@dataclass(frozen=True, slots=True)
class OfficeAbilities:
    """What the desk can do at one hour, beyond looking at papers."""

    second_clerk: bool = False
    chip: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one day's wall clock; the end is not part of it."""

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.opens >= self.closes:
            raise ValueError(f"{self.opens}-{self.closes} ends before it begins; hours don't run past midnight")


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """Open on every `weekday` (Monday is 0), unless a holiday or an exception says otherwise."""

    weekday: int
    opens: time
    closes: time

    def __post_init__(self) -> None:
        _require_weekday(self.weekday)
        Span(self.opens, self.closes)

    @property
    def span(self) -> Span:
        return Span(self.opens, self.closes)


@dataclass(frozen=True, slots=True)
class AbilityHours:
    """The desk has `ability` on every `weekday` from `opens` to `closes`."""

    weekday: int
    opens: time
    closes: time
    ability: Ability

    def __post_init__(self) -> None:
        _require_weekday(self.weekday)
        Span(self.opens, self.closes)


@dataclass(frozen=True, slots=True)
class ExceptionalDay:
    """One date with hours of its own, which beat the week and the holidays; no hours means closed."""

    on: date
    hours: tuple[Span, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """An office's whole calendar. `lunch` is closed on every open day, exceptional days too."""

    weekly: tuple[WeeklyHours, ...]
    exceptions: tuple[ExceptionalDay, ...] = ()
    lunch: tuple[Span, ...] = ()
    abilities: tuple[AbilityHours, ...] = ()
    country: str = "FI"
    subdivision: str | None = None

    def __post_init__(self) -> None:
        public_holidays(self.country, self.subdivision, 2026)  # an unknown calendar is told at once
        dates = [exception.on for exception in self.exceptions]
        if len(dates) != len(set(dates)):
            raise ValueError("an office has two exceptions for one date")

    def spans(self, day: date) -> list[Span]:
        """Give the open stretches of a day on the wall clock: merged, in order, lunch taken out."""
        return _without(_merged(self._stated(day)), self.lunch)

    def _stated(self, day: date) -> list[Span]:
        for exception in self.exceptions:
            if exception.on == day:
                return list(exception.hours)
        if holiday_name(day, country=self.country, subdivision=self.subdivision):
            return []
        return [hours.span for hours in self.weekly if hours.weekday == day.weekday()]


def open_intervals(office_hours: OfficeHours, day: date, tz: tzinfo) -> list[tuple[datetime, datetime]]:
    """Give the open stretches of `day` as (start, end) in UTC, in order and apart.

    Where the clock change makes a time happen twice or not at all, the office counts as opening at the later and
    closing at the earlier reading: nobody is sent to a door that may be shut.
    """
    both = ((_latest(day, span.opens, tz), _earliest(day, span.closes, tz)) for span in office_hours.spans(day))
    return [(start, end) for start, end in both if start < end]


def slots(
    office_hours: OfficeHours, *, from_at: datetime, days: int, length_minutes: int, tz: tzinfo
) -> Iterator[datetime]:
    """Yield the UTC starts of whole slots, from `from_at` on, over `days` of the office's days."""
    if length_minutes <= 0:
        raise ValueError("a slot lasts at least a minute")
    length = timedelta(minutes=length_minutes)
    first_day = from_at.astimezone(tz).date()
    for ahead in range(days):
        for start, end in open_intervals(office_hours, first_day + timedelta(days=ahead), tz):
            yield from (slot for slot in _steps(start, end, length) if slot >= from_at)


def abilities_at(office_hours: OfficeHours, slot: datetime, *, length_minutes: int, tz: tzinfo) -> OfficeAbilities:
    """Tell what the desk can do during the whole of a slot; an ability that ends midway doesn't count."""
    starts = slot.astimezone(tz)
    ends = (slot + timedelta(minutes=length_minutes)).astimezone(tz)
    if starts.date() != ends.date():
        return OfficeAbilities()
    have = {
        hours.ability
        for hours in office_hours.abilities
        if hours.weekday == starts.weekday() and hours.opens <= starts.time() and ends.time() <= hours.closes
    }
    return OfficeAbilities(second_clerk=Ability.SECOND_CLERK in have, chip=Ability.CHIP in have)


def reachable(slot: datetime, abilities: OfficeAbilities, booked_at: datetime) -> bool:
    """Tell whether HIGH can be reached in this slot when it is booked (and the code sent) at `booked_at`."""
    return abilities.second_clerk or abilities.chip or slot - booked_at > CODE_MUST_BE_OLDER_THAN


def reachable_slots(
    office_hours: OfficeHours, *, booked_at: datetime, days: int, length_minutes: int, tz: tzinfo
) -> Iterator[tuple[datetime, OfficeAbilities]]:
    """Yield the slots worth travelling for, each with what the desk can do then."""
    for slot in slots(office_hours, from_at=booked_at, days=days, length_minutes=length_minutes, tz=tz):
        abilities = abilities_at(office_hours, slot, length_minutes=length_minutes, tz=tz)
        if reachable(slot, abilities, booked_at):
            yield slot, abilities


def _steps(start: datetime, end: datetime, length: timedelta) -> Iterator[datetime]:
    while start + length <= end:
        yield start
        start += length


def _latest(day: date, wall: time, tz: tzinfo) -> datetime:
    return max(_readings(day, wall, tz))


def _earliest(day: date, wall: time, tz: tzinfo) -> datetime:
    return min(_readings(day, wall, tz))


def _readings(day: date, wall: time, tz: tzinfo) -> list[datetime]:
    return [datetime.combine(day, wall.replace(fold=fold), tzinfo=tz).astimezone(UTC) for fold in (0, 1)]


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.opens, span.closes)):
        if merged and span.opens <= merged[-1].closes:
            merged[-1] = Span(merged[-1].opens, max(merged[-1].closes, span.closes))
        else:
            merged.append(span)
    return merged


def _without(spans: list[Span], breaks: Iterable[Span]) -> list[Span]:
    for pause in breaks:
        spans = [part for span in spans for part in _around(span, pause)]
    return spans


def _around(span: Span, pause: Span) -> list[Span]:
    if pause.closes <= span.opens or span.closes <= pause.opens:
        return [span]
    edges = ((span.opens, pause.opens), (pause.closes, span.closes))
    return [Span(opens, closes) for opens, closes in edges if opens < closes]


def _require_weekday(weekday: int) -> None:
    if weekday not in range(7):
        raise ValueError(f"{weekday} is no weekday; Monday is 0 and Sunday 6")
