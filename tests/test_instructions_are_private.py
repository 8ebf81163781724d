"""An instruction names an account and an amount: only the process's own user may read it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from cases import outbox
from cases.models import Delivery
from tests.cast import NOW, Cast
from verification.gate import Granted, Live, attempt


@pytest.fixture
def careless_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.django_db
@pytest.mark.usefixtures("careless_umask")
def test_an_instruction_is_readable_by_nobody_else(cast: Cast, settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    contact = cast.desk(at=NOW, claims=cast.antti)
    asked = {"amount": 100, "reason": "late food"}
    decision = attempt("refund_to_account", origin=Live(contact.public_id, cast.clerk_kalle), parameters=asked, at=NOW)
    assert isinstance(decision, Granted)
    assert outbox.deliver(Delivery.objects.get().pk, at=NOW)
    (written,) = (tmp_path / "outbox" / "instructions").iterdir()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert stat.S_IMODE(written.parent.stat().st_mode) == 0o700
