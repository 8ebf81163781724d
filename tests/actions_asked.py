"""How each declared action is asked for in tests: a new one must be added here the day it is declared."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction

from verification import canonical, evidence, telling
from verification.declarations import declared
from verification.forms import clean
from verification.models import Evidence, Interaction
from verification.scene import current_claim

VALID: dict[str, dict[str, Any]] = {
    "answer_question": {"question": str(uuid4()), "text": "We are open until four.", "declined": False},
    "book_visit": {},
    "change_address": {"street": "Uusikatu 1", "postal_code": "00100", "town": "Helsinki"},
    "change_email": {"email": "uusi@example.org"},
    "change_phone": {"phone": "+358 50 765 4321"},
    "close_account": {},
    "close_case": {"case": str(uuid4())},
    "data_subject_export": {},
    "disclose_personal_data": {},
    "end_mandate": {"representative": "10000045"},
    "end_office": {"representative": "10000045", "paper": "COURT", "reference": "Turku, 12.3.2026"},
    "lift_hold": {},
    "not_me": {},
    "open_case": {"questions": "Where is my refund?"},
    "refund_to_account": {"amount": 4500, "reason": "paid twice in May"},
    "register_mandate": {
        "representative": "10000045",
        "name": "Helena Huoltaja",
        "actions": ["change_address"],
        "ends_on": "2035-12-31",
    },
    "register_office": {"paper": "REGISTER", "reference": "1234567-8, 2.3.2026", "needed": 1},
    "enrol_code_app": {},
    "enrol_passkey": {"credential_id": "A" * 22, "public_key": "pQECAyYgASFYIAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    "goods_to_new_address": {"order": "T-2026-88", "street": "Uusikatu 1", "postal_code": "00100", "town": "Helsinki"},
    "goodwill": {"amount": 1500, "reason": "waited for weeks"},
    "lasting_freeze": {},
    "refund_to_new_account": {"amount": 4500, "reason": "paid twice in May", "account": "FI21 1234 5600 0007 85"},
    "receive_walk_in": {"office": str(uuid4())},
    "reopen_keypad": {},
    "replace_code_list": {},
    "request_callback": {},
    "request_home_visit": {},
    "reset_authenticator": {"which": "TOTP"},
    "small_voucher": {"receipt": "R-2026-17", "amount": 1200, "fault": "the vegetables were missing"},
    "stop_enrolment": {},
    "stop_mandate": {},
    "stop_refund": {},
    "tell_case_state": {},
    "temporary_hold": {},
    "undo_freeze": {},
    "veto_change": {},
}
# Actions that judge more than identity: what they need besides a level is made in their own tests.
WANTS_A_ROW = frozenset(
    {"answer_question", "close_case", "end_office", "receive_walk_in", "register_office", "replace_code_list"}
)


def approved_by_customer(
    call: Interaction, name: str, *, at: datetime, parameters: dict[str, Any] | None = None
) -> Evidence:
    """Note that the speaker approved exactly this, on a slip that two clerks have seen: worth nothing by itself."""
    action, claim = declared(name), current_claim(call)
    assert action is not None
    assert claim is not None
    cleaned, errors = clean(action.form, VALID[name] if parameters is None else parameters)
    assert not errors, errors
    with transaction.atomic():
        return evidence.note(claim, "SIGNED_SLIP", at=at, by=None, approves=canonical.digest(name, cleaned))


def tell_what_is_due(at: datetime) -> None:
    """Tell the recorded contacts of every grant that is still to be told of, as the worker's sweep does."""
    for telling_id in telling.due(at=at):
        telling.carry_out(telling_id, at=at)
