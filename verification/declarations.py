"""What can be done for a customer. Each action is declared once, beside its code; everything else reads this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.utils.functional import Promise

from verification.levels import Level
from verification.models import Claim, Customer, Grant, Interaction, Staff

Text = str | Promise
Result = dict[str, Any]

OWN_MATTER: Final = "own matter"
IN_PERSON: Final = "in person"
OFFICE_SHOWN: Final = "office shown"
MANDATE_ENDED: Final = "mandate ended"
SCOPES: Final = ("", OWN_MATTER, IN_PERSON, OFFICE_SHOWN, MANDATE_ENDED)


class Misdeclared(RuntimeError):
    """Stop the process: two actions of one name, or a declaration with a gap."""


@dataclass(frozen=True)
class Occasion:
    """What an effect is given: the grant it runs under, and everything that the gate has already settled."""

    grant: Grant
    at: datetime
    parameters: Mapping[str, Any]
    interaction: Interaction | None
    claim: Claim | None
    customer: Customer | None
    by: Staff | None

    @property
    def served(self) -> Customer:
        """Return the customer; an action that uses this must have declared `needs_customer`."""
        if self.customer is None:
            raise LookupError(f"{self.grant.action} has no customer")
        return self.customer

    @property
    def language(self) -> str:
        if self.interaction is not None:
            return self.interaction.language
        return self.customer.language if self.customer else "fi"


Effect = Callable[[Occasion], Result]


@dataclass(frozen=True)
class Declaration:
    """One action and what it requires.

    `origin`: "live" (a speaker in an open interaction), "batch" (a file and two people) or "follow" (finishes the grant
    of the action named in `follows`, once). `scope` is the authority asked for: "" asks none, "own matter" the right to
    act for the customer, "in person" that he is the customer himself, "office shown" that he names an office whose
    paper lies on the desk, "mandate ended" the right to act or the wish to lay down what he was given himself.
    `alone_up_to` tells which parameters one person may decide; beyond it the gate refuses. `told` is what the recorded
    contacts are told after the commit, when `told_if`, asked then, says so or is not given. `matter` names the errand
    to the customer; `label` says to the staff what to do. `writes` names the guarded models that its effect adds rows
    to. `linked` asks that the person himself approved exactly these parameters, on his own device or on a slip.
    `sum_of` tells the money at stake in minor units, which a mandate may bound. `approvers` are the roles that decide
    as second person what is beyond `alone_up_to`. `reach` is "outbox" when the effect ends outside our database.
    `inside_budget` tells whether who asks may still decide this alone by what he has given before: it is asked in the
    gate's transaction and locks what it counts over, so that two at once take turns. `delay` is how long after the
    grant the effect comes; %(day)s in `told` stands for that day. `made_on_page` says that its parameters come from
    the customer's own page after he has proved himself: he is asked for it without any. `erases` lets its effect
    empty the personal columns of rows that otherwise never change.
    """

    name: str
    label: Text
    required: Level
    because: str
    effect: Effect
    form: type[forms.Form]
    origin: str = "live"
    follows: str = ""
    needs_claim: bool = False
    needs_customer: bool = False
    scope: str = ""
    protective: bool = False
    loosens: bool = False  # takes protection away: what makes us careful counts for it too
    by_caller: bool = False
    roles: frozenset[str] = frozenset({"AGENT", "CLERK", "SUPERVISOR"})
    largest_age: timedelta | None = None
    not_resting_on: frozenset[str] = frozenset()
    alone_up_to: Callable[[Mapping[str, Any]], bool] | None = None
    reach: str = "local"
    told: Text = ""
    told_if: Callable[[Grant], bool] | None = None
    matter: Text = ""
    linked: bool = False
    sum_of: Callable[[Mapping[str, Any]], int] | None = None
    inside_budget: Callable[[Staff, Mapping[str, Any], datetime], bool] | None = None
    delay: Callable[[Grant], timedelta] | None = None
    approvers: frozenset[str] = frozenset({"SUPERVISOR"})
    writes: tuple[str, ...] = ()
    erases: bool = False
    made_on_page: bool = False
    at_desk: bool = False  # asked for only in a contact at a desk: on any other it is nobody's work

    @property
    def errand(self) -> Text:
        """Return what the customer calls it."""
        return self.matter or self.label

    @property
    def second_person(self) -> bool:
        """Tell whether some of it is decided by a second person."""
        return self.alone_up_to is not None or self.inside_budget is not None

    @property
    def sensitive(self) -> bool:
        """Tell whether a hold or freeze stops it: it needs a proven caller and does not protect him."""
        return self.required > Level.NONE and not self.protective

    @property
    def anyones(self) -> bool:
        """Tell whether it protects and anybody may ask for it, proven or not."""
        return self.protective and self.required is Level.NONE


_DECLARED: Final[dict[str, Declaration]] = {}


def action(*, name: str, **terms: Any) -> Callable[[Effect], Effect]:
    """Declare the decorated effect as an action. Raises Misdeclared at import for duplicates and gaps."""

    def declare(effect: Effect) -> Effect:
        if name in _DECLARED:
            raise Misdeclared(f"the action {name!r} is declared twice")
        declaration = Declaration(name=name, effect=effect, **terms)
        if gap := _gap(declaration):
            raise Misdeclared(f"the action {name!r} {gap}")
        _DECLARED[name] = declaration
        return effect

    return declare


def _gap(declared: Declaration) -> str:
    checks = {
        "says no because": len(declared.because.split()) >= 4,
        "has an origin that is unknown": declared.origin in ("live", "batch", "follow"),
        "follows nothing": (declared.origin == "follow") == bool(declared.follows),
        "requires a level but no claim": declared.required is Level.NONE or declared.needs_claim,
        "requires a level but names no scope of authority": declared.required is Level.NONE or bool(declared.scope),
        "names a scope of authority that is unknown": declared.scope in SCOPES,
        "needs a customer but no claim": declared.origin != "live"
        or not declared.needs_customer
        or declared.needs_claim,
        "reaches neither local nor outbox": declared.reach in ("local", "outbox"),
        "is linked without a level": not declared.linked or declared.required >= Level.SUBSTANTIAL,
        "waits for nobody's approval": bool(declared.approvers),
        "erases without two people": not declared.erases or declared.origin == "batch",
        "is open to no one": bool(declared.roles) or declared.by_caller or declared.origin == "follow",
    }
    return next((gap for gap, holds in checks.items() if not holds), "")


def declared(name: str) -> Declaration | None:
    """Return the declaration of an action, or None: what is not declared is refused."""
    return _DECLARED.get(name)


def approving_roles() -> frozenset[str]:
    """Return the roles that can be somebody's second person: for an action, for a batch, or for an account."""
    by_two = [each for each in _DECLARED.values() if each.origin == "batch" or each.second_person]
    asked = [each.roles if each.origin == "batch" else each.approvers for each in by_two]
    return frozenset[str]({Staff.Role.ADMINISTRATOR.value}).union(*asked)


def all_declared() -> tuple[Declaration, ...]:
    """Return every declaration, by name."""
    return tuple(_DECLARED[name] for name in sorted(_DECLARED))
