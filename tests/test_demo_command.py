"""`manage.py demo` in a process of its own, as a tester runs it: the fixed form, the codes, and nothing elsewhere."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

pytestmark = pytest.mark.slow
Answer = subprocess.CompletedProcess[str]


def manage(data: Path, *words: str, **given: str) -> Answer:
    """Run manage.py on a folder of its own."""
    env = {"PATH": os.environ["PATH"], "DEMO": "1", "DATA_DIR": str(data), "LOG_LEVEL": "ERROR", **given}
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def data(built_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a demo as `make run` prepares it, on SQLite."""
    assert (built_demo / "said.txt").read_text().count("up:") > 5  # it says how far it is
    return Path(shutil.copytree(built_demo / "var", tmp_path_factory.mktemp("demo") / "var"))


@pytest.fixture(scope="module")
def world(data: Path) -> dict[str, Any]:
    """Give what `demo --json` prints."""
    answer = manage(data, "demo", "--json")
    assert answer.returncode == 0, answer.stderr
    described: dict[str, Any] = json.loads(answer.stdout)
    return described


def test_the_json_has_the_form_that_was_promised(world: dict[str, Any]) -> None:
    assert world.keys() == {"base_url", "ivr", "staff", "customers", "idp", "offices"}
    assert world["ivr"].keys() == {"voice_url", "status_url", "twilio_auth_token", "number"}
    for member in world["staff"]:
        assert member.keys() == {"username", "password", "otp_secret", "role"}
    fields = {"number", "name", "otp_secret", "code_list", "phone", "language", "has_e_id", "note"}
    for customer in world["customers"]:
        assert customer.keys() == fields
        assert customer["code_list"] is None or customer["code_list"].keys() == {str(index) for index in range(1, 21)}


def test_the_json_names_everybody_that_a_tester_needs(world: dict[str, Any]) -> None:
    assert {member["role"] for member in world["staff"]} == {"agent", "clerk", "supervisor", "auditor", "administrator"}
    names = [customer["name"] for customer in world["customers"]]
    assert max(names.count(name) for name in names) >= 3
    assert any(not customer["otp_secret"] and not customer["code_list"] for customer in world["customers"])
    notes = " ".join(customer["note"] for customer in world["customers"])
    for word in ("guardian", "signatories", "frozen", "changed yesterday"):
        assert word in notes


def test_a_code_is_printed_for_staff_and_customers(data: Path, world: dict[str, Any]) -> None:
    app = next(customer for customer in world["customers"] if customer["otp_secret"])
    listed = next(customer for customer in world["customers"] if customer["code_list"] and not customer["otp_secret"])
    for name in ("agent_aino", app["number"]):
        assert re.fullmatch(r"\d{6}\n", manage(data, "demo", "code", name).stdout)
    index, code = manage(data, "demo", "code", listed["number"]).stdout.strip().split(": ")
    assert listed["code_list"][index] == code


@pytest.mark.parametrize("name", ["nobody", "00000000", ""])
def test_nobody_elses_code_is_printed(data: Path, name: str) -> None:
    answer = manage(data, "demo", "code", name)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert len(answer.stderr.strip().splitlines()) == 1


def test_who_has_no_authenticator_is_said_to_have_none(data: Path, world: dict[str, Any]) -> None:
    bare = next(c for c in world["customers"] if not c["otp_secret"] and not c["code_list"])
    answer = manage(data, "demo", "code", bare["number"])
    assert answer.returncode == 1
    assert "no authenticator" in answer.stderr


def test_the_table_can_be_read_by_a_person(data: Path) -> None:
    shown = manage(data, "demo").stdout
    assert "agent_aino" in shown
    assert "Antti Asiakas" in shown


def test_outside_the_demo_it_says_one_line_and_fails(tmp_path: Path) -> None:
    keys = {"SECRET_KEY": "k" * 50, "FIELD_KEY": "dGVzdHMtb25seS1rZXktb2YtMzItYnl0ZXMtbG9uZyE="}
    for words in (("--json",), ("code", "agent_aino"), ()):
        answer = manage(tmp_path, "demo", *words, DEMO="0", PUBLIC_URL="https://example.org", **keys)
        assert answer.returncode == 1
        assert answer.stdout == ""
        assert len(answer.stderr.strip().splitlines()) == 1
        assert "no demo" in answer.stderr


def test_before_the_world_is_built_it_says_how_to_build_it(tmp_path: Path) -> None:
    answer = manage(tmp_path, "demo", "--json")
    assert answer.returncode == 1
    assert "make run" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


def test_a_second_start_keeps_the_world(data: Path, world: dict[str, Any]) -> None:
    again = manage(data, "up", "--prepare")
    assert again.returncode == 0
    assert "building" not in again.stdout
    assert json.loads(manage(data, "demo", "--json").stdout) == world


def in_an_empty_shell(*words: str, **given: str) -> Answer:
    env = {"PATH": os.environ["PATH"], **given}
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, check=False)


def test_a_python_without_our_packages_says_which_one_to_use() -> None:
    command = [sys.executable, "-S", "manage.py", "demo"]
    said = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert said.stderr.strip() == "This Python has no Django: use .venv/bin/python, which `make run` sets up."


def test_a_newcomers_shell_needs_no_settings_for_it(data: Path) -> None:
    answer = in_an_empty_shell("demo", "code", "agent_aino", DATA_DIR=str(data))
    assert re.fullmatch(r"\d{6}\n", answer.stdout), answer.stderr


@pytest.mark.parametrize("words", [("messages", "--check"), ("settings_reference", "--check")])
def test_what_touches_no_data_needs_no_secrets(words: tuple[str, ...], tmp_path: Path) -> None:
    answer = in_an_empty_shell(*words, DATA_DIR=str(tmp_path))
    assert "SECRET_KEY" not in answer.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["up", "migrate", "first_administrator"])
def test_what_serves_or_migrates_is_given_no_secrets(command: str, tmp_path: Path) -> None:
    answer = in_an_empty_shell(command, DATA_DIR=str(tmp_path))
    assert answer.returncode == 1
    assert "SECRET_KEY" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
