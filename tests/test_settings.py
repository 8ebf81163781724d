"""A setting that can't be meant stops the start with one line that names it."""

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from contactcentre.environment import BadSetting, Environment, database, new_key

HELP = "a sentence"


def refused(given: dict[str, str], read: str, *args: object, **kwargs: object) -> str:
    """Return the line with which a reader refuses a value."""
    with pytest.raises(BadSetting) as caught:
        getattr(Environment(given), read)(*args, **kwargs, help=HELP)
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize(("value", "meant"), [("1", True), ("TRUE", True), ("on", True), ("0", False), ("No", False)])
def test_a_truth_value_is_read(value: str, meant: bool) -> None:
    assert Environment({"DEMO": value}).boolean("DEMO", not meant, help=HELP) is meant


@pytest.mark.parametrize("value", ["ture", "2", "y", "enabled", "-"])
def test_a_misspelt_truth_value_is_refused_rather_than_false(value: str) -> None:
    assert refused({"DEMO": value}, "boolean", "DEMO").startswith("DEMO must be")


@pytest.mark.parametrize("value", ["x", "0", "65536", "-1", "8.0", "٣"])
def test_a_port_out_of_range_is_refused(value: str) -> None:
    assert refused({"PORT": value}, "integer", "PORT", 8000, low=1, high=65535).startswith("PORT must be")


def test_an_unknown_choice_is_refused() -> None:
    assert "file, mail" in refused({"NOTICE_BACKEND": "mial"}, "choice", "NOTICE_BACKEND", ("file", "mail"))


def test_an_address_with_the_wrong_scheme_is_refused_without_being_shown() -> None:
    line = refused({"DATABASE_URL": "mysql://u:hidden@h/db"}, "url", "DATABASE_URL", schemes=("postgresql",))
    assert "DATABASE_URL" in line
    assert "hidden" not in line


def test_an_empty_value_counts_as_not_given() -> None:
    assert Environment({"PORT": ""}).integer("PORT", 8000, low=1, high=9000, help=HELP) == 8000


def test_a_value_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("a secret of many characters\n")
    assert Environment({"SECRET_KEY_FILE": str(path)}).secret("SECRET_KEY", help=HELP) == "a secret of many characters"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refused({"SECRET_KEY_FILE": str(tmp_path / "no")}, "secret", "SECRET_KEY").startswith(
        "SECRET_KEY_FILE can't"
    )


def test_a_value_and_a_file_together_are_refused(tmp_path: Path) -> None:
    given = {"SECRET_KEY": "x" * 40, "SECRET_KEY_FILE": str(tmp_path / "key")}
    assert "both set" in refused(given, "secret", "SECRET_KEY")


def test_a_missing_secret_is_refused_outside_the_demo() -> None:
    given = {"FIELD_KEY": "x" * 44}
    assert refused(given, "secret", "SECRET_KEY") == f"SECRET_KEY is not set (or DEMO=1 for the demo): {HELP}"


def test_missing_secrets_are_named_at_once() -> None:
    assert refused({}, "secret", "SECRET_KEY").startswith("SECRET_KEY and FIELD_KEY are not set (or DEMO=1")


def test_a_missing_secret_names_the_misspelt_one_that_is_there() -> None:
    assert "SECRET_KYE is" in refused({"SECRET_KYE": "x" * 40}, "secret", "SECRET_KEY")


def test_a_short_secret_is_refused_without_being_shown() -> None:
    assert "hunter2" not in refused({"SECRET_KEY": "hunter2"}, "secret", "SECRET_KEY")


def test_a_secret_of_the_demo_is_made_once_and_readable_by_us_only(tmp_path: Path) -> None:
    first, second = (Environment({}).secret("SECRET_KEY", help=HELP, kept_in=tmp_path / "secrets") for _ in range(2))
    assert first == second
    assert stat.S_IMODE((tmp_path / "secrets" / "SECRET_KEY").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["SECRET_KEY"]


@pytest.mark.parametrize("value", ["not base64 at all!", base64.b64encode(b"x" * 31).decode(), "x" * 32])
def test_a_key_that_is_not_32_bytes_is_refused(value: str) -> None:
    assert "32 bytes" in refused({"FIELD_KEY": value}, "key", "FIELD_KEY")


def test_a_key_is_read_as_bytes() -> None:
    made = new_key()
    assert Environment({"FIELD_KEY": made}).key("FIELD_KEY", help=HELP) == base64.b64decode(made)


def test_a_name_that_looks_like_ours_misspelt_is_refused() -> None:
    env = Environment({"TWILIO_AUTH_TOKNE": "x"})
    env.secret("TWILIO_AUTH_TOKEN", needed=False, help=HELP)
    with pytest.raises(BadSetting, match="did you mean TWILIO_AUTH_TOKEN"):
        env.refuse_misspelt()


def test_names_of_others_are_left_alone() -> None:
    env = Environment({"PATH": "/bin", "HOST": "x", "PGHOST": "y", "TEST_REDIS_URL": "z"})
    for name in ("PORT", "REDIS_URL", "DATABASE_URL"):
        env.text(name, help=HELP)
    env.refuse_misspelt()
    assert set(env.reference) == {"PORT", "REDIS_URL", "DATABASE_URL"}


def test_a_database_address_is_taken_apart() -> None:
    found = database("DATABASE_URL", "postgresql://ann:p%40ss@db.example:6432/centre?sslmode=verify-full")
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"], found["NAME"]) == (
        "ann",
        "p@ss",
        "db.example",
        "6432",
        "centre",
    )
    assert found["OPTIONS"]["sslmode"] == "verify-full"
    assert "idle_in_transaction_session_timeout" in found["OPTIONS"]["options"]


def test_a_sqlite_address_names_a_file_and_turns_the_guards_on() -> None:
    found = database("DATABASE_URL", "sqlite:////data/centre.sqlite3")
    assert found["NAME"] == "/data/centre.sqlite3"
    assert "recursive_triggers=ON" in found["OPTIONS"]["init_command"]
    assert found["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_a_database_address_with_a_strange_port_is_refused() -> None:
    with pytest.raises(BadSetting, match="DATABASE_URL"):
        database("DATABASE_URL", "postgresql://host:port/name")


def test_the_reference_is_what_the_code_says() -> None:
    call_command("settings_reference", check=True)
    from contactcentre.settings import env

    assert {"DATABASE_URL", "FIELD_KEY", "DEMO", "PUBLIC_URL", "TWILIO_AUTH_TOKEN"} <= set(env.reference)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"DEMO": "perhaps"}, "DEMO must be"),
        ({"DEMO": "0"}, "SECRET_KEY and FIELD_KEY are not set"),
        ({"DEMO": "1", "DATABSE_URL": "sqlite:///x"}, "did you mean DATABASE_URL"),
    ],
)
def test_the_start_stops_with_one_line(tmp_path: Path, given: dict[str, str], told: str) -> None:
    env = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), **given}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_transactions_are_opened_by_the_gate_and_not_by_requests() -> None:
    assert not settings.DATABASES["default"].get("ATOMIC_REQUESTS")
