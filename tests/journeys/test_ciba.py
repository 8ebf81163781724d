"""A caller without a browser at hand proves himself in his app; no worker's death asks him twice or loses his no."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.urls import reverse

from contactcentre.celery import app
from tests.asked_by_link import calling, with_e_id
from tests.cast import Cast
from tests.journeys.people import Screen, decisions, kinds, last_entry, now, until
from tests.processes import Worker
from tests.provider import ANNA, Provider
from verification import backchannel, prompts, push_rows
from verification.eid import keys, network
from verification.models import CibaRequest, Evidence, Grant, Prompt, PromptEnd, Signal

pytestmark = pytest.mark.slow


def swept(condition: Callable[[], Any]) -> Any:
    """Wait while the beat would sweep."""

    def tried() -> Any:
        app.send_task("verification.tasks.sweep")
        return condition()

    return until(tried)


def on_the_screen(page: str) -> str:
    """Return the digits that the agent reads aloud."""
    found = re.search(r'class="say spoken"[^>]*>(\d{3} \d{3})<', page)
    assert found, "nothing to read aloud"
    return found[1].replace(" ", "")


def test_a_caller_approves_in_his_app_with_what_he_hears_and_is_served(
    live_cast: Cast, live_site: str, provider: Provider, start_worker: Callable[[], Worker]
) -> None:
    anna = with_e_id(live_cast, now())
    provider.knows(anna.number, {**ANNA, "hints": []})
    start_worker()
    contact = calling(live_cast)  # who has no codes at hand says his number
    agent, before = Screen(live_cast, "agent_aino"), last_entry()
    refusal = agent.is_refused(contact, "disclose_personal_data")
    assert refusal.ways.index("e_id_link") < refusal.ways.index("ciba"), "the stronger binding is named first"
    assert reverse("admin:prompt_in_app", args=[contact.public_id]) in agent.sees("refusal", refusal.public_id)

    earlier = provider.prompts()  # of other tests: the provider outlives each of them
    agent.sends("prompt_in_app", contact.public_id, refusal=str(refusal.public_id))
    [waiting] = swept(lambda: [each for each in provider.prompts() if each not in earlier])
    until(lambda: push_rows.letters_of(Prompt.objects.get()))
    page = agent.sees("interaction", contact.public_id)
    letters = push_rows.letters_of(Prompt.objects.get())
    assert letters in page
    assert waiting["params"]["binding_message"].endswith(letters)
    heard = on_the_screen(page)
    assert heard not in waiting["params"]["binding_message"]
    assert "did not match" in provider.answers_on_the_phone(waiting["id"], "approve", f"{(int(heard) + 1) % 10**6:06d}")
    assert "Approved" in provider.answers_on_the_phone(waiting["id"], "approve", heard)

    swept(lambda: PromptEnd.objects.filter(outcome="APPROVED").first())
    assert Evidence.objects.get(prompt__isnull=False).kind == "CIBA_HIGH"
    page = agent.sees("interaction", contact.public_id)
    assert "He has identified himself" in page
    assert heard not in page
    answer = agent.asks(contact, "disclose_personal_data")
    assert answer.status_code == 200
    assert decisions(before) == ["gate.refused", "gate.granted"]
    assert Grant.objects.filter(action="disclose_personal_data").count() == 1
    told = [kind for kind in kinds(before) if kind.startswith(("prompt.", "evidence.", "gate."))]
    assert told == [
        "gate.refused",
        "prompt.asked",
        "prompt.pushed",
        "evidence.observed",
        "prompt.ended",
        "gate.granted",
    ]


def test_a_request_that_waits_outlives_the_workers(
    live_cast: Cast, live_site: str, provider: Provider, start_worker: Callable[[], Worker]
) -> None:
    anna = with_e_id(live_cast, now())
    provider.knows(anna.number, {**ANNA, "hints": []})
    contact = calling(live_cast)
    first, prompt = start_worker(), ask(live_cast, contact)
    swept(lambda: CibaRequest.objects.filter(request_digest__isnull=False).exists())
    first.kill()
    sent = push_rows.sent_of(CibaRequest.objects.get())
    assert sent is not None
    provider.answers_on_the_phone(sent.auth_req_id, "approve", "".join(prompts.words_of(prompt)[1]))
    start_worker()
    swept(lambda: Evidence.objects.filter(prompt=prompt, kind="CIBA_HIGH").exists())
    assert len([each for each in provider.prompts() if each["accountId"] == anna.number]) >= 1
    assert CibaRequest.objects.get().done_at is not None


def ask(cast: Cast, contact: Any) -> Prompt:
    return prompts.ask(contact.public_id, road="CIBA", by=cast.agent_aino, at=now())


@dataclass
class Hanging:
    """A broker that keeps the first request to one of its addresses waiting for ever, and then hears a no."""

    hangs: str
    asked: list[str] = field(default_factory=list)
    end: threading.Event = field(default_factory=threading.Event)
    issuer: str = ""

    def answer(self, path: str) -> tuple[int, dict[str, Any]]:
        """Return what the broker says at an address."""
        self.asked.append(path)
        if path == self.hangs and self.asked.count(path) == 1:
            self.end.wait(60)
        if path == "/token":
            return 400, {"error": "access_denied"}
        if path == "/backchannel":
            return 200, {"auth_req_id": "1c266114-a1be-4252-8ad1-04986c5b9ac1", "expires_in": 170, "interval": 1}
        return 200, {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/jwks",
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "backchannel_authentication_endpoint": f"{self.issuer}/backchannel",
        }


@pytest.fixture
def hanging(request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    """Configure such a broker, here and for the workers."""
    broker = Hanging(request.param)

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.say(*broker.answer("/metadata"))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.say(*broker.answer(self.path))

        def say(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            try:
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # who asked was killed

        def log_message(self, *_: Any) -> None:
            """Keep the test's output clean."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        broker.issuer = f"http://127.0.0.1:{server.server_port}"
        named = [{"code": "slow", "profile": "fapi", "name": "Slow", "client_id": "us", "issuer": broker.issuer}]
        settings.E_ID_BROKERS, settings.E_ID_KEYS = json.dumps(named), keys.make()
        monkeypatch.setenv("E_ID_BROKERS", settings.E_ID_BROKERS)
        monkeypatch.setenv("E_ID_KEYS", settings.E_ID_KEYS)
        network.forget()
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield broker
        broker.end.set()
        server.shutdown()
        thread.join(5)


@pytest.mark.parametrize(
    ("hanging", "end", "signals"),
    [("/token", ("DECLINED", "NOT_CALLED"), 1), ("/backchannel", ("FAILED", "LOST"), 0)],
    indirect=["hanging"],
)
def test_a_worker_killed_while_a_broker_keeps_it_waiting_neither_asks_twice_nor_loses_the_answer(
    live_cast: Cast, hanging: Hanging, start_worker: Callable[[], Worker], end: tuple[str, str], signals: int
) -> None:
    with_e_id(live_cast, now())
    contact = calling(live_cast)
    worker, prompt = start_worker(), ask(live_cast, contact)
    swept(lambda: hanging.hangs in hanging.asked)
    worker.kill()
    row = CibaRequest.objects.get(prompt=prompt)
    assert row.polling_until is not None, "it was in that worker's hands"
    second = start_worker()
    app.send_task("verification.tasks.ask_broker", kwargs={"request_id": row.pk})
    app.send_task("verification.tasks.sweep")
    second.stop()
    assert hanging.asked.count(hanging.hangs) == 1, "as long as the lease lasts nobody else asks"

    later = row.polling_until
    assert push_rows.due(at=later) == [row.pk]
    for _sweep in range(3):
        for due in push_rows.due(at=later):
            backchannel.step(due, at=later)
    found = PromptEnd.objects.get(prompt=prompt)
    assert (found.outcome, found.reason) == end
    assert hanging.asked.count("/backchannel") == 1
    assert hanging.asked.count("/token") == 2 * signals
    assert Signal.objects.count() == signals
