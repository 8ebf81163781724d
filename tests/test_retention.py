"""Nothing is kept longer than its class says, every table has one, and what is let go is told in the log."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from audit import erasure, keys, retention
from audit.models import Entry, SubjectKey
from audit.retention import Nonsense
from tests.cast import NOW, Cast
from tests.test_erasing import closed
from tests.test_gate import ask
from verification.models import Batch, Interaction, ParkedMatter, SmsCode, StaffToken
from verification.reasons import Reason

OURS = ("audit", "cases", "contactcentre", "ivr", "notices", "verification", "visits")
LONG = timedelta(days=36_500)


def test_every_table_of_ours_says_how_long_it_is_kept() -> None:
    models = {model._meta.label for app in OURS for model in apps.get_app_config(app).get_models()}
    assert models - {rule.model for rule in retention.rules()} == set()
    for rule in retention.rules():
        assert apps.get_model(rule.model)
        assert rule.since or rule.note, rule.model


def test_a_table_that_cannot_change_is_not_promised_to_be_deleted() -> None:
    from audit.append_only import protected

    for rule in retention.rules():
        assert not (rule.since and apps.get_model(rule.model)._meta.db_table in protected()), rule.model


def test_each_rule_runs_and_an_empty_house_tells_nothing(db: None) -> None:
    assert retention.sweep(NOW + LONG) == {}
    assert not Entry.objects.filter(kind="retention.swept").exists()


def test_what_has_had_its_time_goes_at_that_time_and_not_before(cast: Cast) -> None:
    call = cast.call(at=NOW, claims=cast.antti)
    refused = ask("change_address", call, cast.agent_aino).refusal
    assert refused.reason == Reason.LEVEL
    matter = ParkedMatter.objects.get(refusal=refused)
    due = matter.void_at + retention.lasts("secret")
    assert "verification.ParkedMatter" not in retention.sweep(due)
    assert ParkedMatter.objects.filter(pk=matter.pk).exists()
    later = due + timedelta(seconds=1)
    assert retention.sweep(later)["verification.ParkedMatter"] == 1
    assert not ParkedMatter.objects.filter(pk=matter.pk).exists()
    assert "verification.ParkedMatter" not in retention.sweep(later), "once"
    told = [json.loads(bytes(entry.body))["facts"]["rows"] for entry in Entry.objects.filter(kind="retention.swept")]
    assert [each.get("verification.ParkedMatter") for each in told] == [1]


def test_the_number_that_was_called_from_is_emptied_and_the_contact_stays(cast: Cast) -> None:
    call = cast.call(at=NOW)
    Interaction.objects.filter(pk=call.pk).update(sealed_line=b"sealed", ended_at=NOW)
    running = cast.call(at=NOW)
    Interaction.objects.filter(pk=running.pk).update(sealed_line=b"sealed")
    retention.sweep(NOW + retention.lasts("trace") + timedelta(days=1))
    assert bytes(Interaction.objects.get(pk=call.pk).sealed_line) == b""
    assert bytes(Interaction.objects.get(pk=running.pk).sealed_line) == b"sealed", "it is not over"


def test_an_import_that_nobody_approved_is_emptied(cast: Cast) -> None:
    waiting = Batch.objects.create(
        organisation=cast.organisation, sealed_content=b"sealed", digest="", rows=1, prepared_at=NOW,
        prepared_by=cast.administrator,
    )  # fmt: skip
    retention.sweep(NOW + retention.lasts("abandoned") + timedelta(days=1))
    assert bytes(Batch.objects.get(pk=waiting.pk).sealed_content) == b""


def test_keys_of_the_long_silent_are_destroyed_but_not_those_of_customers(cast: Cast) -> None:
    contact = cast.call(at=NOW)
    keys.subject_key(str(contact.pseudonym), at=NOW)
    customer = str(cast.antti.customer.pseudonym)
    assert erasure.sweep(NOW) == 0
    later = NOW + retention.lasts("log") + timedelta(days=400)
    assert erasure.sweep(later) > 0
    assert keys.find(str(contact.pseudonym)) is None
    assert keys.find(customer) is not None
    assert Entry.objects.filter(kind="audit.erased", subject_ref=str(contact.pseudonym)).count() == 1
    assert erasure.sweep(later) == 0, "once"
    assert set(SubjectKey.objects.values_list("subject_ref", flat=True)) >= {customer}


def test_every_page_of_silent_subjects_is_looked_at(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "MOST", 1)
    for n in range(3):
        keys.subject_key(f"somebody-{n}", at=NOW)
    assert erasure.sweep(NOW + retention.lasts("log") + timedelta(days=400)) >= 3


@pytest.mark.parametrize(
    "text",
    ["[a]\nbecause = 'because it has to be so'", "[a]\ndays = -1\nbecause = 'because it has to be so'",
     "[a]\ndays = 1", "a = 1", "[a]\ndays = true\nbecause = 'because it has to be so'"],
)  # fmt: skip
def test_nonsense_in_the_classes_is_named(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "retention.toml").write_text(text)
    monkeypatch.setattr(retention, "FILE", tmp_path / "retention.toml")
    retention.classes.cache_clear()
    try:
        with pytest.raises(Nonsense, match=r"retention\.toml: a"):
            retention.classes()
    finally:
        monkeypatch.undo()
        retention.classes.cache_clear()


def test_a_class_that_there_is_not_stops_the_start() -> None:
    with pytest.raises(Nonsense, match="ever"):
        retention.lasts("for ever")


def test_the_page_in_the_docs_is_the_one_that_the_rules_tell() -> None:
    call_command("retention_reference", check=True)


def test_erasing_and_retention_agree_after_all(cast: Cast) -> None:
    """A house in which much has happened is swept whole, without a row in the way of another."""
    closed(cast)
    gone = retention.sweep(NOW + LONG)
    assert gone
    assert retention.sweep(NOW + LONG) == {}
    assert not SmsCode.objects.exists()
    assert not StaffToken.objects.exists()
    connection.check_constraints()
