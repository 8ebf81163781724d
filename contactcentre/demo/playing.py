"""How the demo plays a contact: through the same doors as a real one, with the clock of its own day passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from contactcentre.demo import codes
from contactcentre.demo.people import BY_KEY, Person
from verification import claims, evidence, interactions, keypad
from verification.gate import Decision, Granted, Live, Refused, attempt
from verification.models import Authenticator, Interaction, Organisation, Staff
from visits import escalations, reminders
from visits.calendars import holiday_name
from visits.models import Escalation, Reminder, Visit

HELSINKI = ZoneInfo("Europe/Helsinki")
PASSPORT = {"type": "PASSPORT", "issuer": "FIN", "expires_on": "2031-05-01"}
_steps = count(1)


class NotBuilt(RuntimeError):
    """Say which step of the demo world went otherwise than it should: a defect, found on the demo's first start."""


def working_day(today: date, offset: int) -> date:
    """Return the working day `offset` working days from today, which itself is never counted."""
    step = 1 if offset > 0 else -1
    day = today
    while offset:
        day += timedelta(days=step)
        if day.weekday() < 5 and not holiday_name(day, country="FI"):
            offset -= step
    return day


@dataclass(frozen=True)
class Stage:
    """Where the week is played: the organisation, its staff by username, and the present moment."""

    organisation: Organisation
    staff: dict[str, Staff]
    now: datetime

    def moment(self, offset: int, clock: str) -> datetime:
        """Return a wall-clock time in Helsinki on the working day `offset` days from today."""
        today = self.now.astimezone(HELSINKI).date()
        return datetime.combine(working_day(today, offset), time.fromisoformat(clock), HELSINKI)

    def call(self, offset: int, clock: str, *, by: str) -> Contact:
        """Let a customer ring in."""
        person, at = BY_KEY[by], self.moment(offset, clock)
        opened = interactions.open_call(self.organisation, line=person.phone, language=person.language, at=at)
        return Contact(self, opened, person, at)

    def desk(self, offset: int, clock: str, *, by: str, clerk: str) -> Contact:
        """Let a customer come to the desk without an appointment."""
        person, at = BY_KEY[by], self.moment(offset, clock)
        opened = interactions.open_by_staff(self.staff[clerk], channel="DESK", language=person.language, at=at)
        contact = Contact(self, opened, person, at, self.staff[clerk])
        return contact.claims()

    def remind(self) -> None:
        """Send the reminders that fell due during the week, each at its own hour."""
        for waiting in Reminder.objects.filter(due_at__lte=self.now).order_by("due_at"):
            reminders.send(waiting.pk, at=waiting.due_at)


@dataclass
class Contact:
    """One contact under way. Its clock moves on by itself with each step."""

    stage: Stage
    interaction: Interaction
    person: Person
    at: datetime
    served_by: Staff | None = None

    def passes(self, seconds: int = 25) -> datetime:
        """Let time pass, and return the moment that has come."""
        self.at += timedelta(seconds=seconds)
        return self.at

    def claims(self, other: str = "") -> Contact:
        """Name oneself by number, or somebody else."""
        person = BY_KEY[other] if other else self.person
        source = "STAFF" if self.served_by else "KEYPAD"
        claims.claim_number(
            self.interaction.public_id, person.number, capacity="SELF", source=source, by=self.served_by,
            at=self.passes(),
        )  # fmt: skip
        return self

    def types_code(self, *, right: bool = True) -> Contact:
        """Type a code of the caller's own authenticator, or six digits that are not it."""
        at, listed = self.passes(), not self.person.app_key
        index = keypad.challenge(self.person.number, at=at) if listed else 0
        code = self.person.codes[index - 1] if listed else codes.of_app(self.person.app_key, at)
        kind = Authenticator.Kind.CODE_LIST if listed else Authenticator.Kind.TOTP
        typed = code if right else f"{(int(code) + 1) % 10**6:06d}"
        outcome = keypad.check(
            self.interaction.public_id, kind=kind, code=typed, index=index, at=at, key=f"demo:{next(_steps)}"
        )
        if (outcome is keypad.Typed.MATCHED) is not right:
            raise NotBuilt(f"a code of {self.person.key} came to {outcome.value}")
        return self

    def meets(self, username: str, *, keypad: str = "SKIPPED") -> Contact:
        """Wait for a human, and be taken by one."""
        self.served_by = self.stage.staff[username]
        interactions.wait(self.interaction.public_id, keypad=keypad, at=self.passes())
        interactions.take(self.interaction.public_id, by=self.served_by, at=self.passes(80))
        return self

    def says_name(self) -> int:
        """Say a name to the agent, who is told how many customers bear it and no more."""
        if self.served_by is None:
            raise NotBuilt("a name is said to somebody")
        return claims.claim_name(
            self.interaction.public_id, family_name=self.person.family, given_names=self.person.given,
            capacity="SELF", by=self.served_by, at=self.passes(),
        )  # fmt: skip

    def shows_papers(self, *, second: str = "") -> Contact:
        """Have a passport compared by the clerk and, when `second` is given, confirmed by a colleague."""
        if self.served_by is None:
            raise NotBuilt("papers are shown to somebody")
        evidence.see_identity_list(
            self.interaction.public_id, by=self.served_by, confirmed=evidence.CONFIRMATIONS, document=PASSPORT,
            at=self.passes(120),
        )  # fmt: skip
        if second:
            evidence.see_second_clerk(self.interaction.public_id, by=self.stage.staff[second], at=self.passes(60))
        return self

    def gets(self, name: str, /, **parameters: Any) -> dict[str, Any]:
        """Ask for what is granted, and return what came of it."""
        decided = self._asks(name, parameters)
        if not isinstance(decided, Granted):
            raise NotBuilt(f"{name} for {self.person.key} was not granted: {decided}")
        return decided.result

    def is_refused(self, name: str, /, **parameters: Any) -> Refused:
        """Ask for what is refused, and return the refusal."""
        decided = self._asks(name, parameters)
        if not isinstance(decided, Refused):
            raise NotBuilt(f"{name} for {self.person.key} was not refused: {decided}")
        return decided

    def _asks(self, action: str, parameters: dict[str, Any]) -> Decision:
        origin = Live(self.interaction.public_id, self.served_by)
        return attempt(action, origin=origin, parameters=parameters, at=self.passes(40))

    def books(self, refused: Refused | None = None, *, town: str = "", action: str = "") -> Visit:
        """Ask for a visit, about a refusal or an errand, and have it placed as a worker would some seconds later."""
        about = {"refusal": str(refused.refusal.public_id)} if refused else {"action": action}
        asked = self.gets("book_visit", town=town, **about)
        wanted = Escalation.objects.get(grant__public_id=asked["request"])
        placed = escalations.place(wanted.pk, at=self.passes(3))
        if placed is None:
            raise NotBuilt(f"no visit could be placed for {self.person.key}")
        return placed

    def ends(self) -> None:
        """Hang up, or leave the desk."""
        interactions.end(self.interaction.public_id, at=self.passes(), by=self.served_by)
