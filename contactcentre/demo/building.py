"""Build the demo world in an empty database: staff, customers by import, a week of contacts through the real doors."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from contactcentre.demo import calls, offices, people, secrets
from contactcentre.demo.playing import HELSINKI, NotBuilt, Stage
from contactcentre.demo.receiving import past_visits
from verification.gate import Granted, OfBatch, attempt
from verification.imports import prepare
from verification.models import Organisation, Staff

Progress = Callable[[str], object]


def build(*, progress: Progress) -> None:
    """Build the whole world as it stands at this moment. `progress` is told each step in one line."""
    now = timezone.now()
    progress(f"  {len(people.STAFF)} people start work at {people.ORGANISATION}")
    organisation = Organisation.objects.create(name=people.ORGANISATION, number_to_call="+358 800 123 456")
    staff = _hire(organisation, now - timedelta(days=400))
    stage = Stage(organisation, staff, now)
    progress(f"  {len(offices.OFFICES)} offices open their doors")
    offices.open_offices(organisation, today=now.astimezone(HELSINKI).date())
    progress(f"  {len(people.PEOPLE)} customers come in: one prepares the file, another approves it")
    _bring_in(stage)
    for say, play in calls.WEEK:
        progress(f"  {say}")
        play(stage)
    progress("  reminders go out, as they fell due")
    stage.remind()
    progress("  who had a time by now has come to the desk; one forgot, and one had an old passport")
    past_visits(stage)


def _hire(organisation: Organisation, since: datetime) -> dict[str, Staff]:
    hired = {}
    for username, (role, first, last) in people.STAFF.items():
        person = Staff.objects.create_user(
            username=username, password=secrets.password(username), organisation=organisation, role=role,
            is_staff=True, first_name=first, last_name=last, date_joined=since,
        )  # fmt: skip
        TOTPDevice.objects.create(user=person, name="app", key=secrets.app_key(username).hex(), confirmed=True)
        hired[username] = person
    return hired


def _bring_in(stage: Stage) -> None:
    """Import all but the newcomers two months ago; whose telephone number is a day old came in after that."""
    newcomers = [person for person in people.PEOPLE if person.new_phone]
    settled = [person for person in people.PEOPLE if not person.new_phone]
    _import(stage, settled, at=stage.now - timedelta(days=60))
    _import(stage, newcomers, at=stage.now - timedelta(hours=1))


def _import(stage: Stage, coming: list[people.Person], *, at: datetime) -> None:
    rights = [right.row() for right in people.RIGHTS if people.BY_KEY[right.principal] in coming]
    content = json.dumps({"customers": [person.row(at) for person in coming], "mandates": rights}).encode()
    batch = prepare(content, by=stage.staff["admin_aila"], at=at)
    later = at + timedelta(minutes=20)
    origin = OfBatch(batch.public_id, stage.staff["admin_asko"])
    if not isinstance(attempt("import_customers", origin=origin, parameters={}, at=later), Granted):
        raise NotBuilt("the customers could not be brought in")
