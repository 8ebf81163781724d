"""An Entry is written with what it describes, in one canonical form, and forgets a person when his key is destroyed."""

import hashlib
import hmac
import json
import os
import threading
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from django.db import IntegrityError, connection, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit import keys, log
from audit.canonical import canonical
from audit.erasure import erase
from audit.log import NotInTransaction, Tampered, read, record
from audit.models import AppendOnlyError, Entry, SubjectKey

AT = datetime(2026, 11, 22, 0, 40, tzinfo=UTC)
KEY = bytes(range(32))
UID = UUID("00000000-0000-4000-8000-000000000000")
# Computed from the written formulas by other code than ours.
GOLDEN_BODY = (
    b'{"actor":"staff:a-1","at":"2026-11-22T00:40:00.000000Z","ct_sha256":"6c933424615295aafacc9a079d41383f185fbdaa87435c96b65850ab9d540274",'
    b'"facts":{"held":"LOW","steps":["a",null,true],"tries":3},'
    b'"key_commit":"87a312ddc3d875355aadba9c8415d0f63017ed14d040147eedac070b3f57ed98","kind":"gate.refused",'
    b'"org":"o-1","outcome":"refused","purpose":"You asked for a refund","subject":"s-7f3c",'
    b'"uid":"00000000-0000-4000-8000-000000000000","v":1}'
)
GOLDEN_PAYLOAD = (
    "01000102030405060708090a0b3c20b87aa880e021af8213e2db2ace4faff4f75c9f153a5e0245ceb62851348230229dc89a"
    "f725ba09e1f2515fe93f1ac7794cf248270f9c02"
)

leaves = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()
names = st.text(st.characters(max_codepoint=127))
documents = st.dictionaries(
    names, st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(names, inner), max_leaves=15)
)


class Word(StrEnum):
    NO = "no"


class Number(IntEnum):
    TWO = 2


def write(**changes: Any) -> UUID:
    given = {
        "kind": "gate.refused",
        "actor": "staff:a-1",
        "subject": "s-7f3c",
        "at": AT,
        "outcome": "refused",
        "purpose": "You asked for a refund",
        "facts": {"held": "LOW", "tries": 3, "steps": ["a", None, True]},
    }
    return record(**(given | changes))


def entry(uid: UUID) -> Entry:
    return Entry.objects.get(uid=uid)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # the first draw builds Unicode's tables
@given(documents)
def test_the_canonical_bytes_are_those_of_rfc_8785(document: dict[str, Any]) -> None:
    assert canonical(document) == rfc8785.dumps(document)


def test_every_character_and_what_only_looks_like_text_or_a_number_is_written_as_in_rfc_8785() -> None:
    plane = "".join(chr(code) for code in range(0x11000) if not 0xD800 <= code < 0xE000) + "\U0010ffff"
    keys = {chr(code): code for code in range(128)}
    document = {"text": plane, "keys": keys, "word": Word.NO, "level": Number.TWO, "pair": (1, [True, (None,)])}
    assert canonical(document) == rfc8785.dumps({**document, "word": "no", "level": 2})


def test_the_example_of_the_published_form_has_exactly_these_bytes() -> None:
    example = {
        "v": 1, "uid": str(UID), "at": log.moment(AT), "kind": "verification.attempt", "actor": "agent:42",
        "subject": "s-7f3c", "outcome": "refused",
        "ct_sha256": "60626a1baef2fe423eca3d9f312f4675b35d106edbde5404dc8e324b74fae3eb",
    }  # fmt: skip
    leaf = hashlib.sha256(b"\0" + canonical(example)).hexdigest()
    assert leaf == "5963e7fae4f2ea98994debb2bf1b776311ef75326fccc48eb987fd016d2a986e"


@pytest.mark.django_db
def test_an_entry_has_golden_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "uuid4", lambda: UID)
    monkeypatch.setattr(os, "urandom", lambda count: bytes(range(count)))
    written = entry(write(personal={"phone": "+358401234567", "name": "Äijö"}, organisation="o-1"))
    assert bytes(written.body) == GOLDEN_BODY
    assert bytes(written.payload_ct or b"").hex() == GOLDEN_PAYLOAD
    envelope = read(written).envelope
    assert envelope["key_commit"] == hmac.digest(KEY, b"commit", "sha256").hex()
    assert envelope["ct_sha256"] == hashlib.sha256(bytes.fromhex(GOLDEN_PAYLOAD)).hexdigest()


@pytest.mark.django_db
def test_the_query_columns_are_copies_of_the_body() -> None:
    written = entry(write())
    envelope = read(written).envelope
    copies = (str(written.uid), written.kind, written.subject_ref, written.actor, written.outcome)
    assert copies == tuple(envelope[name] for name in ("uid", "kind", "subject", "actor", "outcome"))
    assert written.epoch == 1
    assert written.at.tzinfo is not None


@pytest.mark.django_db
def test_every_envelope_of_a_subject_commits_to_the_same_key_from_the_first() -> None:
    commitments = {read(entry(write(personal=personal))).envelope["key_commit"] for personal in (None, {"a": 1}, None)}
    assert commitments == {bytes(SubjectKey.objects.get(subject_ref="s-7f3c").commitment).hex()}


@pytest.mark.django_db
def test_two_readings_of_the_same_personal_payload_never_have_the_same_hash() -> None:
    hashes = {read(entry(write(personal={"phone": "+358401234567"}))).envelope["ct_sha256"] for _ in range(3)}
    assert len(hashes) == 3


@pytest.mark.django_db
def test_a_moment_is_written_in_utc_with_microseconds() -> None:
    helsinki = datetime(2026, 11, 22, 2, 40, tzinfo=timezone(timedelta(hours=2)))
    assert read(entry(write(at=helsinki))).envelope["at"] == "2026-11-22T00:40:00.000000Z"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("facts", "path"),
    [
        ({"amount": 1.0}, "facts.amount"),
        ({"a": [1, {"b": 2**53}]}, "facts.a[1].b"),
        ({"ä": 1}, "facts: the key 'ä'"),
        ({"a": {1: 2}}, "facts.a: the key 1"),
        ({"when": AT}, "facts.when"),
        ({"half": "\ud800"}, "facts.half"),
    ],
)
def test_a_value_without_one_canonical_form_is_refused_by_its_path(facts: dict[Any, Any], path: str) -> None:
    with pytest.raises(TypeError) as refused:
        write(facts=facts)
    assert str(refused.value).startswith(path)
    with pytest.raises(TypeError, match="personal"):
        write(personal={"x": 0.5})
    with pytest.raises(TypeError, match="purpose"):
        write(purpose="\ud800")
    with pytest.raises(TypeError, match="org"):
        write(organisation=1.5)
    assert not Entry.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [{"kind": "Refused"}, {"actor": "antti"}, {"subject": ""}, {"outcome": "a\0"}, {"facts": {"a": "x" * 70_000}}],
)
def test_a_malformed_or_too_long_entry_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        write(**changes)
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError, match="time zone"):
        write(at=datetime(2026, 11, 22))


def test_nothing_is_recorded_outside_a_transaction(live_database: str) -> None:
    with pytest.raises(NotInTransaction):
        write()
    assert not Entry.objects.exists()
    assert not SubjectKey.objects.exists()


def test_a_rollback_leaves_no_entry_and_no_key(live_database: str) -> None:
    with transaction.atomic():
        write(personal={"a": 1})
        transaction.set_rollback(True)
    assert not Entry.objects.exists()
    assert not SubjectKey.objects.exists()


def test_two_that_first_speak_of_a_subject_at_once_share_one_key(live_database: str) -> None:
    uids, together = [], threading.Barrier(4)

    def speak() -> None:
        together.wait(10)
        with transaction.atomic():
            uids.append(write(personal={"a": 1}))
        connections.close_all()

    threads = [threading.Thread(target=speak) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [read(entry(uid)).personal for uid in uids] == [{"a": 1}] * 4


@pytest.mark.django_db
def test_erasure_makes_the_personal_part_unreadable_and_leaves_every_byte() -> None:
    uid = write(personal={"name": "Antti"})
    before = entry(uid)
    erased = erase(subject="s-7f3c", actor="staff:b-2", purpose="You asked to be forgotten", at=AT)
    after = entry(uid)
    assert (bytes(after.body), after.payload_ct) == (bytes(before.body), before.payload_ct)
    assert read(before).personal == "erased"
    assert read(entry(erased)).envelope["kind"] == "audit.erased"
    assert not SubjectKey.objects.exists()


@pytest.mark.django_db
def test_a_new_key_after_an_erasure_does_not_open_what_came_before() -> None:
    old = write(personal={"name": "Antti"})
    for _ in range(2):
        erase(subject="s-7f3c", actor="staff:b-2", purpose="You asked to be forgotten", at=AT)
    new = write(personal={"name": "Aino"})
    assert [read(entry(uid)).personal for uid in (old, new)] == ["erased", {"name": "Aino"}]


@pytest.mark.django_db
def test_a_payload_exchanged_for_another_is_noticed() -> None:
    first, second = entry(write(personal={"a": 1})), entry(write(personal={"a": 2}))
    first.payload_ct = second.payload_ct
    with pytest.raises(Tampered):
        read(first)


@pytest.mark.django_db
def test_a_payload_moved_to_another_entry_with_its_hash_does_not_open() -> None:
    first, second = entry(write(personal={"a": 1})), entry(write(personal={"a": 2}))
    envelope = json.loads(bytes(first.body)) | {"ct_sha256": read(second).envelope["ct_sha256"]}
    first.body, first.payload_ct = canonical(envelope), second.payload_ct
    with pytest.raises(keys.Unreadable):
        read(first)


@pytest.mark.django_db
def test_a_wrapped_key_moved_to_another_subject_does_not_open() -> None:
    write(personal={"a": 1})
    SubjectKey.objects.update(subject_ref="s-other")
    with pytest.raises(keys.Unreadable):
        keys.find("s-other")


@pytest.mark.django_db
def test_an_entry_of_less_than_two_bytes_is_refused_by_the_database() -> None:
    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_entry (uid, kind, subject_ref, actor, outcome, body)"
            " VALUES (%s, 'a', 's', 'x', 'o', %s)",
            [UID if connection.vendor == "postgresql" else UID.hex, b"1"],
        )


@pytest.mark.django_db
def test_the_model_has_no_other_door() -> None:
    written = entry(write())
    for attempt in (
        written.save,
        written.delete,
        Entry.objects.create,
        Entry.objects.all().delete,
        lambda: Entry.objects.update(kind="x"),
        lambda: Entry.objects.bulk_create([written]),
    ):
        with pytest.raises(AppendOnlyError):
            attempt()


def test_what_was_sealed_opens_only_in_its_own_context() -> None:
    sealed = keys.seal("otp-secret", context="authenticator:1")
    assert keys.unseal(sealed, context="authenticator:1") == b"otp-secret"
    assert sealed[:1] == keys.VERSION
    assert sealed != keys.seal("otp-secret", context="authenticator:1")
    for broken, context in (
        (sealed, "authenticator:2"),
        (b"\x02" + sealed[1:], "authenticator:1"),
        (sealed[:-1] + bytes([sealed[-1] ^ 1]), "authenticator:1"),
        (b"", "authenticator:1"),
        (b"\x01", "authenticator:1"),
    ):
        with pytest.raises(keys.Unreadable):
            keys.unseal(broken, context=context)
