"""A stand-in for a national register of authorizations, on the loopback: it knows what it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from contactcentre.demo.people import BY_KEY
from verification.numbers import identity_mark

Right = tuple[str, str, str]  # principal's mark, representative's mark, action


@dataclass
class StandIn:
    """The rights it holds, each with its answer, and what it was asked. Whoever isn't among them has none."""

    address: str = ""
    rights: dict[Right, dict[str, Any]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def gives(self, principal: str, representative: str, action: str, **answer: Any) -> None:
        """Hold a right; `answer` replaces parts of what is answered, with which tests make it misbehave."""
        told = {"answer": "yes", "reference": f"register/{len(self.rights) + 1}", "until": None}
        self.rights[principal, representative, action] = told | answer

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to one question."""
        self.asked.append(asked)
        right = (asked["principal"], asked["representative"], asked["action"])
        return self.rights.get(right, {"answer": "no", "reference": "register/none", "until": None})


@contextmanager
def running() -> Iterator[StandIn]:
    """Serve a stand-in on a free port of the loopback until the block ends."""
    stand_in = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told = stand_in.answer(asked)
            body = told.get("raw", json.dumps(told)).encode()
            self.send_response(told.get("status", 200))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing on the console."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stand_in.address = f"http://127.0.0.1:{server.server_address[1]}/authority"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield stand_in
        finally:
            server.shutdown()
            thread.join()


# What the demo's register knows beyond our own record: principal, representative and the action.
KNOWN: Final = (
    ("anneli_aalto", "juhani_aalto", "disclose_personal_data"),
    ("anneli_aalto", "juhani_aalto", "change_phone"),
)


@contextmanager
def beside(*, say: Callable[[str], None]) -> Iterator[None]:
    """Run the stand-in beside the demo, with what it knows of the demo's customers, and leave word of its address."""
    file = Path(settings.AUTHORITY_REGISTER_DEMO_FILE)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    with running() as stand_in:
        for principal, representative, action in KNOWN:
            stand_in.gives(_mark(principal), _mark(representative), action)
        file.write_text(stand_in.address, encoding="utf-8")
        say(f"a national register of authorizations is played by {stand_in.address}")
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def _mark(key: str) -> str:
    return identity_mark(BY_KEY[key].identity_code)
