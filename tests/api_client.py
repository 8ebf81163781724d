"""A client of the API as one member of the cast, and what the log says of what he asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

from rest_framework.test import APIClient

from audit.models import Entry
from tests.cast import Cast
from verification.models import StaffToken


def now() -> datetime:
    """Return this moment: the API reads its own clock."""
    return datetime.now(UTC)


def token_of(cast: Cast, username: str) -> str:
    """Give a member of the staff a token without the ceremony."""
    staff, word, at = cast.staff[username], token_urlsafe(32), now()
    StaffToken.objects.create(
        staff=staff, digest=sha256(word.encode()).hexdigest(), role=staff.role,
        password_mark=staff.get_session_auth_hash(), issued_at=at, expires_at=at + timedelta(minutes=60),
    )  # fmt: skip
    return word


class Api:
    """Ask as `username`, or as nobody."""

    def __init__(self, cast: Cast, username: str = "") -> None:
        self.client = APIClient(raise_request_exception=True)
        if username:
            self.client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(cast, username)}")

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        sent = {} if body is None else body
        return self.client.post(f"/api/v1/{path}", sent, format="json", headers=headers or None)

    def delete(self, path: str) -> Any:
        return self.client.delete(f"/api/v1/{path}")

    def raw(self, path: str, content: bytes, content_type: str = "application/json") -> Any:
        return self.client.generic("POST", f"/api/v1/{path}", content, content_type=content_type)

    def act(self, interaction: Any, action: str, parameters: Any = None, **headers: str) -> Any:
        which = getattr(interaction, "public_id", interaction)
        return self.post(f"interactions/{which}/actions/{action}/", parameters, **headers)


def decisions() -> int:
    """Count the gate's entries."""
    return Entry.objects.filter(kind__startswith="gate.").count()


def is_problem(response: Any, status: int, kind: str = "") -> dict[str, Any]:
    """Check that an answer is problem+json of this status (and kind), kept by nobody; return its body."""
    assert response.status_code == status, response.content[:500]
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    body: dict[str, Any] = json.loads(response.content)
    assert body["status"] == status
    assert body["title"]
    assert body["type"].startswith("/api/v1/problems/")
    if kind:
        assert body["type"] == f"/api/v1/problems/{kind}/"
    return body
