"""The chip of a document: genuine by its issuer's signature or worth nothing, and only beside what was typed."""

from __future__ import annotations

import base64
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from django.urls import reverse

from audit.models import Entry
from tests.cast import NOW, Cast
from tests.reception import book, laid, open_office, passport
from tests.test_mrz import TD1, TD3
from verification.claims import claim_number
from verification.evidence import CONFIRMATIONS, NotSeen, identity_of, see_chip
from verification.levels import Level
from verification.masking import standing
from verification.models import Evidence
from visits import chips, desk, identity, lds
from visits.models import Office, Visit
from visits.stand_in import Chip, Country

pytestmark = pytest.mark.django_db
HOME, ABROAD = Country.founded(at=NOW), Country.founded(at=NOW)


@dataclass
class Lying:
    """A reader that gives what it is told to give."""

    chip: Chip
    changed: dict[str, bytes] | None = None

    def read(self, visit: Visit, challenge: bytes) -> lds.Files:
        return replace(self.chip.read(challenge), **self.changed or {})


@pytest.fixture
def visit(cast: Cast, settings: Any, tmp_path: Path) -> Visit:
    """A visit of Antti's, checked in by Kalle; Finland's authority is trusted."""
    (tmp_path / "FIN.pem").write_bytes(HOME.anchor.public_bytes(serialization.Encoding.PEM))
    settings.CHIP_TRUST = str(tmp_path)
    settings.DEMO = False
    open_office(cast.organisation)
    booked = book(cast, cast.antti, at=NOW)
    desk.check_in(booked, by=cast.clerk_kalle, at=booked.starts_at)
    return booked


def compared(visit: Visit, cast: Cast) -> str:
    zone = passport(cast.antti.customer)
    found = identity.compare(visit, laid(zone), confirmed=CONFIRMATIONS, by=cast.clerk_kalle, at=visit.starts_at)
    assert found.matched
    return zone


def read(visit: Visit, cast: Cast, reader: chips.Reader | None) -> chips.Outcome:
    return chips.read_chip(visit, by=cast.clerk_kalle, at=visit.starts_at, reader=reader)


def level(visit: Visit) -> Level:
    here = visit.desk_interaction
    assert here is not None
    return standing(here, visit.starts_at)[1].level


def test_a_genuine_chip_beside_the_identity_list_gives_high(visit: Visit, cast: Cast) -> None:
    zone = compared(visit, cast)
    assert level(visit) is Level.SUBSTANTIAL
    assert read(visit, cast, Lying(HOME.issue(zone))) == chips.Outcome("MATCHED")
    assert level(visit) is Level.HIGH
    assert Evidence.objects.get(kind="CHIP").detail == {"passive": "ok", "active": "ok"}
    assert Entry.objects.filter(kind="visit.chip_read").count() == 1


def test_a_chip_alone_is_worth_nothing(visit: Visit, cast: Cast) -> None:
    assert read(visit, cast, Lying(HOME.issue(passport(cast.antti.customer)))).code == "NO_DOCUMENT"
    assert not Evidence.objects.exists()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sod": b""}, "UNREADABLE"),
        ({"sod": b"\x77\x02\x30\x00"}, "UNREADABLE"),
        ({"signed_challenge": b""}, "CLONED"),
        ({"signed_challenge": b"\x01" * 64}, "CLONED"),
        ({"dg15": b""}, "ALTERED"),
        ({"dg1": b"\x61\x00"}, "UNREADABLE"),
        ({"dg1": b"x" * 100_001}, "UNREADABLE"),
    ],
)
def test_what_is_not_signed_or_is_a_copy_is_refused(
    visit: Visit, cast: Cast, change: dict[str, bytes], code: str
) -> None:
    zone = compared(visit, cast)
    assert read(visit, cast, Lying(HOME.issue(zone), change)).code == code
    assert level(visit) is Level.SUBSTANTIAL


def test_an_altered_name_is_found_by_its_hash(visit: Visit, cast: Cast) -> None:
    zone = compared(visit, cast)
    chip = HOME.issue(zone.replace("ANTTI", "OLLI<"))
    genuine = HOME.issue(zone)
    assert read(visit, cast, Lying(chip, {"dg1": genuine.dg1})).code == "ALTERED"


def test_another_authority_is_not_trusted_nor_this_one_for_another_country(visit: Visit, cast: Cast) -> None:
    zone = compared(visit, cast)
    assert read(visit, cast, Lying(ABROAD.issue(zone))).code == "NOT_TRUSTED"
    swedish = passport(cast.antti.customer, issuer="SWE")
    assert read(visit, cast, Lying(HOME.issue(swedish))).code == "NOT_TRUSTED"


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"expires": "310502"}, "expires_on"),
        ({"family": "MUU"}, "name"),
        ({"born": "610418"}, "birth_date"),
    ],
)
def test_another_documents_chip_is_told_apart(visit: Visit, cast: Cast, other: dict[str, str], field: str) -> None:
    compared(visit, cast)
    found = read(visit, cast, Lying(HOME.issue(passport(cast.antti.customer, **other))))
    assert found == chips.Outcome("DIFFERS", field)
    assert Entry.objects.get(kind="visit.chip_read").outcome == "differs"
    assert level(visit) is Level.SUBSTANTIAL


def test_a_chip_with_another_number_is_told_apart(visit: Visit, cast: Cast) -> None:
    zone = compared(visit, cast)
    from tests.reception import check_digit

    first, second = zone.split("\n")
    number = "XP8271603" + check_digit("XP8271603")
    body = number + second[13:20] + second[21:43]
    other = f"{first}\n{number}{second[10:43]}{check_digit(body)}"
    assert read(visit, cast, Lying(HOME.issue(other))) == chips.Outcome("DIFFERS", "number")


def test_evidence_of_a_chip_dies_with_the_claim(visit: Visit, cast: Cast) -> None:
    zone, here = compared(visit, cast), visit.desk_interaction
    assert here is not None
    read(visit, cast, Lying(HOME.issue(zone)))
    claim = desk.claimed(here)
    assert claim is not None
    beside = identity_of(claim)
    assert beside is not None
    claim_number(
        here.public_id, cast.antti2.number, capacity="SELF", source="STAFF", by=cast.clerk_kalle, at=visit.starts_at
    )
    assert level(visit) is Level.NONE
    with pytest.raises(NotSeen, match="ORDER"):
        see_chip(here.public_id, by=cast.clerk_kalle, beside=beside, at=visit.starts_at)


def test_no_changed_byte_of_the_signed_part_gets_through() -> None:
    chip, challenge = HOME.issue(TD3), os.urandom(8)
    files, found = chip.read(challenge), Counter[str]()
    for place in range(0, len(files.sod), 3):
        broken = files.sod[:place] + bytes([files.sod[place] ^ 0x41]) + files.sod[place + 1 :]
        try:
            lds.verify(replace(files, sod=broken), challenge=challenge, anchors=[HOME.anchor], at=NOW)
        except lds.Forged as forged:
            found[forged.code] += 1
        else:
            found["unsigned part"] += 1
    assert found["unsigned part"] < 40, "what is said twice or of nothing: algorithms listed, the signer's name"
    other = lds.verify(files, challenge=challenge, anchors=[HOME.anchor], at=NOW)
    assert other == "ok"
    with pytest.raises(lds.Forged, match="ALTERED"):
        lds.verify(replace(files, dg1=HOME.issue(TD1).dg1), challenge=challenge, anchors=[HOME.anchor], at=NOW)


def test_an_authority_that_has_ended_vouches_for_nothing() -> None:
    chip, challenge = HOME.issue(TD3), os.urandom(8)
    files = chip.read(challenge)
    for moment in (NOW - timedelta(days=4000), NOW + timedelta(days=4000)):
        with pytest.raises(lds.Forged, match="NOT_TRUSTED"):
            lds.verify(files, challenge=challenge, anchors=[HOME.anchor], at=moment)
    with pytest.raises(lds.Forged, match="NOT_TRUSTED"):
        lds.verify(files, challenge=challenge, anchors=[], at=NOW)


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("", True),
        ("https://reader.office.example", True),
        ("http://127.0.0.1:9100", True),
        ("http://localhost:9100", True),
        ("http://reader.office.example", False),
        ("https://clerk:secret@reader.example", False),
        ("file:///etc/passwd", False),
        ("loopback", False),
    ],
)
def test_a_reader_is_asked_only_at_an_address_that_is_meant(address: str, good: bool, settings: Any) -> None:
    settings.DEMO = False
    assert (chips.problem(address) == "") is good
    assert (chips.reader_of(Office(chip_reader=address)) is not None) is (good and address != "")


def test_the_stand_in_is_for_the_demo_alone(visit: Visit, cast: Cast, settings: Any) -> None:
    compared(visit, cast)
    visit.office.chip_reader = chips.STAND_IN
    assert read(visit, cast, None).code == "NO_READER"
    assert read(visit, cast, chips.StandIn()).code == "NOT_TRUSTED"
    settings.DEMO = True
    assert read(visit, cast, None).code == "MATCHED"
    assert level(visit) is Level.HIGH


class Program(BaseHTTPRequestHandler):
    """A reader's own program, on loopback."""

    chip: Chip
    answer: bytes | None = None

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        files = self.chip.read(base64.b64decode(asked["challenge"]))
        told = {name: base64.b64encode(getattr(files, name)).decode() for name in files.__dataclass_fields__}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.answer or json.dumps(told).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def program() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Program)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_readers_program_is_asked_over_http(
    visit: Visit, cast: Cast, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Program, "chip", HOME.issue(compared(visit, cast)), raising=False)
    assert read(visit, cast, chips.AtAddress(program)).code == "MATCHED"
    for nonsense in (b"[]", b"{", b'{"dg1": "###"}'):
        monkeypatch.setattr(Program, "answer", nonsense)
        assert read(visit, cast, chips.AtAddress(program)).code == "AWAY"
    monkeypatch.setattr(Program, "answer", b"{}")
    assert read(visit, cast, chips.AtAddress(program)).code == "UNREADABLE"
    assert read(visit, cast, chips.AtAddress("http://127.0.0.1:9")).code == "AWAY"


def test_the_desk_offers_the_chip_only_where_it_can_be_read(
    cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime

    from django.utils import timezone

    from tests.test_desk_pages import seated, step, text

    settings.DEMO = True
    office = open_office(cast.organisation)
    booked = book(cast, cast.antti, at=datetime.now(UTC))
    monkeypatch.setattr(timezone, "now", lambda: booked.starts_at)
    kalle = seated(cast, "clerk_kalle")
    step(kalle, booked, "check-in")
    compared(booked, cast)
    url = reverse("admin:visits_desk", args=[booked.public_id])
    assert "Lue siru" not in text(kalle.get(url))
    office.chip_reader = chips.STAND_IN
    office.save()
    assert "Lue siru" in text(kalle.get(url))
    assert "Siru on luettu" in text(step(kalle, booked, "chip"))
    assert "Lue siru" not in text(kalle.get(url))
