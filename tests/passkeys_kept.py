"""A passkey that a customer has: its row came in through the gate, from the desk, long enough ago to count."""

from __future__ import annotations

from datetime import timedelta

from tests.cast import Cast, Person
from tests.passkey_device import Device, base64url
from tests.staff_browser import now
from verification.gate import Granted, Live, attempt
from verification.interactions import end


def enrolled(cast: Cast, person: Person, device: Device, *, ago: timedelta = timedelta(hours=30)) -> Device:
    """Enrol a device's key for a customer who stood at the desk `ago`, and return the device."""
    at = now() - ago
    here = cast.desk(at=at, claims=person)
    kept = {"credential_id": base64url(device.credential_id), "public_key": base64url(device.public_key)}
    decision = attempt("enrol_passkey", origin=Live(here.public_id, None), parameters=kept, at=at)
    assert isinstance(decision, Granted), decision
    end(here.public_id, at=at)
    return device
