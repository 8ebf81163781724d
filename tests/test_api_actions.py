"""Actions through the API: the gate's answer in its fixed form, one entry an attempt, one effect a key."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from cases.models import Case, Voucher
from tests.actions_asked import VALID
from tests.api_client import Api, decisions, is_problem, now
from tests.cast import Cast
from verification import signals
from verification.declarations import all_declared
from verification.models import Grant, Hold, Interaction, Refusal

VOUCHER = VALID["small_voucher"]


@pytest.fixture
def api(cast: Cast) -> Api:
    return Api(cast, "agent_aino")


@pytest.fixture
def call(cast: Cast) -> Interaction:
    return cast.call(at=now(), claims=cast.antti)


def test_the_list_is_what_is_declared(api: Api) -> None:
    listed = {row["name"]: row for row in api.get("actions/").json()}
    assert set(listed) == {declared.name for declared in all_declared()}
    for declared in all_declared():
        row = listed[declared.name]
        assert row["requires"] == declared.required.name
        assert row["because"] == declared.because
        assert row["origin"] == declared.origin
        assert row["roles"] == sorted(declared.roles)
        assert set(row["label"]) == {"fi", "sv", "en"}
        assert set(row["parameters"]["properties"]) == set(declared.form.base_fields)


def test_a_granted_action_is_done_and_answered(api: Api, call: Interaction) -> None:
    done = api.act(call, "small_voucher", VOUCHER)
    assert done.status_code == 200
    assert set(done.json()) == {"grant", "result", "receipt"}
    assert Voucher.objects.get().public_id.hex == done.json()["result"]["voucher"].replace("-", "")
    assert Grant.objects.filter(public_id=done.json()["grant"], asked_by__username="agent_aino").exists()
    assert done["Cache-Control"] == "no-store"


def test_a_refusal_has_its_fixed_form(api: Api, call: Interaction) -> None:
    before = decisions()
    body = is_problem(api.act(call, "change_address", VALID["change_address"]), 403, "refused")
    kept = Refusal.objects.get()
    assert body["action"] == "change_address"
    assert (body["reason"], body["held"], body["required"]) == ("LEVEL", "NONE", "SUBSTANTIAL")
    assert body["refusal"] == str(kept.public_id)
    assert body["say"] == kept.said
    assert set(body["say"]) == {"fi", "sv", "en"}
    assert [way["code"] for way in body["ways_forward"]] == kept.ways
    assert "visit" in kept.ways
    for way in body["ways_forward"]:
        assert set(way) == {"code", "label", "say", "action"}
        assert way["say"]["en"]
        assert not way["action"] or way["action"] in {declared.name for declared in all_declared()}
    assert decisions() == before + 1


@pytest.mark.parametrize(
    "name", ["delete_everything", "OPEN_CASE", "open_case%00", "open_case%0A", "%ED%A0%80", "ä" * 90]
)
def test_an_undeclared_action_is_refused_and_written_down_once(api: Api, call: Interaction, name: str) -> None:
    before = decisions()
    body = is_problem(api.act(call, name), 403, "refused")
    assert body["reason"] == "UNDECLARED"
    assert body["ways_forward"]
    assert decisions() == before + 1


def test_an_unknown_interaction_is_refused_and_written_down_once(api: Api) -> None:
    before = decisions()
    body = is_problem(api.act(uuid4(), "open_case", {"questions": "?"}), 403, "refused")
    assert body["reason"] == "NOT_LIVE"
    assert decisions() == before + 1


def test_a_call_that_has_ended_takes_no_more_actions(api: Api, call: Interaction) -> None:
    assert api.post(f"interactions/{call.public_id}/end/").status_code == 200
    assert is_problem(api.act(call, "small_voucher", VOUCHER), 403, "refused")["reason"] == "NOT_LIVE"
    assert not Voucher.objects.exists()


WRONG: list[Any] = [
    {"receipt": "R-1", "amount": "many", "fault": "cold soup"},
    {"receipt": ["R-1000"], "amount": 100, "fault": "cold soup"},
    {"receipt": "R-1000", "amount": {"cents": 100}, "fault": "cold soup"},
    {"receipt": "R-1000", "amount": 1.5, "fault": "cold soup"},
    {"receipt": "R-1000", "amount": True, "fault": "cold soup"},
    {"receipt": "R-1000", "amount": 10**30, "fault": "cold soup"},
    {"receipt": "R-1000", "amount": -5, "fault": "cold soup"},
    {"receipt": "R-1000", "amount": 100, "fault": "cold\u0000soup"},
    {"receipt": "R-1000", "amount": 100},
    {"receipt": "R-1000", "amount": 100, "fault": "cold soup", "customer": 7},
    {"receipt": "R-1000", "amount": 100, "fault": "cold soup", "x" * 70_000: 1},
    {"receipt": "R-1000", "amount": 100, "fault": "cold soup", "\u0000\n": 1},
    {},
    [],
    ["R-1000"],
    "R-1000",
    17,
    None,
]


@pytest.mark.parametrize("parameters", WRONG, ids=[str(index) for index in range(len(WRONG))])
def test_malformed_parameters_are_400_with_one_entry_and_no_refusal(
    api: Api, call: Interaction, parameters: Any
) -> None:
    before = decisions()
    path = f"interactions/{call.public_id}/actions/small_voucher/"
    body = is_problem(api.client.post(f"/api/v1/{path}", parameters, format="json"), 400, "malformed")
    assert body["errors"]
    assert all(sentences for sentences in body["errors"].values())
    assert decisions() == before + 1
    assert not Refusal.objects.exists()
    assert not Voucher.objects.exists()


def test_one_key_is_one_effect(api: Api, call: Interaction) -> None:
    first = api.act(call, "small_voucher", VOUCHER, **{"Idempotency-Key": "k-1"})
    second = api.act(call, "small_voucher", VOUCHER, **{"Idempotency-Key": "k-1"})
    told = [{name: told for name, told in answer.json().items() if name != "receipt"} for answer in (first, second)]
    assert told[0] == told[1], "only the receipt is signed anew: it is short-lived"
    assert first.status_code == second.status_code == 200
    assert Voucher.objects.count() == 1


def test_one_key_is_one_refusal(api: Api, call: Interaction) -> None:
    answers = [api.act(call, "tell_case_state", {}, **{"Idempotency-Key": "k-1"}) for _ in range(2)]
    assert answers[0].json()["refusal"] == answers[1].json()["refusal"]
    assert Refusal.objects.count() == 1


def test_a_key_used_for_something_else_is_told_so_and_does_nothing(api: Api, call: Interaction) -> None:
    assert api.act(call, "small_voucher", VOUCHER, **{"Idempotency-Key": "k-1"}).status_code == 200
    other = VOUCHER | {"receipt": "R-2026-18"}
    is_problem(api.act(call, "small_voucher", other, **{"Idempotency-Key": "k-1"}), 422, "key-reused")
    is_problem(api.act(call, "temporary_hold", {}, **{"Idempotency-Key": "k-1"}), 422, "key-reused")
    assert Voucher.objects.count() == 1
    assert not Hold.objects.filter(kind="TEMPORARY").exists()


def test_a_colleagues_key_is_not_ones_own(cast: Cast, api: Api, call: Interaction) -> None:
    others = cast.call(at=now(), claims=cast.antti2, by="agent_arvo")
    assert api.act(call, "temporary_hold", {}, **{"Idempotency-Key": "k-1"}).status_code == 200
    assert Api(cast, "agent_arvo").act(others, "temporary_hold", {}, **{"Idempotency-Key": "k-1"}).status_code == 200
    assert Grant.objects.filter(action="temporary_hold").count() == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "with space"])
def test_a_key_of_the_wrong_form_is_400(api: Api, call: Interaction, key: str) -> None:
    is_problem(api.act(call, "small_voucher", VOUCHER, **{"Idempotency-Key": key}), 400, "malformed")
    assert not Voucher.objects.exists()


def test_only_who_serves_the_contact_acts_in_it(cast: Cast, call: Interaction) -> None:
    before = decisions()
    for username in ("agent_arvo", "supervisor"):
        body = is_problem(Api(cast, username).act(call, "small_voucher", VOUCHER), 403, "refused")
        assert body["reason"] == "NOT_SERVING"
        assert body["held"] == "NONE"
    assert decisions() == before + 2
    assert not Voucher.objects.exists()


def test_what_raises_the_bar_is_not_told_to_who_does_not_serve_the_contact(cast: Cast) -> None:
    told = []
    for person in (cast.antti, cast.sanna):
        low = cast.call(at=now(), claims=person, level="LOW")
        body = Api(cast, "agent_arvo").act(low, "change_email", {"email": "new@example.org"}).json()
        told.append({name: body[name] for name in ("reason", "held", "required", "ways_forward", "say")})
        with transaction.atomic():
            signals.note(cast.sanna.customer, "PROMPT_DECLINED", interaction=None, at=now())
    assert told[0] == told[1]
    assert told[0]["required"] == "SUBSTANTIAL"


def test_a_level_is_not_told_to_who_does_not_serve_the_contact(cast: Cast) -> None:
    low = cast.call(at=now(), claims=cast.antti, level="LOW")
    assert Refusal.objects.count() == 0
    assert Api(cast, "agent_arvo").act(low, "no_such_action").json()["held"] == "NONE"
    assert Api(cast, "agent_aino").act(low, "no_such_action").json()["held"] == "LOW"


def test_when_nothing_can_be_written_the_answer_is_503(
    api: Api, call: Interaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("no disk")

    monkeypatch.setattr("verification.records.record", broken)
    is_problem(api.act(call, "small_voucher", VOUCHER), 503, "unavailable")
    assert not Voucher.objects.exists()


def test_a_case_is_opened_with_its_questions(api: Api, call: Interaction) -> None:
    asked = {"interaction": str(call.public_id), "questions": ["Where is\nmy refund?", "And when?"]}
    opened = api.post("cases/", asked)
    assert opened.status_code == 201
    case = Case.objects.get(public_id=opened.json()["id"])
    assert [question.text for question in case.questions.all()] == ["Where is my refund?", "And when?"]


@pytest.mark.parametrize(
    "questions", [None, "one text", 5, [], [""], ["  ", "\n"], [5], [["x"]], ["x"] * 21, ["a\u0000b"]]
)
def test_questions_of_the_wrong_type_are_400_with_one_entry(api: Api, call: Interaction, questions: Any) -> None:
    before = decisions()
    is_problem(api.post("cases/", {"interaction": str(call.public_id), "questions": questions}), 400, "malformed")
    assert decisions() == before + 1
    assert not Case.objects.exists()


def test_a_case_closes_only_when_each_question_is_answered_or_declined(api: Api, call: Interaction) -> None:
    asked = {"interaction": str(call.public_id), "questions": ["Where?", "When?"]}
    case = api.post("cases/", asked).json()
    for index, question in enumerate(case["result"]["questions"]):
        is_problem(api.post(f"cases/{case['id']}/close/"), 409, "unanswered")
        answer = {"question": question, "text": "Here, and soon.", "declined": bool(index)}
        assert api.act(call, "answer_question", answer).status_code == 200
    shown = api.get(f"cases/{case['id']}/", interaction=call.public_id).json()
    assert [question["state"] for question in shown["questions"]] == ["ANSWERED", "DECLINED"]
    assert shown["state"] == "ANSWERED"
    closed = api.post(f"cases/{case['id']}/close/", {"interaction": str(call.public_id)})
    assert closed.status_code == 200
    assert Case.objects.get().state == "CLOSED"


def test_a_case_shows_only_in_its_own_contact(cast: Cast, api: Api, call: Interaction) -> None:
    case = api.post("cases/", {"interaction": str(call.public_id), "questions": ["Where?"]}).json()["id"]
    other = cast.call(at=now(), claims=cast.antti2)
    is_problem(api.get(f"cases/{case}/", interaction=other.public_id), 404, "not-found")
    is_problem(Api(cast, "agent_arvo").get(f"cases/{case}/", interaction=call.public_id), 403, "not-serving")
    is_problem(api.get(f"cases/{case}/"), 400, "malformed")
    is_problem(api.post(f"cases/{uuid4()}/close/"), 404, "not-found")
    assert is_problem(Api(cast, "agent_arvo").post(f"cases/{case}/close/"), 403, "refused")["reason"] == "NOT_SERVING"
