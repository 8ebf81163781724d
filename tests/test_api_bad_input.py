"""Whatever is sent to the API, the answer is a problem in the reader's language, never a page and never a 500."""

from __future__ import annotations

import json

import pytest
from django.utils import translation

from tests.api_client import Api, is_problem, now
from tests.cast import Cast
from verification.api.problems import KINDS

DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.fixture
def aino(cast: Cast) -> Api:
    return Api(cast, "agent_aino")


@pytest.mark.parametrize(
    "content",
    [
        b"{", b"nonsense", b"{'channel': 'CHAT'}", b"\xff\xfe", b'{"channel": NaN}', b'{"channel": Infinity}',
        b'{"channel": "\\ud800"}', b'{"\\udfff": 1}', DEEP[:400] + DEEP[-400:], DEEP, b"9" * 5000, b"\x00", b"",
        b'{"channel": ' + DEEP[:40] + DEEP[-40:] + b"}",
    ],
    ids=range(14),
)  # fmt: skip
@pytest.mark.parametrize("path", ["interactions/", "cases/", "tokens/"])
def test_what_is_no_json_is_400(aino: Api, path: str, content: bytes) -> None:
    is_problem(aino.raw(path, content), 400, "malformed")


def test_ten_megabytes_are_413_on_every_address(cast: Cast, aino: Api) -> None:
    call = cast.call(at=now())
    big = json.dumps({"questions": "x" * 10_000_000}).encode()
    for path in ("tokens/", "interactions/", "cases/", f"interactions/{call.public_id}/actions/open_case/"):
        is_problem(aino.raw(path, big), 413, "too-large")


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "x"],
)
def test_another_media_type_is_415(aino: Api, kind: str) -> None:
    is_problem(aino.raw("interactions/", b"channel=CHAT", kind), 415, "media-type")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "nothing/",
        "interactions",
        "interactions/7/",
        "visits/x/",
        "interactions/%00/",
        "cases/../",
        "tokens/current",
    ],
)
def test_an_unknown_address_is_404_for_anybody(cast: Cast, aino: Api, path: str) -> None:
    for api in (aino, Api(cast)):
        is_problem(api.get(path), 404, "not-found")
        is_problem(api.post(path), 404, "not-found")


def test_an_answer_that_is_not_wanted_as_json_is_406(aino: Api) -> None:
    is_problem(aino.client.get("/api/v1/actions/", HTTP_ACCEPT="text/html"), 406, "not-acceptable")


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_problems_speak_the_readers_language(aino: Api, language: str) -> None:
    said = is_problem(aino.client.get("/api/v1/nothing/", HTTP_ACCEPT_LANGUAGE=language), 404)
    kind = aino.client.get(said["type"], HTTP_ACCEPT_LANGUAGE=language).json()
    assert said["title"] == kind["title"]
    with translation.override(language):
        assert said["title"] == str(KINDS["not-found"].title)
    assert (said["title"] == "There is nothing here.") is (language == "en")


def test_what_nobody_foresaw_is_a_problem_that_tells_nothing(aino: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise LookupError("a secret of ours")

    monkeypatch.setattr("verification.api.catalogue.described", broken)
    body = is_problem(aino.get("actions/"), 500, "failed")
    assert "secret" not in json.dumps(body)


def test_the_query_of_the_days_list_is_checked(cast: Cast) -> None:
    clerk = Api(cast, "clerk_kalle")
    for query in ({"day": "yesterday"}, {"office": "Helsinki"}, {"day": "2026-13-01"}, {"day": "2026-01-01\x00"}):
        is_problem(clerk.get("visits/", **query), 400, "malformed")
    assert clerk.get("visits/", day="9999-12-31").status_code in (200, 400)
    assert clerk.get("visits/", day="0001-01-01").status_code in (200, 400)
