"""Prove to somebody outside that an entry is in the log: one file, which he checks with the log's public key alone."""

from uuid import UUID

from audit.merkle import inclusion_path, leaf_hash, verify_inclusion
from audit.models import Entry, Leaf, SignedCheckpoint
from audit.proof_files import Proof, write_proof
from audit.sinks import checkpoint_of
from audit.tiles import Damaged, Tiles


class NoSuchEntry(Exception):
    """Tell that no entry has this receipt."""


class NotYet(Exception):
    """Tell that no signed checkpoint covers the entry yet: a second after it was written one should."""


def prove(uid: UUID) -> str:
    """Write the tlog-proof of an entry under the newest signed checkpoint, of the newest log that holds it.

    Raises NoSuchEntry, NotYet, and Damaged when the entry, as it stands now, can't be proven.
    """
    entry = Entry.objects.filter(uid=uid).only("id", "body").first()
    if entry is None:
        raise NoSuchEntry(f"no entry has the receipt {uid}")
    for leaf in Leaf.of_every_log.filter(entry_id=entry.id).order_by("-log"):
        newest = SignedCheckpoint.of_every_log.filter(log=leaf.log).order_by("-size").first()
        if newest is not None and newest.size > leaf.leaf_index:
            return write_proof(_proof(bytes(entry.body), leaf, newest))
    raise NotYet(f"no signed checkpoint covers the entry {uid} yet")


def _proof(body: bytes, leaf: Leaf, signed: SignedCheckpoint) -> Proof:
    path = inclusion_path(Tiles(leaf.log).read, leaf.leaf_index, signed.size)
    root = checkpoint_of(signed.note).root
    if not verify_inclusion(leaf_hash(body), leaf.leaf_index, signed.size, path, root):
        raise Damaged(f"entry {leaf.leaf_index} of log {leaf.log} isn't what was logged: run `manage.py audit verify`")
    return Proof(body, leaf.leaf_index, path, signed.note)
