"""The auditor reads a contact from ring to outcome, and why each decision fell; what he opens is recorded first."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audit import explained, log_keys, timeline
from audit.models import Entry
from audit.naming import Staff
from tests import logs
from tests.cast import NOW, Cast
from tests.staff_browser import ROLES, gathered, signed_in
from tests.test_gate import ask
from tests.test_log_proofs import verdicts
from verification import auditing, policy, rejudging
from verification.gate import Granted, Refused
from verification.interactions import end

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Cast:
    return gathered()


@pytest.fixture
def browser(people: Cast) -> Client:
    return signed_in(people.auditor)


def entry_of(decision: Granted | Refused) -> Entry:
    uid = decision.grant.entry if isinstance(decision, Granted) else decision.refusal.entry
    return Entry.objects.get(uid=uid)


def told(kind: str) -> list[dict[str, Any]]:
    return [json.loads(bytes(each.body)) for each in Entry.objects.filter(kind=kind).order_by("id")]


def test_a_contact_is_told_from_ring_to_outcome(people: Cast, browser: Client) -> None:
    contact = people.call(at=NOW, claims=people.antti)
    refused = entry_of(ask("change_address", contact, people.agent_aino))
    end(contact.public_id, at=NOW + timedelta(minutes=9))
    html = browser.get(reverse("admin:audit_contact", args=[contact.public_id])).content.decode()
    shown = [html.index(words) for words in ("contact opened", "customer named", "request refused", "contact ended")]
    assert shown == sorted(shown)
    assert reverse("admin:audit_entry_change", args=[refused.pk]) in html
    assert f"{people.agent_aino.get_full_name()} (agent)" in html
    assert "the level of assurance is too low" in html
    assert html.count("mark-refused") == 1


def test_long_silence_shows_as_a_gap(people: Cast) -> None:
    contact = people.call(at=NOW, claims=people.antti)
    organisation = str(people.organisation.pk)
    entries = list(Entry.objects.filter(kind__startswith="interaction.").order_by("id"))
    assert entries
    logs.disarm()
    logs.tamper("UPDATE audit_entry SET at = %s WHERE id = %s", "2020-01-01 10:00:00.5", entries[0].pk)
    steps, more = timeline.of(str(contact.public_id), organisation, Staff(organisation))
    assert not more
    assert steps[0].gap == ""
    assert steps[1].gap.endswith("days")
    assert {step.gap for step in steps[2:]} == {""}


def test_another_organisation_sees_neither_contact_nor_entry_nor_proof(people: Cast, browser: Client) -> None:
    contact = people.call(at=NOW, claims=people.antti)
    refused = entry_of(ask("change_address", contact, people.agent_aino))
    logs.disarm()
    logs.tamper("UPDATE audit_entry SET org = %s", "999999")
    assert browser.get(reverse("admin:audit_contact", args=[contact.public_id])).status_code == 404
    for name in ("admin:audit_entry_change", "admin:audit_proof"):
        answer = browser.get(reverse(name, args=[refused.pk]))
        assert (answer.status_code, answer.url) == (302, reverse("admin:audit_entry_changelist"))
    assert not told("audit.read")
    assert not told("audit.contact_read")


PAGES = ("admin:audit_entry_changelist", "admin:audit_exports", "admin:audit_export_rows")


@pytest.mark.parametrize("role", sorted(set(ROLES) - {"AUDITOR"}))
def test_nobody_but_an_auditor_comes_to_any_page(people: Cast, role: str) -> None:
    contact = people.call(at=NOW, claims=people.antti)
    refused = entry_of(ask("change_address", contact, people.agent_aino))
    browser = signed_in(people.staff[ROLES[role]])
    addresses = [reverse(name) for name in PAGES]
    addresses += [reverse(f"admin:audit_{name}", args=[refused.pk]) for name in ("entry_change", "proof")]
    addresses += [reverse(f"admin:audit_{name}", args=[contact.public_id]) for name in ("contact", "export_file")]
    for address in addresses:
        assert browser.get(address).status_code == 403, address
    assert not Entry.objects.filter(kind__startswith="audit.").exists()


def test_what_is_opened_is_recorded_about_everybody_whom_it_is_about(people: Cast, browser: Client) -> None:
    contact = people.call(at=NOW, claims=people.antti)
    refused = entry_of(ask("change_address", contact, people.agent_aino))
    browser.get(reverse("admin:audit_contact", args=[contact.public_id]))
    browser.get(reverse("admin:audit_entry_change", args=[refused.pk]))
    about = {each["subject"] for each in told("audit.contact_read")}
    assert {str(people.antti.customer.pseudonym), str(contact.pseudonym)} <= about
    (opened,) = told("audit.read")
    assert (opened["subject"], opened["actor"]) == (refused.subject_ref, people.auditor.actor)
    assert opened["facts"] == {
        "entry": str(refused.uid), "kind": "gate.refused", "personal": True, "role": "AUDITOR",
    }  # fmt: skip
    steps, _ = timeline.of(str(contact.public_id), str(people.organisation.pk), Staff(""))
    assert not any(step.entry.kind.startswith("audit.") for step in steps), "a contact isn't prolonged by its readers"


@pytest.mark.parametrize("name", ["audit_entry_change", "audit_contact", "audit_entry_changelist"])
def test_without_its_entry_nothing_is_shown(
    people: Cast, browser: Client, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = people.call(at=NOW, claims=people.antti)
    refused = entry_of(ask("change_address", contact, people.agent_aino))
    args = {"audit_entry_change": [refused.pk], "audit_contact": [contact.public_id]}.get(name, [])

    def full(**_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("audit.reading.record", full)
    with pytest.raises(OSError, match="disk full"):
        browser.get(reverse(f"admin:{name}", args=args), {} if args else {"kind": "gate.refused"})


def test_a_refusal_is_explained_and_judged_again(people: Cast, browser: Client) -> None:
    refused = entry_of(ask("change_address", people.call(at=NOW, claims=people.antti), people.agent_aino))
    html = browser.get(reverse("admin:audit_entry_change", args=[refused.pk])).content.decode()
    for words in ("The level of assurance is too low", "Level required then", "substantial", "the same answer"):
        assert words in html, words
    why = explained.of(refused)
    assert why is not None
    assert why.agrees is True


def test_a_grant_shows_its_proofs_and_how_old_they_were(people: Cast) -> None:
    desk = people.desk(at=NOW - timedelta(minutes=7), claims=people.antti)
    granted = ask("change_address", desk, people.clerk_kalle)
    assert isinstance(granted, Granted)
    why = explained.of(entry_of(granted))
    assert why is not None
    assert why.evidence
    assert why.evidence[0][2] == "7 minutes"
    assert why.agrees is True
    assert why.rule == "Every rule was met: nothing spoke against it."


def other_policy(*changes: tuple[str, str]) -> policy.Policy:
    text = policy.FILE.read_text(encoding="utf-8")
    for was, becomes in changes:
        assert was in text
        text = text.replace(was, becomes, 1)
    return policy.read(text)


def test_a_policy_that_has_changed_since_is_said_with_what_it_would_answer(
    people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted = entry_of(ask("change_address", people.desk(at=NOW, claims=people.antti), people.clerk_kalle))
    version = policy.current().version
    renamed = other_policy((f'version = "{version}"', 'version = "another"'))
    harder = replace(renamed, worth={})
    monkeypatch.setattr(rejudging, "current", lambda: renamed)
    same = explained.of(granted)
    assert same is not None
    assert (same.agrees, "today's gives the same answer" in same.again) == (True, True)
    monkeypatch.setattr(rejudging, "current", lambda: harder)
    differs = explained.of(granted)
    assert differs is not None
    assert differs.agrees is False
    assert f"then {version}, now another" in differs.again
    assert "refused" in differs.again


def test_the_same_policy_with_another_answer_is_something_to_report(
    people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted = entry_of(ask("change_address", people.desk(at=NOW, claims=people.antti), people.clerk_kalle))
    judged = rejudging.again(granted, json.loads(bytes(granted.body)))
    assert judged.answer is not None
    other = replace(judged.answer, reason="LEVEL")
    monkeypatch.setattr(rejudging, "once_more", lambda *_: other)
    why = explained.of(granted)
    assert why is not None
    assert why.agrees is False
    assert "Report this" in why.again


def test_caps_are_counted_again_from_what_was_granted_before(people: Cast) -> None:
    contact = people.call(at=NOW, claims=people.antti)
    decisions = [ask("temporary_hold", contact, people.agent_aino) for _ in range(3)]
    assert [type(each) for each in decisions] == [Granted, Granted, Refused]
    for decision in decisions:
        why = explained.of(entry_of(decision))
        assert why is not None
        assert why.agrees is True
    last = entry_of(decisions[-1])
    judged = rejudging.again(last, json.loads(bytes(last.body)))
    assert judged.answer is not None
    assert judged.answer.reason == "CAP"


def test_a_refusal_that_no_policy_decides_says_so(people: Cast) -> None:
    contact = people.call(at=NOW, claims=people.antti)
    end(contact.public_id, at=NOW)
    refused = entry_of(ask("change_address", contact, people.agent_aino))
    why = explained.of(refused)
    assert why is not None
    assert why.agrees is None
    assert why.again == "No policy decides this: the rule holds under every one."


def test_every_decision_of_the_gate_is_explained_and_other_entries_are_not() -> None:
    entries = {kind: Entry(kind=kind, body=b'{"facts":{}}') for kind in ("claim.made", "audit.read")}
    assert [explained.of(entry) for entry in entries.values()] == [None, None]
    with pytest.raises(RuntimeError, match="twice"):
        explained.register("gate.granted", auditing.explain)


def test_the_proof_is_one_file_that_an_outsider_verifies(
    people: Cast, browser: Client, tmp_path: Path, settings: Any
) -> None:
    settings.DATA_DIR = tmp_path / "var"
    refused = entry_of(ask("change_address", people.call(at=NOW, claims=people.antti), people.agent_aino))
    page, proof = (
        reverse("admin:audit_entry_change", args=[refused.pk]),
        reverse("admin:audit_proof", args=[refused.pk]),
    )
    assert "no place in the tree yet" in browser.get(page).content.decode()
    assert browser.get(proof).url == page
    assert not told("audit.proof_fetched")
    tree = logs.sequence()
    assert "no signed checkpoint covers it yet" in browser.get(page).content.decode()
    logs.publish()
    assert proof in browser.get(page).content.decode()
    answer = browser.get(proof)
    assert answer["Content-Disposition"] == f'attachment; filename="{refused.uid}.tlog-proof"'
    file = tmp_path / "entry.tlog-proof"
    file.write_bytes(answer.content)
    assert verdicts(file, log_keys.vkeys(tree)[0])
    assert [each["facts"]["entry"] for each in told("audit.proof_fetched")] == [str(refused.uid)]


def test_an_entry_that_was_altered_gives_no_proof(people: Cast, browser: Client, tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path / "var"
    refused = entry_of(ask("change_address", people.call(at=NOW, claims=people.antti), people.agent_aino))
    logs.sequence()
    logs.publish()
    logs.disarm()
    body = bytes(refused.body).replace(b'"refused"', b'"granted"')
    logs.tamper("UPDATE audit_entry SET body = %s WHERE id = %s", body, refused.pk)
    answer = browser.get(reverse("admin:audit_proof", args=[refused.pk]), follow=True)
    assert "can&#x27;t be proven" in answer.content.decode()
    assert not told("audit.proof_fetched")
