"""Count what comes to a door unsigned, instead of writing it down one by one: a flood must not fill the log.

One request costs one small statement. A minute holds so many rows at most, however many sources there are, and its
Entry is written once it is over: how many came, from how many sources, and the busiest of them. Sources are kept as a
keyed hash of the network they came from, for two weeks.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum
from django.utils.crypto import salted_hmac

from audit.log import moment, record
from audit.models import Flood

log = structlog.get_logger(__name__)
SOURCES_A_MINUTE: Final = 128
MINUTE: Final = timedelta(minutes=1)
KEPT: Final = timedelta(days=14)
TOLD: Final = 10  # of the busiest sources, in the entry
AT_ONCE: Final = 60  # minutes told in one sweep
COUNT: Final = """
    INSERT INTO audit_flood (minute, door, source, count, told) VALUES (%s, %s, CASE
        WHEN (SELECT count(*) FROM audit_flood WHERE minute = %s) < %s
          OR EXISTS (SELECT 1 FROM audit_flood WHERE minute = %s AND door = %s AND source = %s) THEN %s ELSE '' END,
        1, %s)
    ON CONFLICT (minute, door, source) DO UPDATE SET count = audit_flood.count + 1, told = excluded.told"""


def count(*, door: str, address: str, at: datetime) -> None:
    """Count one request that `door` (a short name, not a path) turned away; never raises for the database's sake."""
    minute = connection.ops.adapt_datetimefield_value(at.replace(second=0, microsecond=0))
    source = source_of(address)
    values = [minute, door, minute, SOURCES_A_MINUTE, minute, door, source, source, False]
    try:
        with connection.cursor() as cursor:
            cursor.execute(COUNT, values)
    except DatabaseError as error:  # the answer is no, counted or not
        log.error("flood.not_counted", door=door, error=type(error).__name__)


def source_of(address: str) -> str:
    """Return the keyed hash of the network an address is of: itself for IPv4, the /64 for IPv6."""
    try:
        given = ipaddress.ip_address(address)
        network = str(ipaddress.ip_network((given, 64), strict=False)) if given.version == 6 else str(given)
    except ValueError:
        network = ""
    return salted_hmac("sources of floods", network, algorithm="sha256").hexdigest()[:32]


def tell(*, at: datetime) -> int:
    """Write the entry of each minute that is over, and forget what is old. Safe to repeat; returns how many."""
    over = at.replace(second=0, microsecond=0)
    minutes = Flood.objects.filter(told=False, minute__lt=over).order_by("minute").values_list("minute", flat=True)
    told = sum(_tell(minute, at) for minute in minutes.distinct()[:AT_ONCE])
    Flood.objects.filter(minute__lt=at - KEPT, told=True).delete()
    return told


def in_the_last_minute(at: datetime) -> int:
    """Return how many were turned away in the last minute that is over."""
    minute = at.replace(second=0, microsecond=0) - MINUTE
    return Flood.objects.filter(minute=minute).aggregate(all=Sum("count"))["all"] or 0


def _tell(minute: datetime, at: datetime) -> bool:
    with transaction.atomic():
        if not Flood.objects.filter(minute=minute, told=False).update(told=True):
            return False  # somebody else has told of it meanwhile
        rows = list(Flood.objects.filter(minute=minute).order_by("-count", "door", "source"))
        record(
            kind="webhook.unsigned",
            actor="system:audit.sweep",
            subject="nobody",
            at=at,
            outcome="refused",
            purpose="keep out what no provider of ours has sent",
            facts=_facts(minute, rows),
        )
        return True


def _facts(minute: datetime, rows: list[Flood]) -> dict[str, Any]:
    return {
        "minute": moment(minute),
        "count": sum(row.count for row in rows),
        "sources": len({row.source for row in rows}),
        "busiest": [{"door": row.door, "source": row.source, "count": row.count} for row in rows[:TOLD]],
    }
