"""Who has proven nothing may ask for protection; neither words nor work tell him whether there is such a customer."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.actions_asked import VALID
from tests.cast import NOW, Cast
from verification.claims import claim_number
from verification.declarations import all_declared
from verification.gate import Decision, Granted, Live, attempt
from verification.levels import Level
from verification.models import ContactVeto, Hold, Interaction, KeypadRoad
from verification.numbers import mark

NOBODY = "99999999"
ASKED_OF_ANYBODY = [
    action.name
    for action in all_declared()
    if action.origin == "live" and action.required is Level.NONE and action.by_caller
]


def numbers(cast: Cast) -> dict[str, str]:
    """Everybody whom one protective attempt must not tell apart, each as he stands before it."""
    ask(cast, "temporary_hold", cast.call(at=NOW, claims=cast.sanna))
    change = ask(cast, "change_address", cast.desk(at=NOW, claims=cast.helena), by="clerk_kalle")
    assert isinstance(change, Granted)
    KeypadRoad.objects.create(
        mark=mark(cast.olli.number), kind="TOTP", failures=5, backing_off_until=NOW + timedelta(hours=1)
    )
    return {
        "nobody": NOBODY,
        "a customer": cast.antti.number,
        "nothing enrolled": cast.antti3.number,
        "held": cast.sanna.number,
        "frozen": cast.frozen.number,
        "a ward": cast.ward.number,
        "a change pending": cast.helena.number,
        "backing off": cast.olli.number,
    }


def ask(cast: Cast, action: str, contact: Interaction, by: str | None = "agent_aino", key: str = "") -> Decision:
    staff = cast.staff[by] if by else None
    return attempt(action, origin=Live(contact.public_id, staff), parameters=VALID[action], at=NOW, key=key)


def asked(cast: Cast, action: str, number: str, by: str | None) -> tuple[object, list[str]]:
    """Ask for one action under a claim of this number; return what came of it and every statement that was run."""
    contact = cast.call(at=NOW, by=by or "agent_aino")
    claim_number(contact.public_id, number, capacity="SELF", source="STAFF", by=cast.agent_aino, at=NOW)
    with CaptureQueriesContext(connection) as caught:
        decided = ask(cast, action, contact, by, key=f"test:{contact.public_id}")
    statements = [shape(query["sql"]) for query in caught]
    if isinstance(decided, Granted):
        return sorted(set(decided.result) - {"case"}), statements
    return (decided.refusal.reason, decided.refusal.said), statements  # type: ignore[union-attr]  # never Malformed


def shape(sql: str) -> str:
    """Give the verb of a statement and its tables; values tell people apart, the work must not."""
    words = sql.replace('"', " ").split()
    ours = [word for word in words if word.startswith(("verification_", "audit_", "notices_", "cases_", "visits_"))]
    return " ".join([words[0], *ours[:5]])


@pytest.mark.parametrize("by", [None, "agent_aino"], ids=["caller", "agent"])
@pytest.mark.parametrize("action", ASKED_OF_ANYBODY)
def test_whoever_is_named_the_same_statements_are_run(cast: Cast, action: str, by: str | None) -> None:
    found = {name: asked(cast, action, number, by) for name, number in numbers(cast).items()}
    answer, statements = found["nobody"]
    assert len(statements) > 5
    for name, (answered, run) in found.items():
        assert answered == answer, name
        assert run == statements, name


def test_the_protection_itself_is_given_to_customers_only(cast: Cast) -> None:
    named = numbers(cast)
    for number in named.values():
        asked(cast, "temporary_hold", number, None)
        asked(cast, "veto_change", number, None)
    held = Hold.objects.filter(kind="TEMPORARY").values_list("customer__number", flat=True)
    assert sorted(held) == sorted([*(set(named.values()) - {NOBODY}), cast.sanna.number])
    assert ContactVeto.objects.get().customer == cast.helena.customer
    assert Hold.objects.filter(customer=cast.antti.customer).get().until == NOW + timedelta(hours=48)
