"""An auditor takes a period out as one file: a task writes it, he sees how far it is, and only he can fetch it."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audit import exporting, log_keys, retention, taking_out, tasks
from audit.export_desk import _own
from audit.models import Entry, Export
from audit.reading import Auditor
from tests import logs
from tests.cast import NOW, Cast
from tests.staff_browser import gathered, now, signed_in
from tests.test_gate import ask
from tests.test_log_proofs import verdicts
from verification.models import Staff

pytestmark = pytest.mark.django_db
PAGE = "/admin/audit/entry/exports/"
PURPOSE = "Yearly audit"


@pytest.fixture
def people(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Cast:
    settings.DATA_DIR = tmp_path / "var"
    monkeypatch.setattr(taking_out, "_hint", lambda _: None)
    made = gathered()
    ask("change_address", made.call(at=NOW, claims=made.antti), made.agent_aino)
    return made


@pytest.fixture
def vkey(people: Cast) -> str:
    tree = logs.sequence()
    logs.publish()
    return log_keys.vkeys(tree)[0]


@pytest.fixture
def browser(people: Cast) -> Client:
    return signed_in(people.auditor)


def asked(browser: Client, **changes: Any) -> Any:
    day = now().date()
    form = {"since": day - timedelta(days=2), "until": day + timedelta(days=1), "purpose": PURPOSE, "with_csv": "on"}
    return browser.post(PAGE, {**form, **changes})


def written(browser: Client, **changes: Any) -> Export:
    assert asked(browser, **changes).status_code == 302
    export = Export.objects.latest("pk")
    tasks.write_export(export_id=export.pk)
    export.refresh_from_db()
    return export


def fetch(browser: Client, export: Export) -> Any:
    return browser.get(reverse("admin:audit_export_file", args=[export.public_id]))


def told(kind: str) -> list[dict[str, Any]]:
    return [json.loads(bytes(each.body)) for each in Entry.objects.filter(kind=kind).order_by("id")]


@pytest.mark.parametrize("with_csv", [True, False])
def test_a_period_is_asked_for_written_and_fetched(
    browser: Client, people: Cast, vkey: str, tmp_path: Path, with_csv: bool
) -> None:
    export = written(browser, with_csv="on" if with_csv else "")
    assert (export.state, export.per_cent) == (Export.State.READY, 100)
    assert taking_out.path_of(export).stat().st_mode & 0o077 == 0
    answer = fetch(browser, export)
    file = tmp_path / "fetched.zip"
    file.write_bytes(b"".join(answer.streaming_content))
    assert export.size == file.stat().st_size
    assert verdicts(file, vkey)
    with zipfile.ZipFile(file) as packed:
        assert ("entries.csv" in packed.namelist()) is with_csv
        orgs = {json.loads(line).get("entry", {}).get("org") for line in packed.read("entries.jsonl").splitlines()}
    assert orgs <= {str(people.organisation.pk), None}
    assert "attachment; filename=" in answer["Content-Disposition"]


def test_who_took_what_out_is_told_before_it_is_written_and_when_it_is_fetched(
    browser: Client, people: Cast, vkey: str
) -> None:
    export = written(browser)
    (begun,) = told("audit.exported")
    assert (begun["actor"], begun["purpose"]) == (people.auditor.actor, PURPOSE)
    assert begun["org"] == str(people.organisation.pk)
    assert not told("audit.export_fetched")
    assert b"".join(fetch(browser, export).streaming_content)
    (fetched,) = told("audit.export_fetched")
    assert (fetched["actor"], fetched["facts"]["export"]) == (people.auditor.actor, str(export.public_id))


def test_without_the_entry_nothing_is_written(
    browser: Client, vkey: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(**_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(exporting, "record", full)
    export = written(browser)
    assert export.state == Export.State.WRITING
    assert not list((tmp_path / "var").glob("exports/*"))
    assert fetch(browser, export).status_code == 404


def test_only_its_asker_sees_and_fetches_it(browser: Client, people: Cast, vkey: str) -> None:
    export = written(browser)
    other = Staff.objects.create(
        username="auditor_two", role="AUDITOR", is_staff=True, organisation=people.organisation, email="x@example.org"
    )
    stranger = signed_in(other, second_factor=False)
    assert fetch(stranger, export).status_code == 302, "nobody comes in without his second factor"
    assert fetch(signed_in(people.administrator), export).status_code == 403
    auditor = Auditor(str(other.pseudonym), "AUDITOR", str(people.organisation.pk))
    assert _own(auditor) == []
    assert _own(Auditor(str(people.auditor.pseudonym), "AUDITOR", "999")) == []
    assert _own(Auditor(str(people.auditor.pseudonym), "AUDITOR", str(people.organisation.pk))) == [export]


def test_it_is_thrown_away_after_a_week_and_its_row_after_that(browser: Client, vkey: str) -> None:
    export = written(browser)
    path, void_at = taking_out.path_of(export), export.void_at
    assert void_at is not None
    assert taking_out.sweep(void_at - timedelta(seconds=1)) == 0
    assert path.exists()
    assert taking_out.sweep(void_at) == 1
    assert not path.exists()
    assert fetch(browser, export).status_code == 404
    assert Export.objects.get().state == Export.State.VOID
    assert retention.sweep(export.asked_at + retention.lasts("trace") + timedelta(seconds=1))["audit.Export"] == 1


def test_a_killed_workers_export_is_begun_again_and_not_while_somebody_is_at_it(
    browser: Client, vkey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(browser)
    export = Export.objects.get()
    write, clock = exporting.write, now()

    class Killed(BaseException):
        pass

    def dies(*_: Any, **__: Any) -> None:
        raise Killed

    monkeypatch.setattr(exporting, "write", dies)
    with pytest.raises(Killed):
        taking_out.write(export.pk, clock=lambda: clock)
    monkeypatch.setattr(exporting, "write", write)
    taking_out.write(export.pk, clock=lambda: clock + timedelta(minutes=1))
    assert Export.objects.get().state == Export.State.WRITING, "the lease of the first isn't over"
    assert taking_out.due(clock + taking_out.LEASE) == [export.pk]
    for _ in range(2):
        taking_out.write(export.pk, clock=lambda: clock + taking_out.LEASE)
    done = Export.objects.get()
    assert (done.state, done.attempts) == (Export.State.READY, 2)
    assert len(list(taking_out.path_of(done).parent.iterdir())) == 1


def test_a_worker_that_has_lost_it_stops_and_spoils_nothing(
    browser: Client, vkey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(browser)
    export = Export.objects.get()
    later, write = now() + taking_out.LEASE, exporting.write

    def slow(file: Any, *rest: Any, progress: Any, **more: Any) -> None:
        monkeypatch.setattr(exporting, "write", write)
        taking_out.write(export.pk, clock=lambda: later + timedelta(seconds=1))
        write(file, *rest, progress=progress, **more)

    monkeypatch.setattr(exporting, "write", slow)
    taking_out.write(export.pk, clock=lambda: later - timedelta(seconds=taking_out.LEASE.seconds))
    done = Export.objects.get()
    assert (done.state, done.attempts) == (Export.State.READY, 2)
    assert zipfile.ZipFile(io.BytesIO(taking_out.path_of(done).read_bytes())).testzip() is None


def test_what_goes_wrong_is_tried_again_and_given_up_in_the_end(
    browser: Client, vkey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(browser)
    export, at = Export.objects.get(), now()

    def full(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(exporting, "write", full)
    for _ in range(taking_out.MOST_ATTEMPTS):
        assert taking_out.due(at) == [export.pk]
        taking_out.write(export.pk, clock=lambda: at)  # noqa: B023 - called at once
        at += timedelta(hours=1)
    assert Export.objects.get().state == Export.State.FAILED
    assert "could not be written" in browser.get(PAGE).content.decode()


def test_a_period_of_which_nothing_is_signed_says_so(browser: Client) -> None:
    export = written(browser)
    assert export.state == Export.State.EMPTY
    assert "nothing of that period is signed" in browser.get(PAGE).content.decode()


def test_progress_shows_with_and_without_a_script(browser: Client, vkey: str) -> None:
    asked(browser)
    Export.objects.update(state=Export.State.WRITING, done=25, of=100)
    for address in (PAGE, PAGE + "rows/"):
        html = browser.get(address).content.decode()
        assert 'value="25"' in html
        assert 'data-going-on="1"' in html
    assert '<noscript><meta http-equiv="refresh"' in browser.get(PAGE).content.decode()
    Export.objects.update(state=Export.State.FAILED)
    assert "noscript" not in browser.get(PAGE).content.decode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"until": "2020-01-01"}, "The last day is before the first."), ({"purpose": "x"}, "at least 5"),
     ({"since": ""}, "required"), ({"since": "tomorrow"}, "valid date")],
)  # fmt: skip
def test_a_wish_that_makes_no_sense_is_said(browser: Client, changes: dict[str, str], said: str) -> None:
    answer = asked(browser, **changes)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not Export.objects.exists()


def test_not_too_many_at_once(browser: Client) -> None:
    for _ in range(taking_out.MOST_AT_ONCE):
        assert asked(browser).status_code == 302
    assert "wait until one is ready" in asked(browser).content.decode()
    assert Export.objects.count() == taking_out.MOST_AT_ONCE
