"""What the staff's pages ask of the database and of this process, for a contact with a claim."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

from django.test import Client
from django.urls import reverse
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from benchmarks.statements import asked
from benchmarks.world import World
from verification.models import Staff

LOOKS = 7


def measured(world: World) -> dict[str, dict[str, Any]]:
    """Return statements and ms of CPU in this process, for each page that an agent has open all day."""
    contact = world.contact(world.next_customer("page"))
    client = logged_in(world.agent)
    pages = {
        "the queue": reverse("admin:queue"),
        "one interaction, with every action and what it would still need": reverse(
            "admin:interaction", args=[contact.public_id]
        ),
    }
    return {name: _looked_at(client, address) for name, address in pages.items()}


def logged_in(staff: Staff) -> Client:
    """Log one of the staff in as if he had typed both factors."""
    device = TOTPDevice.objects.create(user=staff, name="app", confirmed=True)
    client = Client(headers={"Host": "localhost"})
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    return client


def _looked_at(client: Client, address: str) -> dict[str, Any]:
    def look() -> None:
        answer = client.get(address)
        if answer.status_code != 200:
            raise SystemExit(f"{address} answered {answer.status_code}")

    look()
    taken = []
    for _ in range(LOOKS):
        began = time.process_time()
        look()
        taken.append((time.process_time() - began) * 1000)
    return {"statements": len(asked(look).statements), "cpu": round(median(taken), 1)}
