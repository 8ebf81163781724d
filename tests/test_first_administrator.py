"""A real database starts with nobody in it: one command lets the first two administrators in, and no third."""

from __future__ import annotations

from base64 import b32decode
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from audit.log import read
from audit.models import Entry
from contactcentre import console
from tests.cast import totp
from tests.staff_browser import now
from verification.models import Organisation, Staff

WORD = "seven quiet lakes at dawn"


def first(organisation: str = "Kassa", username: str = "aila") -> str:
    """Run the command and return the path of the link that it prints."""
    said = StringIO()
    call_command("first_administrator", "--organisation", organisation, "--username", username, stdout=said)
    return said.getvalue().strip().splitlines()[-1].removeprefix("http://testserver")


def set_up(link: str) -> None:
    browser = Client()
    page = browser.get(link, follow=True)
    key = b32decode(page.context["key"].replace(" ", ""))
    browser.post("/admin/set-up/", {"password": WORD, "again": WORD, "token": totp(key, now())})


def test_the_first_administrator_sets_his_account_up_by_the_link(db: None) -> None:
    set_up(first())
    made = Staff.objects.get()
    assert (made.username, made.role, made.organisation.name) == ("aila", "ADMINISTRATOR", "Kassa")
    assert made.check_password(WORD)
    assert read(Entry.objects.get(kind="staff.first_administrator")).personal == {"ran_by": console.operator()}


def test_there_are_two_since_one_alone_could_open_none_who_approves_and_no_third(db: None) -> None:
    for name in ("aila", "asko"):
        set_up(first(username=name))
    for name in ("aila", "asko", "arto"):
        with pytest.raises(CommandError, match="has its administrators already"):
            first(username=name)
    assert Staff.objects.count() == 2
    assert Organisation.objects.count() == 1


def test_it_is_no_way_around_the_reset_of_one_who_was_in(db: None) -> None:
    set_up(first())
    Staff.objects.update(password="!", last_login=now())  # as a reset leaves it
    with pytest.raises(CommandError, match="has its administrators already"):
        first()


def test_a_lost_link_of_an_account_never_set_up_is_made_anew(db: None) -> None:
    first()
    set_up(first())
    assert Staff.objects.get().check_password(WORD)


def test_a_mistyped_organisation_makes_no_second_one_between_which_calls_would_be_lost(db: None) -> None:
    first()
    with pytest.raises(CommandError, match="none here is named 'Kasa'"):
        first("Kasa", "asko")
    assert [each.name for each in Organisation.objects.all()] == ["Kassa"]
    assert Staff.objects.count() == 1


@pytest.mark.parametrize(("organisation", "username"), [("", "aila"), ("x" * 121, "aila"), ("Kassa", "a b"), ("K", "")])
def test_a_name_that_cannot_be_used_is_told_and_nothing_is_made(db: None, organisation: str, username: str) -> None:
    with pytest.raises(CommandError):
        first(organisation, username)
    assert not Staff.objects.exists()
    assert not Organisation.objects.exists()
