"""A new role, or a reset of an account in use, takes two administrators; the console alone lets in, and alarms."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from audit import append_only
from audit.log import NotInTransaction, read
from audit.models import Entry
from contactcentre import console
from notices.models import Notice
from tests.api_client import Api
from tests.cast import Cast
from tests.staff_browser import gathered, now, signed_in
from tests.test_staff_accounts import at, set_up, shown
from verification import accounts
from verification.declarations import approving_roles
from verification.models import Staff, StaffChange, StaffChangeApproval
from verification.staff_changes import NotApproved, NotProposed, approve, open_account, propose
from verification.tokens import holder

DAY = timedelta(days=1)
WHY = "Moves to the team of supervisors"


@pytest.fixture
def house(db: None) -> Cast:
    return gathered()


@pytest.fixture
def third(house: Cast) -> Staff:
    """Give a third administrator, who sees to the accounts of the other two."""
    return Staff.objects.create_user(
        username="third", organisation=house.organisation, role="ADMINISTRATOR", is_staff=True,
        date_joined=now() - 30 * DAY,
    )  # fmt: skip


def promotion(house: Cast, **other: Any) -> StaffChange:
    terms = {"kind": "ROLE", "role": "SUPERVISOR", "because": WHY, "by": house.administrator, "at": now()}
    return propose(house.agent_aino, **{**terms, **other})


def role(staff: Staff) -> str:
    return str(Staff.objects.get(pk=staff.pk).role)


def test_a_role_is_proposed_by_one_and_approved_by_another_on_their_pages(house: Cast) -> None:
    form = {"kind": "ROLE", "role": "SUPERVISOR", "because": WHY}
    asked = signed_in(house.administrator).post(at("staff_propose", house.agent_aino.pk), form)
    own = signed_in(house.administrator).get(asked.headers["Location"]).content.decode()
    assert WHY in own
    assert "Approve the change" not in own
    assert role(house.agent_aino) == "AGENT"
    other = signed_in(house.administrator2)
    assert "Approve the change" in other.get(asked.headers["Location"]).content.decode()
    done = other.post(asked.headers["Location"].replace("/change/", "/approve/"), follow=True).content.decode()
    assert "The role is changed" in done
    assert "Approve the change" not in done
    assert role(house.agent_aino) == "SUPERVISOR"


def test_proposal_and_approval_are_entries_with_their_reason(house: Cast) -> None:
    approve(promotion(house), by=house.administrator2, at=now())
    found = [read(row) for row in Entry.objects.filter(kind__startswith="staff.change_").order_by("id")]
    assert [entry.envelope["actor"] for entry in found] == [house.administrator.actor, house.administrator2.actor]
    assert {entry.envelope["subject"] for entry in found} == {house.agent_aino.actor}
    assert found[1].envelope["facts"]["role"] == "SUPERVISOR"
    assert found[0].personal == {"because": WHY}


@pytest.mark.parametrize("step", ["propose", "approve"])
def test_when_the_entry_cannot_be_written_nothing_is_changed(
    house: Cast, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    change = promotion(house) if step == "approve" else None

    def fail(**_: Any) -> None:
        raise NotInTransaction

    monkeypatch.setattr("verification.staff_changes.record", fail)
    with pytest.raises(NotInTransaction):
        approve(change, by=house.administrator2, at=now()) if change else promotion(house)
    assert role(house.agent_aino) == "AGENT"
    assert not StaffChangeApproval.objects.exists()
    assert StaffChange.objects.count() == (1 if change else 0)


@pytest.mark.parametrize("who", ["proposer", "young", "concerned", "closed", "supervisor", "stranger"])
def test_only_another_seasoned_administrator_approves(house: Cast, third: Staff, who: str) -> None:
    change = propose(third, kind="ROLE", role="AUDITOR", because=WHY, by=house.administrator, at=now())
    by = {"proposer": house.administrator, "concerned": third, "supervisor": house.supervisor}.get(
        who, house.administrator2
    )
    if who == "young":
        Staff.objects.filter(pk=by.pk).update(date_joined=now() - 7 * DAY + timedelta(minutes=1))
    if who == "closed":
        Staff.objects.filter(pk=by.pk).update(is_active=False)
    if who == "stranger":
        elsewhere = type(house.organisation).objects.create(name="Elsewhere")
        Staff.objects.filter(pk=by.pk).update(organisation=elsewhere)
    with pytest.raises(NotApproved) as refused:
        approve(change, by=by, at=now())
    assert not refused.value.over
    assert role(third) == "ADMINISTRATOR"


@pytest.mark.parametrize("ending", ["time", "approved", "role", "proposer"])
def test_a_change_is_carried_out_once_within_its_day_and_as_it_was_proposed(house: Cast, ending: str) -> None:
    change, late = promotion(house), now()
    if ending == "time":
        late += DAY
    if ending == "approved":
        approve(change, by=house.administrator2, at=now())
    if ending == "role":
        Staff.objects.filter(pk=house.agent_aino.pk).update(role="CLERK")
    if ending == "proposer":
        Staff.objects.filter(pk=house.administrator.pk).update(is_active=False)
    with pytest.raises(NotApproved) as refused:
        approve(change, by=house.administrator2, at=late)
    assert refused.value.over
    assert StaffChangeApproval.objects.count() == (1 if ending == "approved" else 0)


@pytest.mark.parametrize(
    "other", [{"role": "AGENT"}, {"role": ""}, {"role": "KING"}, {"kind": "WISH"}, {"because": "  "}]
)
def test_a_proposal_that_changes_nothing_or_gives_no_reason_is_none(house: Cast, other: dict[str, str]) -> None:
    with pytest.raises(NotProposed):
        promotion(house, **other)
    assert not StaffChange.objects.exists()


def test_sessions_and_tokens_end_with_the_role(house: Cast) -> None:
    browser = signed_in(house.agent_aino)
    assert browser.get("/admin/cases/queue/").status_code == 200
    typed = {"username": "agent_aino", "password": "four harmless grey herons", "otp": house.staff_code("agent_aino")}
    word = Api(house).post("tokens/", typed).json()["token"]
    assert holder(word, at=now()) is not None
    approve(promotion(house), by=house.administrator2, at=now())
    assert browser.get("/admin/cases/queue/").headers["Location"].startswith("/admin/login/")
    assert holder(word, at=now()) is None
    assert not Staff.objects.get(pk=house.agent_aino.pk).seasoned(now())


def test_a_reset_takes_two_and_the_owner_sets_himself_up_anew(house: Cast) -> None:
    owner = house.agent_aino
    browser, alone = signed_in(owner), signed_in(house.administrator)
    assert "This account is in use" in alone.post(at("staff_link", owner.pk), follow=True).content.decode()
    assert Staff.objects.get(pk=owner.pk).has_usable_password()
    asked = alone.post(at("staff_propose", owner.pk), {"kind": "RESET", "because": WHY})
    assert browser.get("/admin/cases/queue/").status_code == 200
    link = shown(signed_in(house.administrator2).post(asked.headers["Location"].replace("/change/", "/approve/")))
    assert browser.get("/admin/cases/queue/").status_code == 302
    assert set_up(Client(), link).headers["Location"] == "/admin/login/"


@pytest.mark.parametrize("model", [StaffChange, StaffChangeApproval])
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_what_was_proposed_and_approved_stays_as_it_was(house: Cast, model: Any, verb: str) -> None:
    approve(promotion(house), by=house.administrator2, at=now())
    statement = {"update": "UPDATE {} SET id = 99", "delete": "DELETE FROM {}"}[verb].format(model._meta.db_table)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_database_refuses_a_change_of_ones_own_account(house: Cast) -> None:
    mine = house.administrator
    with pytest.raises(IntegrityError), transaction.atomic():
        StaffChange.objects.create(
            staff=mine, kind="ROLE", role_was="ADMINISTRATOR", role="AGENT", because=WHY, proposed_at=now(),
            proposed_by=mine,
        )  # fmt: skip


def break_glass(username: str, because: str = "Both telephones fell into the lake") -> str:
    said = StringIO()
    call_command("break_glass", username, because=because, stdout=said)
    return said.getvalue()


def test_the_console_lets_an_account_in_and_every_administrator_is_told(house: Cast) -> None:
    for each in (house.administrator, house.administrator2):
        Staff.objects.filter(pk=each.pk).update(email=f"{each.username}@example.org")
    said = break_glass("administrator")
    assert "told by e-mail: 2" in said
    alarm = read(Entry.objects.get(kind="alarm.break_glass"))
    assert alarm.envelope["subject"] == house.administrator.actor
    assert alarm.personal == {"because": "Both telephones fell into the lake", "ran_by": console.operator()}
    told = Notice.objects.filter(about="account_alarm")
    assert {notice.address for notice in told} == {"administrator@example.org", "administrator2@example.org"}
    assert all("Hälytys" in notice.title and "administrator" in notice.text for notice in told)
    assert "set-up/" not in "".join(notice.text for notice in told)
    assert set_up(Client(), said.strip().splitlines()[-1].removeprefix("http://testserver")).status_code == 302
    again = Staff.objects.get(pk=house.administrator.pk)
    assert again.role == "ADMINISTRATOR"
    assert not again.seasoned(now())


def test_the_log_says_who_sat_at_the_console_and_whose_account_he_had_lent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {0: "root", 1001: "aila"}

    def named(uid: int) -> Any:
        return SimpleNamespace(pw_name=names[uid])

    monkeypatch.setattr("contactcentre.console.pwd.getpwuid", named)
    monkeypatch.setattr("contactcentre.console.os.getuid", lambda: 0)
    monkeypatch.setattr("contactcentre.console._login_uid", lambda: 1001)
    monkeypatch.setenv("SUDO_USER", "asko")
    assert console.operator().startswith("root, logged in as aila, by sudo of asko on ")
    monkeypatch.setattr("contactcentre.console._login_uid", lambda: None)
    monkeypatch.delenv("SUDO_USER")
    assert console.operator().startswith("root on ")
    monkeypatch.setattr("contactcentre.console.os.getuid", lambda: 4711)
    assert console.operator().startswith("uid 4711 on ")


def test_who_came_in_by_the_console_approves_nothing_for_seven_days(house: Cast) -> None:
    change = promotion(house)
    break_glass("administrator2")
    with pytest.raises(NotApproved):
        approve(change, by=Staff.objects.get(username="administrator2"), at=now())


@pytest.mark.parametrize(
    ("name", "why"), [("nobody", "A good long reason"), ("agent_aino", "x"), ("", "A long reason")]
)
def test_the_console_refuses_an_unknown_name_and_an_empty_reason(house: Cast, name: str, why: str) -> None:
    with pytest.raises(CommandError):
        break_glass(name, why)
    assert not Entry.objects.filter(kind="alarm.break_glass").exists()


def test_a_closed_account_stays_closed(house: Cast) -> None:
    Staff.objects.filter(pk=house.agent_aino.pk).update(is_active=False)
    with pytest.raises(CommandError, match="no open account"):
        break_glass("agent_aino")


def test_the_migration_goes_back_and_forth_with_its_guards(live_database: str) -> None:
    append_only.lift_for_migrations(connection)  # as the command does
    MigrationExecutor(connection).migrate([("verification", "0006_strong_roads")])
    assert "verification_staffchange" not in connection.introspection.table_names()
    call_command("migrate", verbosity=0)
    assert not append_only.findings(connection, ["verification_staffchange", "verification_staffchangeapproval"])


# --- an account that could be its opener's second person --------------------------------------------------------------
PUPPET = {"username": "puppet", "first_name": "Pupu", "last_name": "Nukke", "email": ""}


@pytest.mark.parametrize("wanted", ["SUPERVISOR", "ADMINISTRATOR", "CLERK"])
def test_one_administrator_opens_none_that_could_approve_for_him_a_week_later(house: Cast, wanted: str) -> None:
    with pytest.raises(accounts.TakesTwo):
        accounts.open_account(role=wanted, by=house.administrator, at=now(), **PUPPET)
    form = {**PUPPET, "role": wanted}
    page = signed_in(house.administrator).post(at("staff_add"), form, follow=True).content.decode()
    assert "another administrator approves the role" in page
    opened = Staff.objects.get(username="puppet")
    assert opened.role == "AGENT"
    change = StaffChange.objects.get(staff=opened)
    with pytest.raises(NotApproved):
        approve(change, by=house.administrator, at=now())
    approve(change, by=house.administrator2, at=now())
    assert role(opened) == wanted
    assert not Staff.objects.get(pk=opened.pk).seasoned(now() + DAY)


@pytest.mark.parametrize("wanted", ["AGENT", "AUDITOR"])
def test_who_approves_nothing_is_let_in_by_one(house: Cast, wanted: str) -> None:
    opened, proposed = open_account(role=wanted, by=house.administrator, at=now(), **PUPPET)
    assert (opened.role, proposed) == (wanted, None)


def test_the_roles_that_approve_are_those_that_the_gate_takes_for_a_second_person() -> None:
    assert approving_roles() == {"CLERK", "SUPERVISOR", "ADMINISTRATOR"}
