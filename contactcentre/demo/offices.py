"""The demo's offices: three cities, hours of their own, and desks that can't all do the same."""

from __future__ import annotations

from datetime import date, time
from typing import Any, Final

from verification.models import Organisation
from visits import chips
from visits.hours import Ability
from visits.models import AbilityHours, Office, OfficeException, OfficeHours

WEEKDAYS: Final = range(5)
Stretch = tuple[tuple[int, ...] | range, str, str]

# Where each is, when it is open, and at which hours its desk has a colleague for a second look or a chip reader.
OFFICES: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "Kallion palvelupiste", "street": "Porthaninkatu 1", "town": "Helsinki",
        "desks": 3, "step_free": True, "phone": "+358 800 123 457", "lunch": None,
        "open": [(WEEKDAYS, "09:00", "16:30"), ((3,), "16:30", "18:00")],
        Ability.SECOND_CLERK: [(WEEKDAYS, "09:00", "16:00")],
        Ability.CHIP: [((1, 2, 3), "10:00", "15:00")],
    },
    {
        "name": "Tampereen palvelupiste", "street": "Hämeenkatu 14", "town": "Tampere",
        "desks": 2, "step_free": True, "phone": "+358 800 123 458", "lunch": ("11:30", "12:15"),
        "open": [(WEEKDAYS, "08:30", "16:00"), ((5,), "10:00", "13:00")],
        Ability.SECOND_CLERK: [((0, 1, 2, 3), "08:30", "11:30")],
        Ability.CHIP: [(WEEKDAYS, "08:30", "16:00")],
    },
    {
        "name": "Turun palvelupiste", "street": "Yliopistonkatu 26", "town": "Turku",
        "desks": 1, "step_free": False, "phone": "+358 800 123 459", "lunch": ("12:00", "12:30"),
        "open": [((0, 2, 4), "10:00", "15:00")],
        Ability.SECOND_CLERK: [((2,), "10:00", "14:00")],
        Ability.CHIP: [],
    },
)  # fmt: skip
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def open_offices(organisation: Organisation, *, today: date) -> None:
    """Make the offices with their hours and what their desks can do at which of them."""
    for row in OFFICES:
        lunch_from, lunch_to = row["lunch"] or (None, None)
        office = Office.objects.create(
            organisation=organisation, lunch_from=lunch_from, lunch_to=lunch_to,
            chip_reader=chips.STAND_IN if row[Ability.CHIP] else "",
            **{field: row[field] for field in ("name", "street", "town", "desks", "step_free", "phone")},
        )  # fmt: skip
        for weekday, opens, closes in _stretches(row["open"]):
            OfficeHours.objects.create(office=office, weekday=weekday, opens=opens, closes=closes)
        for ability in Ability:
            for weekday, opens, closes in _stretches(row[ability]):
                AbilityHours.objects.create(office=office, ability=ability, weekday=weekday, opens=opens, closes=closes)
    _open_today(Office.objects.get(organisation=organisation, name=OFFICES[0]["name"]), today)


def _open_today(office: Office, today: date) -> None:
    """Open the first office on the demo's first day too when it's a weekend or a holiday: a visit is for its day."""
    if office.calendar().spans(today):
        return
    hours = {"opens": time(9), "closes": time(16, 30)}
    OfficeException.objects.create(office=office, on=today, reason="Avoinna poikkeuksellisesti", **hours)
    AbilityHours.objects.get_or_create(
        office=office, ability=Ability.SECOND_CLERK, weekday=today.weekday(), defaults=hours
    )


def _stretches(listed: list[Stretch]) -> list[tuple[int, time, time]]:
    return [
        (weekday, time.fromisoformat(opens), time.fromisoformat(closes))
        for weekdays, opens, closes in listed
        for weekday in weekdays
    ]


def describe() -> list[dict[str, Any]]:
    """Return the offices as a tester needs them: where, when, and what each desk can do."""
    found = Office.objects.prefetch_related("weekly", "abilities").order_by("pk")
    return [
        {
            "id": str(office.public_id),
            "name": office.name,
            "street": office.street,
            "city": office.town,
            "desks": office.desks,
            "step_free": office.step_free,
            "hours": _by_day(office.weekly.all()),
            "abilities": {
                ability.value: _by_day(row for row in office.abilities.all() if row.ability == ability)
                for ability in Ability
            },
        }
        for office in found
    ]


def _by_day(rows: Any) -> dict[str, list[str]]:
    days: dict[str, list[str]] = {}
    for row in rows:
        days.setdefault(DAYS[row.weekday], []).append(f"{row.opens:%H:%M}-{row.closes:%H:%M}")
    return days
