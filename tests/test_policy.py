"""The policy is data that must make sense: whatever is unexplained, absurd or unreachable stops the start."""

import pytest

from verification import policy
from verification.checks import policy_makes_sense
from verification.levels import Level

TEXT = policy.FILE.read_text(encoding="utf-8")


def test_the_policy_in_force_reads_and_explains_itself() -> None:
    read = policy.read(TEXT)
    assert read.version
    assert all(len(worth.because.split()) > 3 for worth in read.worth.values())
    assert policy_makes_sense() == []


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ('level = "LOW"', 'level = "SUBSTANTIAL"', "never give more than LOW"),
        ('level = "SUBSTANTIAL"', 'level = "HIGH"', "gives HIGH alone"),
        ('level = "SUBSTANTIAL"', 'level = "SURE"', "one of"),
        ("minutes = 60", "minutes = 0", "whole number"),
        ("minutes = 60", "minutes = 60.5", "whole number"),
        ("minutes = 60", "minutes = true", "whole number"),
        ("disable_at = 50", "disable_at = 101", "whole number"),
        (
            'one_of = ["SECOND_CLERK", "VISIT_CODE", "CHIP"]',
            'one_of = ["KEYPAD_TOTP"]',
            "keypad evidence never adds up",
        ),
        ('one_of = ["SECOND_CLERK", "VISIT_CODE", "CHIP"]', "one_of = []", "needs a base"),
        ('one_of = ["SECOND_CLERK", "VISIT_CODE", "CHIP"]', 'one_of = ["VOICE"]', "unknown evidence"),
        ('scope = "interaction"', 'scope = "weekday"', "scope is one of"),
        ("[visit_code]", "[visit_codes]", "lacks or misspells"),
        ("hours = 48", "hours = 48000", "whole number"),
        ('version = "2026-11-22.2"', "version = ", "does not parse"),
    ],
)
def test_nonsense_is_named_and_refused(was: str, becomes: str, named: str) -> None:
    assert was in TEXT
    with pytest.raises(policy.Nonsense, match=named):
        policy.read(TEXT.replace(was, becomes, 1))


def test_every_entry_must_say_why() -> None:
    lines = [line for line in TEXT.splitlines() if line.startswith("because")]
    for line in lines:
        with pytest.raises(policy.Nonsense, match=r"because|lacks"):
            policy.read(TEXT.replace(line, 'because = "so"', 1))


def test_a_level_that_nothing_reaches_stops_the_start() -> None:
    with pytest.raises(policy.Nonsense, match="HIGH"):
        policy.read(TEXT.replace('\nlevel = "HIGH"', '\nlevel = "SUBSTANTIAL"'))


def test_a_cap_for_an_undeclared_action_stops_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    broken = tmp_path / "policy.toml"
    broken.write_text(TEXT.replace('action = "small_voucher"', 'action = "small_vaucher"', 1), encoding="utf-8")
    monkeypatch.setattr(policy, "FILE", broken)
    [error] = policy_makes_sense()
    assert error.id == "verification.E001"
    assert "small_vaucher" in error.msg


def test_every_level_can_be_reached() -> None:
    reached = {worth.level for worth in policy.current().worth.values()}
    reached |= {rule.level for rule in policy.current().together}
    assert reached == set(Level)
