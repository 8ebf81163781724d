"""Contacts through the API: opened by hand, queued, taken by one, claimed without an oracle, ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from audit.models import Entry
from tests.api_client import Api, is_problem, now
from tests.cast import Cast, number
from verification.interactions import hand_back, open_call, wait
from verification.models import Claim, Interaction, Organisation, Staff


@pytest.fixture
def aino(cast: Cast) -> Api:
    return Api(cast, "agent_aino")


def waiting(cast: Cast, keypad: str = "WRONG") -> Interaction:
    """Open a call that waits for a human."""
    call = open_call(cast.organisation, line="+358401234567", language="sv", at=now())
    wait(call.public_id, keypad=keypad, at=now())
    return call


@pytest.mark.parametrize("channel", ["PHONE", "DESK", "WEB", "CHAT", "LETTER", "chat"])
def test_a_contact_opened_by_hand_starts_at_none_and_opens_no_record(cast: Cast, channel: str) -> None:
    opened = Api(cast, "clerk_kalle").post("interactions/", {"channel": channel})
    assert opened.status_code == 201
    body = opened.json()
    assert (body["channel"], body["served"], body["level"], body["until"]) == (channel.upper(), "ME", "NONE", None)
    assert body["claim"] == {"made": False, "capacity": None}
    assert Entry.objects.filter(kind="interaction.opened").count() == 1


def test_an_agent_neither_opens_nor_takes_a_contact_at_the_desk(cast: Cast, aino: Api) -> None:
    is_problem(aino.post("interactions/", {"channel": "DESK"}), 403, "not-allowed")
    contact = cast.desk(at=now(), claims=cast.antti)
    hand_back(contact.public_id, by=cast.clerk_kalle, at=now())
    is_problem(aino.post(f"interactions/{contact.public_id}/take/", {}), 403, "not-allowed")


@pytest.mark.parametrize(
    "body", [{}, {"channel": "PIGEON"}, {"channel": 5}, {"channel": "CHAT", "language": "de"}, [], 5]
)
def test_a_contact_of_no_known_channel_is_400(aino: Api, body: Any) -> None:
    assert is_problem(aino.post("interactions/", body), 400, "malformed")["errors"]
    assert not Interaction.objects.exists()


def test_the_queue_shows_who_waits_and_ones_own(cast: Cast, aino: Api) -> None:
    queued, own, others = waiting(cast), cast.call(at=now()), cast.call(at=now(), by="agent_arvo")
    open_call(cast.organisation, line="", language="fi", at=now())  # still with the keypad: nobody's yet
    rows = aino.get("interactions/").json()["results"]
    assert [(row["id"], row["served"]) for row in rows] == [
        (str(queued.public_id), "NOBODY"),
        (str(own.public_id), "ME"),
    ]
    assert rows[0]["keypad"] == "WRONG"
    every = Api(cast, "supervisor").get("interactions/").json()["results"]
    assert str(others.public_id) in [row["id"] for row in every]
    assert len(every) == 4


def test_the_queue_comes_in_pages_without_gap_or_double(cast: Cast, aino: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verification.api.interactions.PAGE", 2)
    expected = [str(waiting(cast).public_id) for _ in range(5)]
    seen, cursor = [], None
    while True:
        page = aino.get("interactions/", **({"cursor": cursor} if cursor else {})).json()
        seen += [row["id"] for row in page["results"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == expected
    is_problem(aino.get("interactions/", cursor="x"), 400, "malformed")
    is_problem(aino.get("interactions/", cursor=str(uuid4())), 400, "malformed")


def test_what_is_seen_of_a_contact(cast: Cast, aino: Api) -> None:
    call = cast.call(at=now() - timedelta(seconds=1), claims=cast.antti, level="LOW")
    body = aino.get(f"interactions/{call.public_id}/").json()
    assert body["level"] == "LOW"
    assert body["until"]
    assert body["evidence"] == ["KEYPAD_TOTP"]
    assert body["claim"] == {"made": True, "capacity": "SELF"}
    assert cast.antti.number not in str(body)
    assert "Asiakas" not in str(body)


def test_a_contact_is_seen_by_who_serves_it_and_by_a_supervisor(cast: Cast, aino: Api) -> None:
    call = cast.call(at=now())
    assert aino.get(f"interactions/{call.public_id}/").status_code == 200
    assert Api(cast, "supervisor").get(f"interactions/{call.public_id}/").status_code == 200
    is_problem(Api(cast, "agent_arvo").get(f"interactions/{call.public_id}/"), 403, "not-serving")
    is_problem(aino.get(f"interactions/{uuid4()}/"), 404, "not-found")


def test_two_agents_want_one_contact_and_one_gets_it(cast: Cast, aino: Api) -> None:
    call, arvo = waiting(cast), Api(cast, "agent_arvo")
    assert aino.post(f"interactions/{call.public_id}/take/").json()["served"] == "ME"
    is_problem(arvo.post(f"interactions/{call.public_id}/take/"), 409, "taken")
    assert aino.post(f"interactions/{call.public_id}/take/").status_code == 200
    assert Entry.objects.filter(kind="interaction.taken").count() == 1
    for step in ("end/", "claim/"):
        body = {"customer_number": cast.antti.number} if step == "claim/" else None
        is_problem(arvo.post(f"interactions/{call.public_id}/{step}", body), 403, "not-serving")
    call.refresh_from_db()
    assert call.ended_at is None
    assert not Claim.objects.exists()


def test_an_ended_contact_is_over(cast: Cast, aino: Api) -> None:
    call = cast.call(at=now())
    assert aino.post(f"interactions/{call.public_id}/end/").json()["ended_at"]
    assert aino.post(f"interactions/{call.public_id}/end/").status_code == 200
    is_problem(aino.post(f"interactions/{call.public_id}/take/"), 409, "ended")
    is_problem(aino.post(f"interactions/{call.public_id}/claim/", {"customer_number": cast.antti.number}), 409, "ended")


def test_a_claim_is_noted_alike_whether_or_not_there_is_such_a_customer(cast: Cast, aino: Api) -> None:
    known, unknown = cast.call(at=now()), cast.call(at=now())
    answers, seen = [], []
    for call, claimed in ((known, cast.antti.number), (unknown, number(7654321))):
        answers.append(aino.post(f"interactions/{call.public_id}/claim/", {"customer_number": claimed}))
        shown = aino.get(f"interactions/{call.public_id}/").json()
        seen.append({name: shown[name] for name in ("level", "until", "claim", "evidence")})
    assert answers[0].status_code == 200
    for call, answer in zip((known, unknown), answers, strict=True):
        assert answer.json() == {"noted": True, "speaker": str(call.speakers.get().public_id)}
    assert seen[0] == seen[1]
    assert [claim.customer_id for claim in Claim.objects.order_by("pk")] == [cast.antti.customer.pk, None]


def test_a_new_claim_voids_the_evidence(cast: Cast, aino: Api) -> None:
    call = cast.call(at=now() - timedelta(seconds=1), claims=cast.antti, level="LOW")
    aino.post(f"interactions/{call.public_id}/claim/", {"customer_number": cast.antti2.number})
    assert aino.get(f"interactions/{call.public_id}/").json()["level"] == "NONE"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"customer_number": ""},
        {"customer_number": "1234"},
        {"customer_number": "1234567\u0000"},
        {"customer_number": "١٢٣٤٥٦٧٨"},
        {"customer_number": ["10000015"]},
        {"customer_number": "9" * 10_000},
        {"customer_number": "10000015", "capacity": "KING"},
        ["10000015"],
    ],
)
def test_a_claim_that_is_no_customer_number_is_400(cast: Cast, aino: Api, body: Any) -> None:
    call = cast.call(at=now())
    assert is_problem(aino.post(f"interactions/{call.public_id}/claim/", body), 400, "malformed")["errors"]
    assert not Claim.objects.exists()


def test_trying_numbers_in_a_row_is_stopped(cast: Cast, aino: Api) -> None:
    call = cast.call(at=now())
    codes = [
        aino.post(f"interactions/{call.public_id}/claim/", {"customer_number": number(7000000 + step)}).status_code
        for step in range(30)
    ]
    assert codes[0] == 200
    assert codes[-1] == 429


def test_another_organisations_contacts_are_not_there(cast: Cast) -> None:
    call = cast.call(at=now())
    elsewhere = Organisation.objects.create(name="Toinen Oy")
    Staff.objects.filter(pk=cast.supervisor.pk).update(organisation=elsewhere)
    stranger = Api(cast, "supervisor")
    assert stranger.get("interactions/").json()["results"] == []
    for step in ("", "take/", "end/", "claim/"):
        path = f"interactions/{call.public_id}/{step}"
        is_problem(stranger.post(path) if step else stranger.get(path), 404, "not-found")
    assert is_problem(stranger.act(call, "open_case", {"questions": "?"}), 403, "refused")["reason"] == "NOT_LIVE"
