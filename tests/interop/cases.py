"""Makes what Go is to judge: everything that is good about a real log, and each way to tamper with it."""

import base64
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit import log_keys, merkle, proofs
from audit.models import Leaf, SignedCheckpoint, Tree
from audit.notes import Signer, checkpoint_text, sign
from audit.proof_files import read_proof, write_proof
from audit.tiles import Tiles, joined


@dataclass(frozen=True)
class Case:
    """Say what is to be verified, with which key, and whether it is good."""

    name: str
    kind: str
    vkey: str
    origin: str
    good: bool
    note: str = ""
    older: str = ""
    proof: str = ""
    folder: str = ""
    path: list[str] = field(default_factory=list)


class Material:
    """Hold a log that was sequenced and published, and make cases from it."""

    def __init__(self, tree: Tree, folder: Path) -> None:
        self.tree, self.folder = tree, folder
        (self.signer,) = log_keys.signers(tree.origin)
        self.stranger = Signer(tree.origin, Ed25519PrivateKey.generate())
        self.notes = {row.size: row.note for row in SignedCheckpoint.objects.order_by("size")}
        self.newest = max(self.notes)
        self.read = Tiles(tree.log).read

    def case(self, name: str, kind: str, *, good: bool = False, **given: Any) -> dict[str, Any]:
        return asdict(Case(name, kind, **{"vkey": self.signer.vkey, "origin": self.tree.origin, "good": good} | given))

    def all(self) -> list[dict[str, Any]]:
        """Make every case."""
        return [*self.checkpoints(), *self.inclusion(), *self.consistency(), *self.files()]

    def checkpoints(self) -> Iterator[dict[str, Any]]:
        for size, note in self.notes.items():
            yield self.case(str(size), "checkpoint", good=True, note=note)
        note = self.notes[self.newest]
        text, signature = note.split("\n\n")
        foreign = sign(checkpoint_text("elsewhere.example/log", 1, b"\0" * 32), self.signer)
        for name, spoilt in {
            "a byte of the root flipped": flipped(note, text.rindex("\n") + 5),
            "the size made smaller": note.replace(f"\n{self.newest}\n", f"\n{self.newest - 1}\n"),
            "a byte of the signature flipped": flipped(note, len(note) - 20),
            "the origin replaced": note.replace(self.tree.origin, "elsewhere.example/log", 1),
            "signed by us for another origin": foreign,
            "signed with another key": sign(text + "\n", self.stranger),
            "without its signature": text + "\n\n",
            "truncated": note[:-10],
            "an old signature under a new text": text + "\n\n" + self.notes[min(self.notes)].split("\n\n")[1],
        }.items():
            yield self.case(name, "checkpoint", note=spoilt)
        yield self.case("verified with another key", "checkpoint", note=note, vkey=self.stranger.vkey)
        assert signature

    def inclusion(self) -> Iterator[dict[str, Any]]:
        indexes = sorted({0, 1, 2, 3, 255, 256, 257, self.newest // 2, self.newest - 2, self.newest - 1})
        good = {index: proofs.prove(Leaf.objects.get(leaf_index=index).entry.uid) for index in indexes}
        for index, proof in good.items():
            yield self.case(f"entry {index}", "inclusion", good=True, proof=proof)
        given, other = (read_proof(good[index]) for index in (256, 257))
        first, second, *rest = given.path
        text = self.notes[self.newest].split("\n\n")[0] + "\n"
        for name, spoilt in {
            "a byte of the entry flipped": given._replace(entry=bytes([given.entry[0] ^ 1]) + given.entry[1:]),
            "two entries swapped": given._replace(entry=other.entry),
            "the index of its neighbour": given._replace(leaf_index=257),
            "a byte of the path flipped": given._replace(path=[bytes([first[0] ^ 1]) + first[1:], second, *rest]),
            "two hashes of the path swapped": given._replace(path=[second, first, *rest]),
            "the path truncated": given._replace(path=given.path[:-1]),
            "the path lengthened": given._replace(path=[*given.path, first]),
            "no path": given._replace(path=[]),
            "an old checkpoint": given._replace(note=self.notes[300]),
            "a checkpoint with another key": given._replace(note=sign(text, self.stranger)),
            "a checkpoint of another origin": given._replace(
                note=sign(text.replace(self.tree.origin, "elsewhere.example/log"), self.signer)
            ),
            "the tail dropped": given._replace(note=self.shorter()),
        }.items():
            yield self.case(name, "inclusion", proof=write_proof(spoilt))
        yield self.case("truncated", "inclusion", proof=good[256][: len(good[256]) // 2])
        yield self.case("verified with another key", "inclusion", proof=good[256], vkey=self.stranger.vkey)

    def shorter(self) -> str:
        """Sign what no honest log does: the newest tree without its last entry."""
        size = self.newest - 1
        return sign(checkpoint_text(self.tree.origin, size, merkle.root(self.read, size)), self.signer)

    def consistency(self) -> Iterator[dict[str, Any]]:
        for older, newer in combinations(self.notes, 2):
            yield self.both(f"{older} to {newer}", self.path(older, newer), older, newer, good=True)
        path = self.path(300, self.newest)
        for name, spoilt in {
            "a byte flipped": [flipped(path[0], 3), *path[1:]],
            "two hashes swapped": [path[1], path[0], *path[2:]],
            "truncated": path[:-1],
            "lengthened": [*path, path[0]],
            "empty": [],
        }.items():
            yield self.both(name, spoilt, 300, self.newest)
        yield self.both("the path of an older checkpoint", self.path(257, self.newest), 300, self.newest)
        yield self.both("an old checkpoint in place of the new", path, 300, 557)
        yield self.both("in the wrong order", path, self.newest, 300)
        yield self.case("dropped tail", "consistency", older=self.notes[self.newest], note=self.shorter(), path=path)
        yield self.case("rewritten", "consistency", older=self.notes[300], note=self.rewritten(), path=path)
        foreign = sign(checkpoint_text("elsewhere.example/log", 300, merkle.root(self.read, 300)), self.signer)
        yield self.case("other origin", "consistency", older=foreign, note=self.notes[self.newest], path=path)

    def rewritten(self) -> str:
        """Sign what no honest log does: a tree of the same size whose third entry is another."""

        def read(level: int, index: int) -> bytes:
            if index != 2 >> level:
                return self.read(level, index)
            leaves = [self.read(0, at) for at in range(index << level, (index + 1) << level)]
            leaves[2 - (index << level)] = merkle.leaf_hash(b"{}")
            return joined(b"".join(leaves))

        root = merkle.root(read, self.newest)
        return sign(checkpoint_text(self.tree.origin, self.newest, root), self.signer)

    def path(self, older: int, newer: int) -> list[str]:
        return [base64.b64encode(each).decode() for each in merkle.consistency_path(self.read, older, newer)]

    def both(self, name: str, path: list[str], older: int, newer: int, *, good: bool = False) -> dict[str, Any]:
        return self.case(name, "consistency", good=good, older=self.notes[older], note=self.notes[newer], path=path)

    def files(self) -> Iterator[dict[str, Any]]:
        yield self.case("as published", "files", good=True, folder=str(self.folder))
        for number, (name, part, spoil) in enumerate((
            ("a byte of a tile flipped", "tile/0/000", lambda c: bytes([c[0] ^ 1]) + c[1:]),
            ("two hashes of a tile swapped", "tile/0/001", lambda c: c[32:64] + c[:32] + c[64:]),
            ("a tile truncated", "tile/0/001", lambda c: c[:-32]),
            ("a byte of an entry flipped", "tile/entries/000", lambda c: c[:9] + bytes([c[9] ^ 1]) + c[10:]),
            ("two entries swapped", "tile/entries/001", swapped),
            ("the last entry dropped", "tile/entries/001", lambda c: c[: -len(last_of(c))]),
            ("an old checkpoint", "checkpoint", lambda _: self.notes[300].encode()),
        )):  # fmt: skip
            copy = self.folder.with_name(f"spoilt{number}")
            shutil.copytree(self.folder, copy)
            (copy / part).write_bytes(spoil((copy / part).read_bytes()))
            yield self.case(name, "files", folder=str(copy))
        yield self.case("an entry and its hash replaced together", "files", folder=str(self.replaced()))

    def replaced(self) -> Path:
        """Replace the first entry by the second, in its bundle and in its tile."""
        copy = self.folder.with_name("replaced")
        shutil.copytree(self.folder, copy)
        tile, bundle = copy / "tile/0/000", copy / "tile/entries/000"
        _, second, *rest = entries_of(bundle.read_bytes())
        bundle.write_bytes(b"".join([second, second, *rest]))
        tile.write_bytes(tile.read_bytes()[32:64] + tile.read_bytes()[32:])
        return copy


def flipped(text: str, at: int) -> str:
    """Replace one character of base64 or digits by another."""
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def entries_of(bundle: bytes) -> list[bytes]:
    """Split a bundle into entries, each with its length before it."""
    found = []
    while bundle:
        end = 2 + int.from_bytes(bundle[:2], "big")
        found.append(bundle[:end])
        bundle = bundle[end:]
    return found


def swapped(bundle: bytes) -> bytes:
    first, second, *rest = entries_of(bundle)
    return b"".join([second, first, *rest])


def last_of(bundle: bytes) -> bytes:
    return entries_of(bundle)[-1]
