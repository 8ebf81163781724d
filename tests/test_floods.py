"""What comes unsigned is counted by source and minute, told once a minute, and fills neither the log nor the disk."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from audit import floods
from audit.models import Entry, Flood
from tests.phone_line import Line
from tests.twiml_walker import FORM

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 11, 10, 0, 12, tzinfo=UTC)
MINUTE = AT.replace(second=0)
LATER = AT + timedelta(minutes=1)


def knock(address: str = "192.0.2.7", *, at: datetime = AT, door: str = "twilio/voice", times: int = 1) -> None:
    for _ in range(times):
        floods.count(door=door, address=address, at=at)


def counts() -> list[int]:
    return sorted(Flood.objects.values_list("count", flat=True))


def told() -> list[dict[str, object]]:
    entries = Entry.objects.filter(kind="webhook.unsigned").order_by("id")
    return [json.loads(bytes(entry.body))["facts"] for entry in entries]


@pytest.mark.parametrize("signature", [None, "", "a forged one"])
@pytest.mark.parametrize("page", ["voice", "status", "turn/x/1", "wait/x"])
def test_an_unsigned_webhook_is_counted_and_not_written_down(
    client: Client, settings: Settings, signature: str | None, page: str
) -> None:
    settings.TWILIO_AUTH_TOKEN = "a token of the tests"
    before = Entry.objects.count()
    headers = {} if signature is None else {"X-Twilio-Signature": signature}
    with CaptureQueriesContext(connection) as asked:
        answer = client.post(f"/ivr/twilio/{page}/", "CallSid=CA1", content_type=FORM, headers=headers)
    assert answer.status_code == 403
    assert len(asked) == 1, "one small statement a request, whatever it holds"
    row = Flood.objects.get()
    assert (row.door, row.count, row.told) == (f"twilio/{page.partition('/')[0]}", 1, False)
    assert Entry.objects.count() == before


def test_a_webhook_too_large_or_of_another_form_is_counted_too(client: Client) -> None:
    assert client.post("/ivr/twilio/voice/", "x" * 70_000, content_type=FORM).status_code == 413
    assert client.post("/ivr/twilio/voice/", "{}", content_type="application/json").status_code == 415
    assert counts() == [2]


def test_what_the_provider_signed_is_not_counted(line: type[Line]) -> None:
    line().dial()
    assert not Flood.objects.exists()


def test_the_address_that_counts_is_the_one_our_proxies_tell(client: Client, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1
    for address in ("203.0.113.5", "203.0.113.6", "203.0.113.6"):
        client.post("/ivr/twilio/voice/", "", content_type=FORM, headers={"X-Forwarded-For": f"1.1.1.1, {address}"})
    assert counts() == [1, 2]


def test_no_address_is_kept_in_clear_and_one_network_is_one_source() -> None:
    knock("192.0.2.7")
    knock("2001:db8:1:2:3:4:5:6")
    knock("2001:db8:1:2:ffff::1")
    knock("2001:db8:1:3::1")
    knock("nonsense")
    assert counts() == [1, 1, 1, 2]
    for source in Flood.objects.values_list("source", flat=True):
        assert len(source) == 32
        assert "192" not in source or source == floods.source_of("192.0.2.7")


def test_a_source_is_counted_by_minute_and_door() -> None:
    knock(times=3)
    knock(door="twilio/status")
    knock(at=LATER)
    assert counts() == [1, 1, 3]


def test_however_many_sources_come_a_minute_holds_so_many_rows() -> None:
    for number in range(floods.SOURCES_A_MINUTE + 300):
        knock(f"10.0.{number // 250}.{number % 250}")
    knock("10.0.0.1")
    rows = Flood.objects.filter(minute=MINUTE)
    assert rows.count() == floods.SOURCES_A_MINUTE + 1
    assert rows.get(source="").count == 300
    assert sum(counts()) == floods.SOURCES_A_MINUTE + 301
    assert rows.get(source=floods.source_of("10.0.0.1")).count == 2, "who was known before the flood still is"


def test_a_minute_that_is_over_is_told_in_one_entry() -> None:
    knock(times=4)
    knock("192.0.2.8", door="twilio/status")
    assert floods.tell(at=AT) == 0, "it isn't over yet"
    assert floods.tell(at=LATER) == 1
    assert floods.tell(at=LATER) == 0
    assert told() == [
        {
            "minute": "2026-03-11T10:00:00.000000Z",
            "count": 5,
            "sources": 2,
            "busiest": [
                {"door": "twilio/voice", "source": floods.source_of("192.0.2.7"), "count": 4},
                {"door": "twilio/status", "source": floods.source_of("192.0.2.8"), "count": 1},
            ],
        }
    ]


def test_an_entry_is_small_however_great_the_flood() -> None:
    for number in range(200):
        knock(f"10.0.0.{number}")
    floods.tell(at=LATER)
    assert [len(facts["busiest"]) for facts in told()] == [floods.TOLD]


def test_one_who_comes_late_into_a_told_minute_is_told_of_again() -> None:
    knock()
    floods.tell(at=LATER)
    knock()
    assert floods.tell(at=LATER) == 1
    assert [facts["count"] for facts in told()] == [1, 2]


def test_what_was_told_is_forgotten_after_two_weeks() -> None:
    knock()
    floods.tell(at=LATER)
    floods.tell(at=AT + floods.KEPT - timedelta(minutes=1))
    assert counts() == [1]
    floods.tell(at=AT + floods.KEPT)
    assert counts() == []


def test_a_request_is_refused_even_when_it_cannot_be_counted(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full() -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(connection, "cursor", full)
    assert client.post("/ivr/twilio/voice/", "CallSid=CA1", content_type=FORM).status_code == 403
    assert "flood.not_counted" in caplog.text


def test_the_last_full_minute_is_what_an_alarm_looks_at() -> None:
    knock(times=7)
    assert floods.in_the_last_minute(AT) == 0
    assert floods.in_the_last_minute(LATER) == 7
    assert floods.in_the_last_minute(LATER + timedelta(minutes=1)) == 0
