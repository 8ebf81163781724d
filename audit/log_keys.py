"""The keys with which the log's checkpoints are signed, and how one follows another.

LOG_KEY signs; LOG_OLD_KEYS sign beside it for as long as verifiers may not have the new key yet. A key that was never
used before is introduced by an Entry that an earlier key signs: whoever trusts the old one can come to trust the new.
"""

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import transaction

from audit import notes
from audit.log import record
from audit.models import SigningKey, Tree


class NotIntroduced(Exception):
    """Refuse a new key that no earlier key of this log vouches for."""


def signers(origin: str) -> list[notes.Signer]:
    """Give who signs for a log now, LOG_KEY first; nobody where this process has no LOG_KEY."""
    keys = [settings.LOG_KEY, *settings.LOG_OLD_KEYS] if settings.LOG_KEY else []
    return [notes.Signer(origin, _private(key.private_key)) for key in keys]


def vkeys(tree: Tree) -> list[str]:
    """Give the public keys with which a log's checkpoints were signed, the newest first."""
    used = SigningKey.of_every_log.filter(log=tree.log).order_by("-since", "-first_used_at")
    return list(used.values_list("vkey", flat=True))


def introduce(tree: Tree, present: list[notes.Signer], *, at: datetime) -> None:
    """Note each key that is new, and record that it follows an old one. Raises NotIntroduced."""
    used = vkeys(tree)
    for new in [signer for signer in present if signer.vkey not in used]:
        old = next((signer for signer in present if signer.vkey in used), None)
        if used and old is None:
            raise NotIntroduced("LOG_KEY is new and no earlier key stands in LOG_OLD_KEYS to introduce it")
        with transaction.atomic():
            SigningKey.of_every_log.create(log=tree.log, vkey=new.vkey, since=tree.size, first_used_at=at)
            if old is not None:
                _record_rotation(old, new, at)
        used.append(new.vkey)


def statement(origin: str, vkey: str) -> str:
    """Write what an old key signs of a new one."""
    return f"{origin}\nis signed from now on by\n{vkey}\n"


def _record_rotation(old: notes.Signer, new: notes.Signer, at: datetime) -> None:
    note = notes.sign(statement(old.name, new.vkey), old)
    record(
        kind="log.key_rotated", actor="system:log", subject="log", at=at, outcome="ok",
        purpose="The log's checkpoints are signed by another key",
        facts={"old": old.vkey, "new": new.vkey, "note": note},
    )  # fmt: skip


def _private(key: object) -> Ed25519PrivateKey:
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("the log is signed with Ed25519")
    return key
