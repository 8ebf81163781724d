"""The gate: the only door. It decides one attempt, and what it allows happens inside it or not at all.

One transaction holds either grant, effect and entry, or refusal and entry. The clock is read by whoever asks and passed
in; the level is derived from the database in that transaction. What is not declared, not known or not sure is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from django.db import connection, transaction

from verification import proposals, records, repeats, telling
from verification.attempts import Attempt
from verification.decisions import (
    Decision,
    Following,
    Granted,
    Live,
    Malformed,
    OfBatch,
    OfProposal,
    Origin,
    Proposed,
    Refused,
    Unavailable,
)
from verification.declarations import Occasion, declared
from verification.forms import clean
from verification.models import Grant
from verification.reasons import Reason
from verification.rules import first_objection
from verification.scene import load

__all__ = [
    "Decision",
    "Following",
    "Granted",
    "Live",
    "Malformed",
    "OfBatch",
    "OfProposal",
    "Proposed",
    "Refused",
    "Unavailable",
    "attempt",
]

log = structlog.get_logger(__name__)


def attempt(name: str, *, origin: Origin, parameters: Mapping[str, Any], at: datetime, key: str = "") -> Decision:
    """Decide one attempt at the action `name`, and carry it out when it is granted.

    `parameters` are raw, as a form or JSON gave them. `at` is the moment that everything is judged by. The
    same non-empty `key` asked again returns the first decision and does nothing. Must not be called inside a
    transaction (RuntimeError). Raises Unavailable when not even a refusal could be written; then nothing was done.
    """
    decided: list[Decision] = []
    committed: list[Decision] = []
    try:
        with transaction.atomic(durable=True):
            transaction.on_commit(lambda: committed.extend(decided))  # the first hook, so that no other comes before it
            decided.append(_decide(name, origin, parameters, at, key))
        return decided[0]
    except Exception as error:  # whatever the effect raised: it has been rolled back, and the refusal says so
        log.error("gate.failed", action=name[:60], error=type(error).__name__)
        # A hook that fails after the commit undoes nothing: what was decided stands, and the sweep does the rest.
        return committed[0] if committed else _failed(name, origin, at)


def _decide(name: str, origin: Origin, parameters: Mapping[str, Any], at: datetime, key: str) -> Decision:
    asked = Attempt(name, declared(name), load(origin), at)
    if earlier := repeats.decided(key, asked, parameters):
        return earlier
    if reason := first_objection(asked, before_parameters=True):
        return repeats.keep(key, asked, parameters, Refused(records.refused(asked, reason)))
    proposal = asked.scene.proposal
    cleaned, errors = clean(asked.declared.form, proposals.parameters_of(proposal) if proposal else parameters)
    if errors:
        records.malformed(asked, errors)
        return Malformed(errors)
    asked = asked.with_parameters(cleaned)
    if reason := first_objection(asked, before_parameters=False):
        if reason is Reason.SECOND_PERSON and asked.scene.by is not None:
            return repeats.keep(key, asked, parameters, Proposed(proposals.propose(asked)))
        return repeats.keep(key, asked, parameters, Refused(records.refused(asked, reason)))
    return repeats.keep(key, asked, parameters, _carry_out(asked))


def _carry_out(asked: Attempt) -> Granted:
    """Write the grant, open the guard, run the effect, spend the grant, close the guard, queue the telling."""
    grant = records.granted(asked)
    occasion = _occasion(asked, grant)
    _open(grant)
    result = asked.declared.effect(occasion) or {}
    _spend_and_close(grant, asked.at)
    if asked.scene.proposal is not None:
        proposals.approved(asked.scene.proposal, by=asked.scene.by, at=asked.at)
    if asked.declared.told:
        telling.queue(grant, at=asked.at)
    return Granted(grant, result)


def _occasion(asked: Attempt, grant: Grant) -> Occasion:
    scene = asked.scene
    return Occasion(
        grant=grant,
        at=asked.at,
        parameters=asked.parameters,
        interaction=scene.interaction,
        claim=scene.claim,
        customer=scene.customer,
        by=scene.by,
    )


# Plain SQL, since every grant pays for it: the model layer would double what the three statements cost.
def _open(grant: Grant) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO verification_opening (grant_id, action, customer_id, batch, tripwire_id)"
            " VALUES (%s, %s, %s, %s, 1)",
            [grant.pk, grant.action, grant.customer_id, grant.batch_id is not None],
        )


def _spend_and_close(grant: Grant, at: datetime) -> None:
    """Note that the grant is used, and delete its Opening: the key on the tripwire refuses the commit if it stays."""
    moment = connection.ops.adapt_datetimefield_value(at)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO verification_spent (grant_id, spent_at) VALUES (%s, %s)", [grant.pk, moment])
        cursor.execute("DELETE FROM verification_opening WHERE grant_id = %s", [grant.pk])


def _failed(name: str, origin: Origin, at: datetime) -> Refused:
    """Write, in a transaction of its own, that the attempt failed and that nothing was changed."""
    try:
        with transaction.atomic(durable=True):
            asked = Attempt(name, declared(name), load(origin), at)
            return Refused(records.refused(asked, Reason.FAILED))
    except RuntimeError:
        raise
    except Exception as second:
        raise Unavailable("neither the effect nor its refusal could be written") from second
