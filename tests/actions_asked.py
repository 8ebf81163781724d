"""How each declared action is asked for in tests: a new one must be added here the day it is declared."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from verification import telling

VALID: dict[str, dict[str, Any]] = {
    "answer_question": {"question": str(uuid4()), "text": "We are open until four.", "declined": False},
    "book_visit": {},
    "change_address": {"street": "Uusikatu 1", "postal_code": "00100", "town": "Helsinki"},
    "close_case": {"case": str(uuid4())},
    "disclose_personal_data": {},
    "end_mandate": {"representative": "10000045"},
    "end_office": {"representative": "10000045", "paper": "COURT", "reference": "Turku, 12.3.2026"},
    "lift_hold": {},
    "open_case": {"questions": "Where is my refund?"},
    "refund_to_account": {"amount": 4500, "reason": "paid twice in May"},
    "register_mandate": {
        "representative": "10000045",
        "actions": ["change_address"],
        "ends_on": "2035-12-31",
    },
    "register_office": {"paper": "REGISTER", "reference": "1234567-8, 2.3.2026", "needed": 1},
    "reopen_keypad": {},
    "request_callback": {},
    "small_voucher": {"receipt": "R-2026-17", "amount": 1200, "fault": "the vegetables were missing"},
    "tell_case_state": {},
    "temporary_hold": {},
    "veto_change": {},
}
# Actions that judge more than identity: what they need besides a level is made in their own tests.
WANTS_A_ROW = frozenset({"answer_question", "close_case", "end_office", "register_office"})


def tell_what_is_due(at: datetime) -> None:
    """Tell the recorded contacts of every grant that is still to be told of, as the worker's sweep does."""
    for telling_id in telling.due(at=at):
        telling.carry_out(telling_id, at=at)
