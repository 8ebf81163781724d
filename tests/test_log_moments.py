"""The moment at which the database took an entry in is in no hash: who moves it is found out by its neighbours."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.logs import disarm, grow, tamper
from tests.test_log_verify import entry_of, verified

PAST, FUTURE = "2020-01-01 00:00:00.5", "2400-01-01 00:00:00.5"


def test_a_log_whose_moments_nobody_moved_is_good(db: None, tmp_path: Path) -> None:
    assert verified(grow(12, data_dir=tmp_path / "var")).findings == []


@pytest.mark.parametrize(("index", "moved", "found"), [(5, PAST, 5), (11, PAST, 11), (0, FUTURE, 1), (4, FUTURE, 5)])
def test_a_moved_moment_is_found(db: None, tmp_path: Path, index: int, moved: str, found: int) -> None:
    tree = grow(12, data_dir=tmp_path / "var")
    disarm()
    tamper("UPDATE audit_entry SET at = %s WHERE id = %s", moved, entry_of(index).pk)
    first = verified(tree).findings[0]
    assert f"entry {found}: its moment" in str(first)
