"""The entries of one contact are found through an index; any fact of a body can be asked of the database."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from audit.facts import CONTACT, Fact
from audit.models import Entry
from tests.cast import NOW, Cast
from tests.test_gate import ask


def test_the_entries_of_a_contact_are_found_and_no_others(cast: Cast) -> None:
    call, other = cast.call(at=NOW, claims=cast.antti), cast.call(at=NOW)
    ask("change_address", call, cast.agent_aino)
    expected = [
        entry.pk
        for entry in Entry.objects.order_by("id")
        if json.loads(bytes(entry.body))["facts"].get("interaction") == str(call.public_id)
    ]
    found = Entry.objects.alias(contact=CONTACT).filter(contact=str(call.public_id)).order_by("id")
    assert [entry.pk for entry in found] == expected
    assert len(expected) >= 4
    assert Entry.objects.alias(contact=CONTACT).filter(contact=str(other.public_id)).exists()


def test_an_index_serves_the_question(cast: Cast) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
    wanted = Entry.objects.alias(contact=CONTACT).filter(contact="somebody's").order_by("id")
    assert "audit_entry_contact" in wanted.explain()


@pytest.mark.parametrize("name", ["action", "channel", "nothing_of_the_kind"])
def test_a_fact_is_read_out_of_the_body(cast: Cast, name: str) -> None:
    ask("change_address", cast.call(at=NOW, claims=cast.antti), cast.agent_aino)
    for entry in Entry.objects.annotate(fact=Fact(name)):
        assert entry.fact == json.loads(bytes(entry.body))["facts"].get(name)


@pytest.mark.parametrize("name", ["", "a'b", "a,b", "a b"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        Fact(name)
