"""Before LOW the telephone sounds the same and does the same work, whoever was named and whatever was typed."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.cast import Cast, wrong
from tests.phone_line import NOBODY, Line, now
from verification.models import CodeTry, Hold, Interaction, KeypadRoad
from verification.numbers import mark

Lines = Callable[[], Line]
Case = tuple[str, str]  # the number that is named, and the code that is typed

TABLE = re.compile(r"""(?:FROM|INTO|UPDATE)\s+"?(\w+)"?""", re.IGNORECASE)
TOKEN = re.compile(r"/(turn|wait)/[^/]+/")
INDEX = re.compile(r"(beside this number: )[\d, ]+")


def app_cases(cast: Cast) -> dict[str, Case]:
    """Everything that must not be told apart when a code of an app is typed."""
    KeypadRoad.objects.update_or_create(
        mark=mark(cast.helena.number),
        kind="TOTP",
        defaults={"failures": 5, "backing_off_until": now() + timedelta(minutes=5)},
    )
    KeypadRoad.objects.update_or_create(
        mark=mark(cast.olli.number), kind="TOTP", defaults={"failures": 50, "disabled_at": now()}
    )
    return {
        "nobody": (NOBODY, "123456"),
        "nothing enrolled": (cast.antti3.number, "123456"),
        "wrong code": (cast.antti.number, wrong(cast.antti.app_code(now()))),
        "wrong code, frozen": (cast.frozen.number, wrong(cast.frozen.app_code(now()))),
        "wrong code, ward": (cast.ward.number, wrong(cast.ward.app_code(now()))),
        "right code, backing off": (cast.helena.number, cast.helena.app_code(now())),
        "right code, keypad closed": (cast.olli.number, cast.olli.app_code(now())),
    }


def list_cases(cast: Cast) -> dict[str, Case]:
    """The same for codes of a printed list."""
    right = cast.antti2.list_code()
    return {
        "nobody": (NOBODY, "123456"),
        "nothing enrolled": (cast.antti3.number, "123456"),
        "an app but no list": (cast.antti.number, cast.antti.app_code(now())),
        "wrong code": (cast.antti2.number, wrong(right)),
        "frozen, no list": (cast.frozen.number, "123456"),
    }


def journey(phone: Line, case: Case, kind: str) -> tuple[list[str], list[str]]:
    """Name the customer, choose the codes and type one: what was answered, and which statements were run."""
    number, code = case
    phone.to_number()
    answers, statements = [], []
    for keys in (number, kind, code):
        with CaptureQueriesContext(connection) as caught:
            phone.press(keys)
        statements += [kind_of(query["sql"]) for query in caught]  # before the next request empties the list
        answers.append(INDEX.sub(r"\1N", TOKEN.sub(r"/\1/T/", phone.send_again().content.decode())))
    return answers, statements


def kind_of(sql: str) -> str:
    """Give the verb of a statement and the table it goes to."""
    table = TABLE.search(sql)
    return f"{sql.split(maxsplit=1)[0].upper()} {table.group(1) if table else ''}".strip()


@pytest.mark.parametrize(("kind", "cases"), [("1", app_cases), ("2", list_cases)], ids=["app", "list"])
def test_all_sound_alike_and_run_the_same_statements(
    line: Lines, cast: Cast, kind: str, cases: Callable[[Cast], dict[str, Case]]
) -> None:
    found = {name: journey(line(), case, kind) for name, case in cases(cast).items()}
    expected_answers, expected_statements = found["nobody"]
    assert len(expected_statements) > 20
    for name, (answers, statements) in found.items():
        assert answers == expected_answers, name
        assert statements == expected_statements, name
    assert not CodeTry.objects.filter(outcome="MATCHED").exists()


def test_a_temporary_hold_changes_nothing_before_low(line: Lines, cast: Cast) -> None:
    line().to_menu(cast.sanna).press("4")
    held, free = cast.sanna, cast.company
    assert Hold.objects.in_force(now()).filter(customer=held.customer).exists()
    assert not Hold.objects.filter(customer=free.customer).exists()
    typed = [journey(line(), (person.number, wrong(person.app_code(now()))), "1") for person in (held, free)]
    assert typed[0] == typed[1]


def test_the_way_to_a_person_sounds_alike_too(line: Lines, cast: Cast) -> None:
    heard = set()
    for number, code in app_cases(cast).values():
        phone = line().to_number()
        for _ in range(3):
            phone.press(number).press("1").press(code)
        assert phone.queue == "unverified"
        heard.add(phone.text)
    assert len(heard) == 1


def test_the_index_asked_for_is_steady_for_every_number(line: Lines, cast: Cast) -> None:
    for number in (NOBODY, cast.antti.number, cast.antti2.number, cast.antti3.number):
        phones = [line().to_kind(number) for _ in range(2)]
        assert len({phone.press("2").text for phone in phones}) == 1


def test_the_agent_is_told_what_the_caller_is_not(line: Lines, cast: Cast) -> None:
    told = {}
    for name, (number, code) in app_cases(cast).items():
        phone = line().type_app_code(number, code)
        phone.press("0#")
        told[name] = Interaction.objects.get(pk=phone.interaction.pk).keypad
    assert told["nobody"] == told["wrong code"] == told["nothing enrolled"] == "WRONG"
    assert told["right code, backing off"] == told["right code, keypad closed"] == "BACKING_OFF"


def test_a_fresh_call_at_an_inner_address_is_told_nothing(line: Lines, cast: Cast) -> None:
    owner = line().to_menu(cast.antti)
    inner = owner.sent[-1].path
    number = int(inner.rstrip("/").rsplit("/", 1)[1])
    entries = Interaction.objects.count()
    for turn in range(number + 2):
        stranger = line()
        stranger._go(inner.replace(f"/{number}/", f"/{turn}/"), {"Digits": "1"})
        assert stranger.ended
        assert "Goodbye" in stranger.text
        assert "case" not in stranger.text
    assert Interaction.objects.count() == entries


def test_a_call_that_proved_nothing_cannot_enter_the_menu_of_its_own_making(line: Lines, cast: Cast) -> None:
    phone = line().to_kind(cast.antti.number)
    forged = phone.sent[-1].path.replace("/2/", "/9/")
    for keys in "1234":
        answer = phone.post(forged, {"Digits": keys}).content
        assert b"code app" in answer
    assert not phone.interaction.grants.exists()


def test_how_long_each_case_takes_is_measured(
    line: Lines, cast: Cast, record_property: Callable[[str, object], None]
) -> None:
    """Report the milliseconds of the code's turn; a busy machine makes no verdict, the statements above do."""
    took: dict[str, float] = {}
    for name, (number, code) in app_cases(cast).items():
        took[name] = median(seconds_of_code(line(), number, code) for _ in range(5)) * 1000
        record_property(f"ms, {name}", round(took[name], 1))
    print({name: f"{milliseconds:.1f} ms" for name, milliseconds in took.items()})
    assert set(took) == set(app_cases(cast))


def seconds_of_code(phone: Line, number: str, code: str) -> float:
    phone.to_kind(number).press("1")
    began = time.perf_counter()
    phone.press(code)
    return time.perf_counter() - began
