"""The house works with no more rights in its database than the application has. PostgreSQL only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection
from django.urls import reverse

from audit import roles
from contactcentre.admin_site import ROOMS
from tests.actions_asked import VALID, WANTS_A_ROW, approved_by_customer, tell_what_is_due
from tests.cast import Cast
from tests.journeys.people import now
from tests.staff_browser import signed_in
from tests.three_roles import handed_over
from verification.declarations import all_declared
from verification.gate import Granted, Live, OfProposal, Proposed, attempt
from verification.models import Interaction

pytestmark = pytest.mark.slow
LAST = ("lasting_freeze", "temporary_hold", "close_account")  # after which little is granted
STAFF = {"CLERK": "clerk_kalle", "SUPERVISOR": "supervisor", "AUDITOR": "auditor", "ADMINISTRATOR": "administrator"}

if connection.vendor == "postgresql":
    from tests.journeys.test_the_scene import scene, test_the_scene_ends_well_for_everybody

    __all__ = ["scene", "test_the_scene_ends_well_for_everybody"]

    @pytest.fixture
    def live_database(live_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        """Yield the address of the clone for the application's role; a worker of a test is that role too."""
        with handed_over() as made:
            made.superuser(f"CREATE ROLE {made.application} LOGIN", f"CREATE ROLE {made.sequencer} LOGIN")
            with made.as_("owner"):
                roles.grant(connection, roles.Names(made.application, made.sequencer))
            monkeypatch.setenv("DATABASE_URL", made.url("application"))
            with made.as_("application"):
                assert whoami() == made.application
                yield made.url("application")

    def whoami() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            return str(cursor.fetchone()[0])

    def test_every_action_is_carried_out_and_every_sweep_runs(live_cast: Cast) -> None:
        at = now()
        names = [action.name for action in all_declared() if action.origin == "live"]
        for name in sorted({*names} - WANTS_A_ROW, key=lambda name: (name in LAST, name)):
            desk = live_cast.desk(at=at, claims=live_cast.antti2, level="HIGH")
            carried_out(live_cast, desk, name, at=at)
        for table in ("verification_grant", "verification_proposal"):
            with pytest.raises(DatabaseError, match=f"{table} is append-only"), connection.cursor() as cursor:
                cursor.execute(f"UPDATE {table} SET id = id")  # the right that a row's lock takes
        tell_what_is_due(at)
        current_app.loader.import_default_modules()
        for entry in settings.CELERY_BEAT_SCHEDULE.values():
            if entry["task"] != "audit.tasks.sequence":  # the sequencer's
                current_app.tasks[entry["task"]].run()

    def carried_out(cast: Cast, desk: Interaction, name: str, *, at: datetime) -> None:
        declared = next(action for action in all_declared() if action.name == name)
        if declared.linked:
            approved_by_customer(desk, name, at=at)
        by = cast.clerk_kalle if declared.roles else None
        decided = attempt(name, origin=Live(desk.public_id, by), parameters=VALID[name], at=at)
        if isinstance(decided, Proposed):
            origin = OfProposal(decided.proposal.public_id, cast.supervisor)
            decided = attempt(name, origin=origin, parameters={}, at=at)
        assert isinstance(decided, Granted) or decided.refusal.reason == "CAP", (name, decided.refusal.reason)

    def test_every_room_of_the_staff_opens(live_cast: Cast) -> None:
        browsers = {role: signed_in(live_cast.staff[name]) for role, name in STAFF.items()}
        for room in ROOMS:
            for role, browser in browsers.items():
                if role in room.roles:
                    assert browser.get(reverse(room.url)).status_code == 200, (room.url, role)
