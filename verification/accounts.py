"""Accounts of the staff: opened, set up by their owner through a single-use link, closed. Each step is an entry.

One administrator opens the account of an agent or an auditor. A role that is somebody's second person, a change of role
and the reset of an account in use take two (verification/staff_changes.py). Nobody chooses another's password or sees
his second factor (ASVS 6.4.6).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn.models import WebAuthnCredential

from audit.log import record
from verification.declarations import approving_roles
from verification.models import Customer, Organisation, Staff


class OwnAccount(RuntimeError):
    """Refuse to change one's own account."""


class InUse(RuntimeError):
    """Refuse to reset alone what its owner has set up: that takes two."""


class TakesTwo(RuntimeError):
    """Refuse to open alone an account that could be its opener's own second person a week later."""


class HasAdministrator(RuntimeError):
    """Refuse to open an administrator's account from the console where there are two, or of one who is set up."""


class OtherOrganisation(RuntimeError):
    """Refuse to make a second organisation from the console: a name mistyped there would stand between the calls."""


class SetUpTokens(PasswordResetTokenGenerator):
    """Tokens that are void once the password is set, or after PASSWORD_RESET_TIMEOUT seconds."""

    key_salt = "verification.accounts.set_up"


_tokens = SetUpTokens()


def open_account(
    *, username: str, first_name: str, last_name: str, email: str, role: str, by: Staff, at: datetime
) -> Staff:
    """Open an account in `by`'s organisation. Raises TakesTwo for a role that approves.

    Nobody can log in with it until its owner has set it up.
    """
    if role in approving_roles():
        raise TakesTwo
    with transaction.atomic():
        opened = Staff(
            username=username, first_name=first_name, last_name=last_name, email=email, role=role,
            organisation_id=by.organisation_id, is_staff=True, date_joined=at,
        )  # fmt: skip
        opened.set_unusable_password()
        opened.save(force_insert=True)
        _entry("staff.account_opened", opened, by.actor, at, role=role)
        return opened


def new_link(staff: Staff, *, by: Staff, at: datetime) -> str:
    """Return a fresh single-use link word for an account that nobody has set up yet.

    One that is in use takes two administrators (verification/staff_changes.py). Raises OwnAccount or InUse.
    """
    with transaction.atomic():
        found = others(staff, by)
        if in_use(found):
            raise InUse
        return reset(found, actor=by.actor, at=at)


def in_use(staff: Staff) -> bool:
    """Tell whether the account's owner has set it up once, so that there is something to lose."""
    return staff.has_usable_password() or staff.last_login is not None


def reset(staff: Staff, *, actor: str, at: datetime) -> str:
    """Return a fresh single-use link word, in the caller's transaction and under his lock of the row.

    What the owner had is void at once, and the account is young again: it approves nothing for seven days, so that who
    resets another's account gains no second pair of hands. His identity is proved in person first (ASVS 6.4.4).
    """
    _forget_factors(staff)
    staff.set_unusable_password()
    staff.date_joined = at
    staff.save(update_fields=["password", "date_joined"])
    _entry("staff.set_up_link_made", staff, actor, at)
    return f"{staff.pseudonym.hex}.{_tokens.make_token(staff)}"


def open_first_administrator(*, organisation: str, username: str, ran_by: str, at: datetime) -> str:
    """Return a set-up link word for one of the first two administrators of an organisation, made when there is none.

    Two, since one alone could open no account that approves. The link of an account that was never set up is made anew
    by the same call, since nobody else could make it.
    `ran_by` is who sat at the console, as the machine tells it: it stands in the entry. Raises HasAdministrator,
    OtherOrganisation where one of another name is served, and ValidationError for a name that can't be used.
    """
    with transaction.atomic():
        place = _only_or_new(organisation)
        rows = Staff.objects.select_for_update().filter(organisation=place, role=Staff.Role.ADMINISTRATOR)
        found = {each.username: each for each in rows if each.is_active}
        if username not in found and len(found) > 1:
            raise HasAdministrator
        opened = found.get(username) or _first_administrator(place, username, at)
        if in_use(opened):
            raise HasAdministrator
        _entry("staff.first_administrator", opened, "system:first_administrator", at, personal={"ran_by": ran_by[:200]})
        return f"{opened.pseudonym.hex}.{_tokens.make_token(opened)}"


def _only_or_new(name: str) -> Organisation:
    found = Organisation.objects.filter(name=name).first()
    if found is None and Organisation.objects.exists():
        raise OtherOrganisation
    return found or Organisation.objects.create(name=name)


def _first_administrator(place: Organisation, username: str, at: datetime) -> Staff:
    opened = Staff(
        username=username, role=Staff.Role.ADMINISTRATOR, organisation=place, is_staff=True, date_joined=at
    )  # fmt: skip
    opened.set_unusable_password()
    opened.full_clean()
    opened.save(force_insert=True)
    return opened


def only_organisation() -> str:
    """Return the key of the house's only organisation as the log writes it; "" where there are several.

    There a stranger's try is no one's to read.
    """
    some = list(Organisation.objects.values_list("pk", flat=True)[:2])
    return str(some[0]) if len(some) == 1 else ""


def owner_of(link: str) -> Staff | None:
    """Return whose link this is while it is good, else None."""
    name, _, token = link.partition(".")
    try:
        found = Staff.objects.filter(pseudonym=UUID(hex=name), is_active=True).first()
    except ValueError:
        return None
    return found if found is not None and _tokens.check_token(found, token) else None


def finish_set_up(link: str, *, password: str, secret: bytes, step: int, at: datetime) -> bool:
    """Set the password and the one-time codes of a link's owner; False when the link is no longer good.

    `step` is the time step of the code that proved the secret: it is used up.
    """
    with transaction.atomic():
        owner = owner_of(link)
        found = Staff.objects.select_for_update().filter(pk=owner.pk).first() if owner else None
        if found is None or owner_of(link) is None:
            return False
        found.set_password(password)
        found.save(update_fields=["password"])
        _forget_factors(found)
        TOTPDevice.objects.create(user=found, name="app", key=secret.hex(), confirmed=True, last_t=step)
        _entry("staff.set_up", found, found.actor, at)
        return True


def _forget_factors(staff: Staff) -> None:
    for kind in (TOTPDevice, WebAuthnCredential):
        kind.objects.filter(user=staff).delete()


def set_active(staff: Staff, active: bool, *, by: Staff, at: datetime) -> None:
    """Close an account or open it again. A closed one is out of every session at its next page. Raises OwnAccount.

    One that is opened again is young again: who wakes the account of somebody who has left gains no second pair of
    hands.
    """
    with transaction.atomic():
        found = others(staff, by)
        if active and not found.is_active:
            found.date_joined = at
        found.is_active = active
        found.save(update_fields=["is_active", "date_joined"])
        _entry("staff.account_reopened" if active else "staff.account_closed", found, by.actor, at)


def never_serves(staff: Staff, number: str, *, by: Staff, at: datetime) -> None:
    """Note that this person must never serve the customer of this number: himself, his family or household.

    The answer is the same whether or not there is such a customer. Raises OwnAccount.
    """
    with transaction.atomic():
        found = others(staff, by)
        customer = Customer.objects.filter(number=number[:8], organisation_id=found.organisation_id).first()
        if customer is not None:
            found.kin.add(customer)
        _entry("staff.kin_noted", found, by.actor, at)


def others(staff: Staff, by: Staff) -> Staff:
    """Return another's account in `by`'s own organisation, locked. Raises OwnAccount."""
    if staff.pk == by.pk:
        raise OwnAccount
    return Staff.objects.select_for_update().get(pk=staff.pk, organisation_id=by.organisation_id)


def _entry(
    kind: str, about: Staff, actor: str, at: datetime, *, personal: dict[str, str] | None = None, **facts: str
) -> None:
    record(
        kind=kind,
        actor=actor,
        subject=about.actor,
        at=at,
        outcome="ok",
        purpose="look after the accounts of our own staff",
        organisation=str(about.organisation_id),
        facts=facts,
        personal=personal,
    )
