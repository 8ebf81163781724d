"""What is typed on the keypad is kept nowhere: no log line, address, task or column of the database has it."""

import io
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import current_app
from celery.signals import before_task_publish
from django.db import connection

from contactcentre import logs
from notices.models import Notice
from tests.cast import Cast, wrong
from tests.namesakes_asked import Bridge
from tests.phone_line import OTHER_CODE, Line, now
from verification import sms_codes

Lines = Callable[[], Line]
# UUIDs, keys and hashes in hex or base64, and fractions of a second.
DRAWN = re.compile(r"[0-9a-fA-F-]{32,}|[A-Za-z0-9+/=_$-]{40,}|\.\d{6}(?=\D|$)")


@pytest.fixture
def stdout() -> Iterator[io.StringIO]:
    """Collect what an operator's log would hold, at the lowest level there is."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.formatter())
    handler.addFilter(logs.WithoutTokens())
    root = logging.getLogger()
    root.addHandler(handler)
    before, _ = root.level, root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
def published() -> Iterator[list[str]]:
    """Collect the arguments of every task that is sent."""
    sent: list[str] = []

    def note(body: Any = None, headers: Any = None, **_: Any) -> None:
        sent.append(f"{headers} {body}")

    before_task_publish.connect(note, weak=False)
    yield sent
    before_task_publish.disconnect(note)


def typed_in_a_long_call(line: Lines, cast: Cast) -> tuple[Line, list[str]]:
    """Try a wrong code of each kind, prove with one by text message, use the whole menu; give every secret typed."""
    missed, of_list = wrong(cast.antti.app_code(now())), wrong(cast.antti2.list_code())
    phone = line().type_app_code(cast.antti.number, missed)
    phone.press(cast.antti2.number).press("2").press(of_list)
    phone.press(cast.antti.number).press("4")
    for code_id in sms_codes.due(at=now()):
        sms_codes.settle(code_id, at=now())
    sent = re.findall(r"\b\d{6}\b", Notice.objects.get(about="sms_code").text)
    phone.press(sent[0])
    for keys in ("1", "2", "3", "4", "0"):
        phone.press(keys)
    return phone, [missed, of_list, *sent]


def everything_stored() -> Iterator[tuple[str, str]]:
    """Give every value of every table as text, with the name of its column."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    yield f"{table}.{name}", as_text(value)


def as_text(value: object) -> str:
    """Give a value as text without what is drawn at random or is a clock's fraction: any six digits may be in those."""
    if isinstance(value, bytes | memoryview):
        try:
            value = bytes(value).decode()
        except UnicodeDecodeError:
            return ""  # ciphertext
    return DRAWN.sub("", str(value))


def test_no_code_is_in_any_column_of_the_database(line: Lines, cast: Cast) -> None:
    _, codes = typed_in_a_long_call(line, cast)
    stored = [*everything_stored()]
    assert {column for column, value in stored if "keypad.code_tried" in value} >= {"audit_entry.body"}
    assert {column for column, value in stored if "sms_code.sent" in value} >= {"audit_entry.body"}
    assert not [column for column, value in stored for code in codes if code in value]


def test_no_customer_number_is_in_the_tables_of_the_telephone(line: Lines, cast: Cast) -> None:
    typed_in_a_long_call(line, cast)
    of_the_phone = [(column, value) for column, value in everything_stored() if column.startswith("ivr_")]
    assert of_the_phone
    for number in (cast.antti.number, cast.antti2.number, "+358401234567"):
        assert not [column for column, value in of_the_phone if number in value]


def test_a_day_of_birth_that_was_keyed_in_is_nowhere(
    bridge: Bridge, stdout: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the day nor the name that was said stays: only that one was picked."""
    typed, before = "2202", [*everything_stored()]
    with caplog.at_level(logging.DEBUG):
        phone = bridge.asked(("Nimekäs", "Nimetön")).press(typed)
    for secret in (typed, "Nimekäs", "Nimetön"):
        found = [column for column, value in everything_stored() if secret in value and (column, value) not in before]
        assert not found
        assert secret not in " ".join(sent.path for sent in phone.sent)
    assert f"Digits={typed}" not in caplog.text
    assert f'"{typed}"' not in stdout.getvalue()
    assert f"'{typed}'" not in caplog.text
    assert phone.call.token not in stdout.getvalue()


def test_no_code_is_in_an_address(line: Lines, cast: Cast) -> None:
    phone, codes = typed_in_a_long_call(line, cast)
    addresses = " ".join(sent.path for sent in phone.sent)
    assert not [code for code in [*codes, cast.antti.number] if code in addresses]


def test_no_code_number_or_token_is_logged(
    line: Lines, cast: Cast, stdout: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        phone, codes = typed_in_a_long_call(line, cast)
        phone.post("/ivr/twilio/turn/" + phone.call.token + "/99/nowhere/")
    written = stdout.getvalue()
    assert "ivr/" in written
    for secret in [*codes, cast.antti.number, cast.antti2.number]:
        assert secret not in written
        assert secret not in caplog.text
    assert phone.call.token not in written


def test_a_fault_in_the_judgement_of_a_code_logs_the_place_and_not_the_code(
    line: Lines, cast: Cast, stdout: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object, **named: object) -> None:
        raise RuntimeError(f"it broke over {given} {named}")

    monkeypatch.setattr("verification.keypad.check", broken)
    phone = line().type_app_code(cast.antti.number, "975310")
    phone.heard("fault in our system")
    assert phone.queue == "unverified"
    assert "RuntimeError" in stdout.getvalue()
    assert "975310" not in stdout.getvalue()


def test_no_code_is_given_to_a_task(
    line: Lines, cast: Cast, published: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    assert current_app.conf.task_always_eager is False
    with django_capture_on_commit_callbacks(execute=True):
        _, codes = typed_in_a_long_call(line, cast)
    assert published
    assert not [code for code in [*codes, cast.antti.number] if code in " ".join(published)]


def test_the_token_of_a_call_is_left_out_of_a_log_line() -> None:
    line = 'POST /ivr/twilio/turn/AbC_123-xyz/4/ and "/ivr/twilio/wait/AbC_123-xyz/" answered /ivr/twilio/voice/'
    assert logs.redacted(line) == ('POST /ivr/twilio/turn/-/4/ and "/ivr/twilio/wait/-/" answered /ivr/twilio/voice/')


def test_a_code_that_was_refused_counts_as_a_try_and_nothing_else(line: Lines, cast: Cast) -> None:
    phone = line().type_app_code(cast.antti.number, OTHER_CODE)
    assert [*phone.interaction.code_tries.values_list("outcome", flat=True)] == ["NOT_MATCHED"]
