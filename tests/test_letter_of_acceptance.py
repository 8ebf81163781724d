"""The letter of an accepted document names the day: it is read when the post has come, not when it was written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from notices.models import Notice
from tests.cast import Cast
from verification.models import Customer

LATE = datetime(2026, 3, 11, 22, 30, tzinfo=UTC)  # half past midnight at the desk: the 12th


@pytest.mark.parametrize(
    ("person", "day"), [("antti", "palvelutiskillämme 12.3.2026."), ("antti3", "den 12 mars 2026.")]
)
def test_the_letter_of_an_accepted_document_names_the_day_at_the_desk(cast: Cast, person: str, day: str) -> None:
    cast.desk(at=LATE, claims=cast.people[person], level="SUBSTANTIAL")
    notices = Notice.objects.filter(about="identity_accepted")
    assert notices
    assert all(day in notice.text for notice in notices)
    assert {notice.language for notice in notices} == {Customer.objects.get(number=cast.people[person].number).language}
