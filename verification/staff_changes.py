"""What two administrators do to an account together, and what the console does alone, with an alarm.

A role that approves, a new role and a new second factor are proposed by one and approved by another. Either way the
account is young again and approves nothing for seven days, and its sessions and tokens end: their mark holds password
and role.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from audit.log import record
from notices.actions import send
from verification import accounts
from verification.declarations import approving_roles
from verification.models import Staff, StaffChange, StaffChangeApproval


class NotProposed(ValueError):
    """Refuse a proposal that changes nothing, or that gives no reason."""


class NotApproved(RuntimeError):
    """Refuse an approval: `over` when nothing waits any more, else because this person may not approve it."""

    def __init__(self, *, over: bool) -> None:
        super().__init__("over" if over else "not by him")
        self.over = over


def propose(staff: Staff, *, kind: str, role: str = "", because: str, by: Staff, at: datetime) -> StaffChange:
    """Propose a new role, or a new password and code app. Nothing changes yet. Raises OwnAccount or NotProposed."""
    with transaction.atomic():
        found = accounts.others(staff, by)
        wanted = role if kind == StaffChange.Kind.ROLE else ""
        known = kind in StaffChange.Kind.values and wanted in ("", *Staff.Role.values)
        if not known or not because.strip() or (kind == StaffChange.Kind.ROLE) != (wanted not in ("", found.role)):
            raise NotProposed
        change = StaffChange.objects.create(
            staff=found, kind=kind, role_was=found.role, role=wanted, because=because.strip()[:200],
            proposed_at=at, proposed_by=by,
        )  # fmt: skip
        _entry("staff.change_proposed", change, by, at)
        return change


def open_account(*, role: str, by: Staff, at: datetime, **who: str) -> tuple[Staff, StaffChange | None]:
    """Open an account; return it, and the proposal of its role where that takes a second administrator.

    Until he has approved it, it is an agent's. `who` are username, first_name, last_name and email.
    """
    with transaction.atomic():
        if role not in approving_roles():
            return accounts.open_account(role=role, by=by, at=at, **who), None
        opened = accounts.open_account(role=Staff.Role.AGENT, by=by, at=at, **who)
        because = _("The account was opened for this role.")
        return opened, propose(opened, kind=StaffChange.Kind.ROLE, role=role, because=because, by=by, at=at)


def approve(change: StaffChange, *, by: Staff, at: datetime) -> str:
    """Carry a proposed change out; return the set-up link's word of a reset, else "". Raises NotApproved."""
    with transaction.atomic():
        staff = Staff.objects.select_for_update().get(pk=change.staff_id)
        found = StaffChange.objects.select_related("staff", "proposed_by").get(pk=change.pk)
        approver = Staff.objects.get(pk=by.pk)
        if not found.may_be_approved_by(approver, at):
            raise NotApproved(over=False)
        if not found.open(at) or not _still_proposes(found):
            raise NotApproved(over=True)
        StaffChangeApproval.objects.create(change=found, approved_at=at, approved_by=approver)
        _entry("staff.change_approved", found, approver, at)
        if found.kind == StaffChange.Kind.RESET:
            return accounts.reset(staff, actor=approver.actor, at=at)
        staff.role, staff.date_joined = found.role, at
        staff.save(update_fields=["role", "date_joined"])
        return ""


def _still_proposes(change: StaffChange) -> bool:
    """Tell whether the proposer is still an administrator: two people stand behind a change when it is made."""
    by = change.proposed_by
    return by.is_active and by.role == Staff.Role.ADMINISTRATOR


class NoSuchAccount(LookupError):
    """Refuse to let in who has no open account."""


def break_glass(username: str, *, because: str, ran_by: str, at: datetime) -> tuple[str, int]:
    """Return a set-up link's word for one account, and how many administrators were told by e-mail.

    `ran_by` is who sat at the console, as the machine tells it: it stands in the entry.

    For when no second administrator can be reached. It lets somebody log in and nothing more: the account keeps its
    role, is young for seven days and approves nothing meanwhile. Raises NoSuchAccount, also for a closed account.
    """
    with transaction.atomic():
        found = Staff.objects.select_for_update().filter(username=username, is_active=True, is_staff=True).first()
        if found is None:
            raise NoSuchAccount(username)
        record(
            kind="alarm.break_glass", actor="system:break_glass", subject=found.actor, at=at, outcome="ok",
            purpose="let our own staff in again when nobody else can", organisation=str(found.organisation_id),
            facts={"role": found.role}, personal={"because": because[:500], "ran_by": ran_by[:200]},
        )  # fmt: skip
        told = _administrators(found)
        for each in told:
            _tell(each, found, at)
        return accounts.reset(found, actor="system:break_glass", at=at), len(told)


def _administrators(of: Staff) -> list[Staff]:
    house = Staff.objects.filter(organisation_id=of.organisation_id, role=Staff.Role.ADMINISTRATOR, is_active=True)
    return [*house.exclude(email="")]


def _tell(administrator: Staff, about: Staff, at: datetime) -> None:
    """Write to one administrator in every language of the house, since his own isn't known."""
    titles, texts = [], []
    for language in ("fi", "sv", "en"):
        with override(language):
            titles.append(_("Alarm: an account was let in from the console"))
            texts.append(
                _(
                    "The account %(name)s got a new set-up link from the console, without a second administrator. "
                    "If you do not know why, close the account and find out at once."
                )
                % {"name": about.username}
            )
    send(
        subject=administrator.actor, channel="EMAIL", address=administrator.email, language="fi",
        title=titles[0], text="\n\n".join(texts), about="account_alarm", reference=None, at=at,
        organisation=str(administrator.organisation_id),
    )  # fmt: skip


def _entry(kind: str, change: StaffChange, by: Staff, at: datetime) -> None:
    record(
        kind=kind, actor=by.actor, subject=change.staff.actor, at=at, outcome="ok",
        purpose="look after the accounts of our own staff", organisation=str(change.staff.organisation_id),
        facts={"change": change.pk, "kind": change.kind, "role_was": change.role_was, "role": change.role},
        personal={"because": change.because},
    )  # fmt: skip
