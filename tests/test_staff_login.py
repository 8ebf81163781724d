"""Staff come in by a password and a second factor; nothing is shown before both, and every try is an entry."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audit.log import read
from audit.models import Entry
from contactcentre.session_limit import BEGAN, TOUCHED, left
from tests.cast import PASSWORD, Cast
from tests.staff_browser import gathered, signed_in

LOGIN, SECOND, QUEUE = "/admin/login/", "/admin/second-factor/", "/admin/cases/queue/"


@pytest.fixture
def house(db: None) -> Cast:
    return gathered()


def password(client: Client, name: str = "agent_aino", word: str = PASSWORD, **more: Any) -> Any:
    return client.post(LOGIN, {"username": name, "password": word, **more})


def kinds() -> list[str]:
    return [kind for kind in Entry.objects.order_by("id").values_list("kind", flat=True) if kind.startswith("staff.")]


def test_both_factors_lead_to_the_page_that_was_asked_for(house: Cast) -> None:
    client = Client()
    assert password(client, next=QUEUE).headers["Location"] == SECOND
    answer = client.post(SECOND, {"token": house.staff_code("agent_aino")})
    assert answer.headers["Location"] == QUEUE
    assert client.get(QUEUE).status_code == 200
    assert kinds() == ["staff.password_accepted", "staff.login"]
    assert read(Entry.objects.get(kind="staff.login")).envelope["facts"] == {"factors": ["password", "totp"]}


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", LOGIN])
def test_login_leads_nowhere_but_to_our_own_pages(house: Cast, elsewhere: str) -> None:
    client = Client()
    password(client, next=elsewhere)
    answer = client.post(SECOND, {"token": house.staff_code("agent_aino")})
    assert answer.headers["Location"] == "/admin/"


def test_the_password_alone_opens_nothing(house: Cast) -> None:
    client = Client()
    password(client)
    for page in ("/admin/", QUEUE, "/admin/audit/entry/", "/admin/password_change/"):
        assert client.get(page).headers["Location"].startswith(LOGIN)
    assert "_auth_user_id" not in client.session


def test_a_session_without_the_second_factor_is_shown_nothing(house: Cast) -> None:
    client = signed_in(house.agent_aino, second_factor=False)
    assert client.get(QUEUE).headers["Location"].startswith(LOGIN)


def test_a_wrong_code_is_an_entry_and_slows_the_next_try(house: Cast) -> None:
    client = Client()
    password(client)
    assert client.post(SECOND, {"token": "000000"}).status_code == 200
    assert client.post(SECOND, {"token": house.staff_code("agent_aino")}).status_code == 200  # right, but too soon
    assert kinds() == ["staff.password_accepted", "staff.second_factor_failed", "staff.second_factor_failed"]
    assert "_auth_user_id" not in client.session


def test_a_code_works_once(house: Cast) -> None:
    code = house.staff_code("agent_aino")
    for expected in (302, 200):
        client = Client()
        password(client)
        assert client.post(SECOND, {"token": code}).status_code == expected


def test_an_unknown_name_is_answered_like_a_wrong_password(house: Cast) -> None:
    answers = [password(Client(), name, "wrong") for name in ("agent_aino", "nobody_here")]
    texts = [answer.content.decode().replace("agent_aino", "X").replace("nobody_here", "X") for answer in answers]
    tokens = [answer.context["csrf_token"] for answer in answers]
    assert texts[0].replace(str(tokens[0]), "") == texts[1].replace(str(tokens[1]), "")
    subjects = [row.subject_ref for row in Entry.objects.filter(kind="staff.login_failed").order_by("id")]
    assert subjects == [house.agent_aino.actor, "nobody"]


def test_many_tries_meet_a_kind_pause_and_other_addresses_stay_open(house: Cast) -> None:
    client = Client()
    for _ in range(5):
        answer = password(client, word="wrong")
    assert answer.status_code == 429
    assert password(client).status_code == 429
    assert b"</h1>" in answer.content
    elsewhere = Client(REMOTE_ADDR="127.0.0.9")
    assert password(elsewhere).status_code == 302


def test_logging_out_is_an_entry_and_ends_the_session(house: Cast) -> None:
    client = signed_in(house.agent_aino)
    assert client.get("/admin/logout/").status_code == 405
    client.post("/admin/logout/")
    assert kinds() == ["staff.logout"]
    assert client.get(QUEUE).status_code == 302


def test_a_closed_account_is_out_at_its_next_page(house: Cast) -> None:
    client = signed_in(house.agent_aino)
    house.agent_aino.is_active = False
    house.agent_aino.save()
    assert client.get(QUEUE).status_code == 302


def test_a_page_that_refreshes_itself_keeps_nobody_logged_in(house: Cast) -> None:
    client = signed_in(house.agent_aino)
    client.get(QUEUE)
    session = client.session
    session[TOUCHED] = int(timezone.now().timestamp()) - 16 * 60
    session.save()
    assert client.get("/admin/cases/queue/rows/", headers={"X-Poll": "1"}).status_code == 302


HOURS = 3600


@pytest.mark.parametrize(
    ("began", "touched", "limit", "seconds", "extends"),
    [
        (0, 0, "", 15 * 60, True),
        (-14 * 60, -14 * 60, "", 60, True),
        (-15 * 60 + 1, -15 * 60 + 1, "", 1, True),
        (-15 * 60, -15 * 60, "idle", 0, True),
        (-12 * HOURS + 60, 0, "", 60, False),
        (-12 * HOURS, 0, "longest", 0, False),
        (-13 * HOURS, -2 * HOURS, "longest", 0, True),
    ],
)
def test_a_session_ends_when_nobody_uses_it_or_when_it_is_old(
    began: int, touched: int, limit: str, seconds: int, extends: bool
) -> None:
    now = 1_800_000_000
    found = left({BEGAN: now + began, TOUCHED: now + touched}, now)
    assert (found.limit, found.seconds, found.extends) == (limit, seconds, extends)


def aged(client: Client, *, began: int = 0, touched: int = 0) -> None:
    session, moment = client.session, int(timezone.now().timestamp())
    session[BEGAN], session[TOUCHED] = moment - began, moment - touched
    session.save()


@pytest.mark.parametrize("who", ["agent_aino", "auditor", "administrator"])
@pytest.mark.parametrize(("limit", "age"), [("idle", {"touched": 901}), ("longest", {"began": 12 * HOURS + 1})])
def test_a_session_that_has_ended_says_why_and_leads_back(
    house: Cast, who: str, limit: str, age: dict[str, int]
) -> None:
    client = signed_in(house.staff[who])
    aged(client, **age)
    told = client.get("/admin/password_change/", follow=True)
    assert told.redirect_chain[-1][0] == "/admin/login/?next=/admin/password_change/"
    said = {"idle": "a quarter of an hour", "longest": "as long as it may"}[limit]
    assert said in told.content.decode()
    assert said not in client.get(LOGIN).content.decode()
    entry = read(Entry.objects.get(kind="staff.session_ended"))
    assert entry.envelope["facts"] == {"limit": [limit]}
    assert entry.envelope["subject"] == house.staff[who].actor


def test_the_page_asks_what_is_left_without_lengthening_it_and_a_person_lengthens_it(house: Cast) -> None:
    client = signed_in(house.agent_aino)
    aged(client, touched=14 * 60)
    for _ in range(2):
        assert 50 < client.get("/admin/session/", headers={"X-Poll": "1"}).json()["left"] <= 60
    assert client.post("/admin/session/").json() == {"left": 900, "extends": True}
    aged(client, began=12 * HOURS - 60)
    assert client.post("/admin/session/").json()["extends"] is False


def test_what_is_left_is_told_to_who_is_in_only(house: Cast) -> None:
    assert Client().get("/admin/session/").status_code == 302
    assert signed_in(house.agent_aino, second_factor=False).get("/admin/session/").status_code == 302
    assert "session-warning" not in Client().get(LOGIN).content.decode()
    assert 'data-left="900"' in signed_in(house.agent_aino).get(QUEUE).content.decode()


def test_no_form_is_taken_without_its_mark(house: Cast) -> None:
    client = signed_in(house.agent_aino, enforce_csrf_checks=True)
    answer = client.post("/admin/cases/open/", {"channel": "PHONE", "language": "fi"})
    assert answer.status_code == 403
    assert b"Traceback" not in answer.content
    assert Client(enforce_csrf_checks=True).post(LOGIN, {"username": "x", "password": "y"}).status_code == 403
