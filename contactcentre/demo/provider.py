"""deploy/e_id/ as a child process: what it is told of us, how it starts, how it ends.

It takes its configuration on stdin and ends when that closes, so nothing is left when whoever started it is killed.
The tests run the same program.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any, Final, cast
from urllib.parse import urlsplit

from deploy.e_id import install
from verification.eid import keys
from verification.eid.brokers import NOTIFY_PATH, RETURN_PATH, Broker

PROGRAM: Final = Path(install.HERE) / "provider.mjs"
READY_SECONDS: Final = 20.0
CIBA: Final = "urn:openid:params:grant-type:ciba"


class NoProvider(Exception):
    """The provider can't be had here; the message is one line."""


def client_of(broker: Broker, *, ours: str, pinged: str) -> dict[str, Any]:
    """Return what a broker registers of us (OpenID Registration): keys, addresses, algorithms. Nothing in it is secret.

    `ours` is the address that browsers know us by; `pinged`, which must be https, the one that pings are sent to.
    """
    return {
        "client_id": broker.client_id,
        "client_name": "Lähiturva",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": broker.request_signing,
        "jwks": keys.public_jwks(),
        "redirect_uris": [ours + RETURN_PATH.format(code=broker.code)],
        "response_types": ["code"],
        "grant_types": ["authorization_code", *([CIBA] if broker.ciba != "none" else [])],
        "id_token_signed_response_alg": broker.id_token_signing,
        "request_object_signing_alg": broker.request_signing,
        "require_signed_request_object": True,
        "require_pushed_authorization_requests": broker.request_by == "PAR",
        **_encrypted(broker),
        **_prompted(broker, pinged),
    }


def _encrypted(broker: Broker) -> dict[str, str]:
    if not broker.encryption_alg:
        return {}
    return {
        "id_token_encrypted_response_alg": broker.encryption_alg,
        "id_token_encrypted_response_enc": broker.encryption_enc,
    }


def _prompted(broker: Broker, pinged: str) -> dict[str, str]:
    if broker.ciba == "none":
        return {}
    told = {"backchannel_client_notification_endpoint": pinged + NOTIFY_PATH.format(code=broker.code)}
    return {
        "backchannel_token_delivery_mode": broker.ciba,
        "backchannel_authentication_request_signing_alg": broker.request_signing,
        **(told if broker.ciba == "ping" else {}),
    }


def start(configuration: Mapping[str, Any], *, log: Path, prepare: Callable[[], None] | None) -> Running:
    """Start the provider and wait until it listens. Raises NoProvider in one line when it can't be."""
    try:
        if not install.installed():
            raise NoProvider("its packages are not installed; `make run` does that")
        node = install.node()
    except install.NotReady as reason:
        raise NoProvider(str(reason)) from None
    with log.open("w") as output:
        process = subprocess.Popen(
            [node, str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
            start_new_session=True,
            preexec_fn=prepare,
        )
    running = Running(process)
    running.tell(configuration)
    return running


class Running:
    """A provider that was started. `issuer` is its address once it is ready."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.issuer = ""
        self._in, self._out = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)

    def tell(self, configuration: Mapping[str, Any]) -> None:
        """Give it its configuration and wait for the address. Raises NoProvider."""
        said: Queue[str] = Queue()
        threading.Thread(target=lambda lines: said.put(lines.readline()), args=[self._out], daemon=True).start()
        with contextlib.suppress(BrokenPipeError):
            self._in.write(json.dumps(configuration) + "\n")
            self._in.flush()
        try:
            self.issuer = json.loads(said.get(timeout=READY_SECONDS))["issuer"]
        except (Empty, ValueError):
            self.stop()
            raise NoProvider("it didn't start; see provider.log in DATA_DIR/e_id") from None

    def stop(self) -> None:
        """End it at once: nothing of it is kept."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(1)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(2)
        for pipe in (self._in, self._out):
            with contextlib.suppress(OSError):
                pipe.close()


def secure(address: str) -> str:
    """Return an http address of ours as the https one that the provider is told, and then rewrites."""
    return f"https://{urlsplit(address).netloc}"
