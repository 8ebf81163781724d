"""The worked example whose every byte is known, with its witness, for Go to judge."""

import base64
from dataclasses import asdict
from typing import Any

from audit.proof_files import Proof, write_proof
from tests.interop.cases import Case, flipped
from tests.test_log_merkle import ENTRY_0, ENTRY_3, LEAVES, NODE_01, ROOT_3
from tests.test_log_notes import LOG, LOG_VKEY, NOTE, ORIGIN, checkpoint_text, sign


def example() -> list[dict[str, Any]]:
    """Make its cases: the checkpoint, the entry 3 of 5, and 3 to 5."""
    older = sign(checkpoint_text(ORIGIN, 3, ROOT_3), LOG)
    path = [base64.b64encode(each).decode() for each in (LEAVES[2], LEAVES[3], NODE_01, LEAVES[4])]
    proof = Proof(ENTRY_3, 3, [LEAVES[2], NODE_01, LEAVES[4]], NOTE)
    return [
        asdict(Case(f"the worked example, {name}", kind, LOG_VKEY, ORIGIN, good, **given))
        for name, kind, good, given in (
            ("its checkpoint", "checkpoint", True, {"note": NOTE}),
            ("its entry 3", "inclusion", True, {"proof": write_proof(proof)}),
            ("from 3 to 5", "consistency", True, {"older": older, "note": NOTE, "path": path}),
            ("a flipped checkpoint", "checkpoint", False, {"note": flipped(NOTE, 45)}),
            ("another entry", "inclusion", False, {"proof": write_proof(proof._replace(entry=ENTRY_0))}),
            ("from 3 to 5 without the end", "consistency", False, {"older": older, "note": NOTE, "path": path[:-1]}),
        )
    ]
