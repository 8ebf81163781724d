"""Many visits placed at once, by many workers: nobody shares a desk, and everybody gets one visit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from tests.cast import Cast
from tests.reception import ask_for_visit, open_office
from verification.models import Grant
from visits import escalations
from visits.models import Visit


@pytest.mark.slow
def test_many_at_once_never_share_a_desk(live_cast: Cast) -> None:
    now = datetime.now(UTC)
    open_office(live_cast.organisation, desks=2)
    asked = [
        ask_for_visit(live_cast.call(at=now, claims=person), live_cast, at=now).pk
        for person in (live_cast.antti, live_cast.antti2, live_cast.antti3, live_cast.helena, live_cast.sanna, None)
    ]

    def run(escalation_id: int) -> None:
        try:
            escalations.place(escalation_id, at=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, asked * 3))  # every task three times, as a broker may deliver it
    for wanted in escalations.due(now + timedelta(hours=2)):
        escalations.place(wanted, at=now + timedelta(hours=2))
    assert Visit.objects.count() == len(asked)
    assert len({(visit.starts_at, visit.desk) for visit in Visit.objects.all()}) == len(asked)
    assert Grant.objects.filter(action="place_visit").count() == len(asked)
