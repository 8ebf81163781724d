"""A stand-in for a national register of authorizations, on the loopback: it knows what it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

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
