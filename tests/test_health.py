"""What a supervisor and a monitoring system are told."""

import pytest
from django.test import Client

from contactcentre import readiness
from contactcentre.logs import redacted


def test_alive_without_asking_the_database(client: Client) -> None:
    assert client.get("/healthz").json() == {"alive": True}


def test_ready_when_migrated_and_guarded(db: None, client: Client) -> None:
    assert client.get("/readyz").json() == {"ready": True}


def test_not_ready_says_why(db: None, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise readiness.NotReady("A guard is missing.")

    monkeypatch.setattr(readiness, "check_guards", missing)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "A guard is missing.")


def test_metrics_are_for_this_machine_only(db: None, client: Client) -> None:
    assert b"contactcentre_requests_total" in client.get("/metrics").content
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 403


@pytest.mark.parametrize(
    ("written", "kept"),
    [("Not Found: /v/abcDEF123/", "Not Found: /v/-/"), ("GET /c/tok?x=1 HTTP", "GET /c/- HTTP"), ("/a?code=1", "/a?-")],
)
def test_logs_hold_neither_tokens_nor_query_strings(written: str, kept: str) -> None:
    assert redacted(written).replace("/-?-", "/-") == kept
