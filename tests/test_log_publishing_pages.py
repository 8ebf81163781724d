"""Whoever holds our public key can follow the log under /log/; the entries themselves are for auditors only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from audit import merkle, notes
from audit.models import Entry, SignedCheckpoint
from tests.api_client import is_problem, token_of
from tests.cast import Cast
from tests.test_log_publishing import published
from tests.test_log_sequencer import all_of_it, write
from verification.models import Organisation


@pytest.fixture
def folder(live_database: str, tmp_path: Path, settings: Any) -> Path:
    """Publish into a folder of the test's own."""
    settings.DATA_DIR = tmp_path
    return tmp_path / "log"


def get(path: str, word: str = "") -> Any:
    headers = {"Authorization": f"Token {word}"} if word else {}
    return Client().get(f"/log/{path}", headers=headers)


def test_the_public_follows_checkpoints_and_hash_tiles(folder: Path) -> None:
    signed = published(300)
    checkpoint, keys = get("checkpoint"), get("vkey")
    assert (checkpoint["Content-Type"], checkpoint["Cache-Control"]) == (
        "text/plain; charset=utf-8",
        "public, max-age=1",
    )
    opened = notes.open_checkpoint(checkpoint.content.decode(), keys.content.decode().split())
    assert (opened.size, checkpoint.content.decode()) == (300, signed.note)
    for place in ("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"):
        tile = get(place)
        assert (tile["Content-Type"], tile["Cache-Control"]) == (
            "application/octet-stream",
            "public, max-age=31536000, immutable",
        )
        assert tile.content == (folder / place).read_bytes()
    assert get("tile/0/001.p/7").content == get("tile/0/001.p/44").content[: 7 * 32]


def test_what_no_signed_checkpoint_covers_is_not_shown(folder: Path) -> None:
    assert get("checkpoint").status_code == get("vkey").status_code == get("tile/0/000").status_code == 404
    write(3)
    all_of_it()
    assert get("checkpoint").status_code == 404
    published()
    write(3)
    all_of_it()
    assert get("tile/0/000.p/3").status_code == 200
    assert get("tile/0/000.p/4").status_code == 404


def test_an_address_that_is_no_tile_is_nothing(folder: Path) -> None:
    published(3)
    wrong = ["000", "0/0", "0/000.p/0", "0/000.p/256", "0/000.p/03", "64/000", "0/x000/000", "0/001", "2/000", "0/-01"]
    assert {path: get(f"tile/{path}").status_code for path in wrong} == dict.fromkeys(wrong, 404)


def test_entries_are_for_auditors_by_token_and_the_reading_is_an_entry(folder: Path, live_cast: Cast) -> None:
    written = write(3)
    size = published().size
    here = f"tile/entries/000.p/{size}"
    is_problem(get(here), 401, "unauthenticated")
    is_problem(get(here, "nonsense"), 401, "unauthenticated")
    for username, staff in live_cast.staff.items():
        if staff.role != "AUDITOR":
            is_problem(get(here, token_of(live_cast, username)), 403, "not-allowed")
    auditor = live_cast.staff["auditor"]
    answer = get(here, token_of(live_cast, "auditor"))
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert answer.content == (folder / here).read_bytes()
    assert all(str(uid).encode() in answer.content for uid in written)
    noted = json.loads(bytes(Entry.objects.get(kind="audit.bundle_read").body))
    assert (noted["actor"], noted["facts"]) == (auditor.actor, {"bundle": 0, "entries": size})
    is_problem(get(f"tile/entries/000.p/{size + 1}", token_of(live_cast, "auditor")), 404, "not-found")


def test_a_log_of_several_organisations_is_nobodys_to_copy(folder: Path, live_cast: Cast) -> None:
    size = published(1).size
    Organisation.objects.create(name="Another")
    is_problem(get(f"tile/entries/000.p/{size}", token_of(live_cast, "auditor")), 403, "not-allowed")
    assert SignedCheckpoint.objects.count() == 1


def test_a_served_tile_leads_to_the_served_root(folder: Path) -> None:
    published(9)
    hashes = get("tile/0/000.p/9").content
    leaves = [hashes[at : at + 32] for at in range(0, len(hashes), 32)]

    def read(level: int, index: int) -> bytes:
        row = leaves[index << level : (index + 1) << level]
        while len(row) > 1:
            row = [merkle.node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
        return row[0]

    assert (
        merkle.root(read, 9)
        == notes.parse_checkpoint(get("checkpoint").content.decode().partition("\n\n")[0] + "\n").root
    )
