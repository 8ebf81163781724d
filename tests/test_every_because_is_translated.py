"""Why an action asks what it asks is read by staff in their own language: no declared reason is left in English."""

from __future__ import annotations

import pytest
from django.utils import translation

from verification.declarations import all_declared


@pytest.mark.parametrize("language", ["fi", "sv"])
def test_the_reason_of_every_action_is_said_in_the_language_of_the_staff(language: str) -> None:
    with translation.override(language):
        left = [each.name for each in all_declared() if translation.gettext(each.because) == each.because]
    assert not left
