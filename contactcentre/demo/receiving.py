"""The visits of the week that are over: most are done, one customer's passport had run out, and one did not come."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from contactcentre.demo import passports
from contactcentre.demo.people import BY_NUMBER, Person
from contactcentre.demo.playing import HELSINKI, NotBuilt, Stage
from verification.evidence import CONFIRMATIONS, see_second_clerk
from verification.gate import Live, attempt
from verification.models import Interaction, Staff
from visits import desk, escalations, identity, parked
from visits.models import Escalation, Visit

STAYS_AWAY = "antti_asiakas3"
LETS_IT_RUN_OUT = "kristina_lindqvist"
YEAR = timedelta(days=365)


def past_visits(stage: Stage) -> None:
    """Play what was booked for the days before today, in its order; what is booked at a desk comes in its turn."""
    today = datetime.combine(stage.now.astimezone(HELSINKI).date(), time(), HELSINKI)
    over = Visit.objects.filter(starts_at__lt=today).select_related("office", "customer", "refusal")
    played: set[int] = set()
    while visit := over.exclude(pk__in=played).order_by("starts_at", "pk").first():
        played.add(visit.pk)
        _Reception(stage, visit).plays()


class _Reception:
    """One visit at its hour: who comes, and who receives him."""

    def __init__(self, stage: Stage, visit: Visit) -> None:
        if visit.customer is None:
            raise NotBuilt("a visit of the week is nobody's")
        self.visit, self.at = visit, visit.starts_at + timedelta(minutes=1)
        self.person: Person = BY_NUMBER[visit.customer.number]
        self.clerk: Staff = stage.staff["clerk_kalle"]
        self.second: Staff = stage.staff["clerk_kerttu"]

    def plays(self) -> None:
        if self.person.key == STAYS_AWAY:
            return
        here = desk.check_in(self.visit, by=self.clerk, at=self.at)
        if self._passport_ran_out():
            self._shows("EXPIRED", expires_on=self.visit.on - timedelta(days=9))
            self._comes_again(here)
        else:
            self._shows("MATCHED", expires_on=self.visit.on + 4 * YEAR)
            see_second_clerk(here.public_id, by=self.second, at=self._passes())
            self._has_it_done(here)
        desk.finish(self.visit, by=self.clerk, at=self._passes())

    def _passes(self) -> datetime:
        self.at += timedelta(minutes=2)
        return self.at

    def _passport_ran_out(self) -> bool:
        earlier = Visit.objects.filter(customer=self.visit.customer, starts_at__lt=self.visit.starts_at)
        return self.person.key == LETS_IT_RUN_OUT and not earlier.exists()

    def _shows(self, outcome: str, *, expires_on: date) -> None:
        found = identity.compare(
            self.visit,
            passports.laid(self.person, expires_on=expires_on),
            confirmed=CONFIRMATIONS,
            by=self.clerk,
            at=self._passes(),
        )
        if found.outcome != outcome:
            raise NotBuilt(f"the passport of {self.person.key} came to {found.outcome}")

    def _has_it_done(self, here: Interaction) -> None:
        """Carry out what waits, or what he came for. A sum that asks for a second person stays with the supervisor."""
        if self.visit.refusal is not None:
            parked.carry_out(self.visit, confirmed=True, nonce="week", by=self.clerk, at=self._passes())
        else:
            attempt(self.visit.action, origin=Live(here.public_id, self.clerk), parameters={}, at=self._passes())

    def _comes_again(self, here: Interaction) -> None:
        if self.visit.refusal is None:
            raise NotBuilt("who comes again was refused something")
        wanted = {"refusal": str(self.visit.refusal.public_id), "office": str(self.visit.office.public_id)}
        attempt("book_visit", origin=Live(here.public_id, self.clerk), parameters=wanted, at=self._passes())
        asked = Escalation.objects.get(grant__interaction=here)
        escalations.place(asked.pk, at=self._passes())
