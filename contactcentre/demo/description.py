"""What a tester needs to know of the demo world, in the fixed form of `manage.py demo --json`."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from contactcentre import data_dir
from contactcentre.demo import e_id, offices, secrets
from contactcentre.demo.people import NEW_PHONE, PEOPLE, STAFF, Person


def describe() -> dict[str, Any]:
    """Return the whole description: everything in it is made up, and belongs to this database alone."""
    base = data_dir.served_address() or settings.PUBLIC_URL
    return {
        "base_url": base,
        "ivr": {
            "voice_url": f"{base}/ivr/twilio/voice/",
            "status_url": f"{base}/ivr/twilio/status/",
            "twilio_auth_token": settings.TWILIO_AUTH_TOKEN,
            "number": settings.IVR_NUMBER,
        },
        "staff": [_member(username) for username in STAFF],
        "customers": [_customer(person) for person in PEOPLE],
        "idp": e_id.describe(),
        "offices": offices.describe(),
    }


def _member(username: str) -> dict[str, str]:
    return {
        "username": username,
        "password": secrets.password(username),
        "otp_secret": secrets.shown(secrets.app_key(username)),
        "role": STAFF[username][0].lower(),
    }


def _customer(person: Person) -> dict[str, Any]:
    return {
        "number": person.number,
        "name": person.name,
        "otp_secret": secrets.shown(person.app_key) if person.app_key else None,
        "code_list": {str(index): code for index, code in enumerate(person.codes, 1)} or None,
        "phone": NEW_PHONE if person.new_phone else person.phone,
        "language": person.language,
        "has_e_id": bool(person.e_id),
        "note": person.told,
    }
