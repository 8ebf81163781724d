"""Who calls in our name says two words first, which the customer heard when he asked for the call."""

from __future__ import annotations

from collections.abc import Callable

from audit.models import Entry
from cases.models import CallBack
from notices.models import Notice
from tests.actions_asked import tell_what_is_due
from tests.cast import NOW, Cast
from tests.phone_line import NOBODY, Line, now
from tests.staff_browser import address, ask, signed_in
from tests.test_phone_keeps_no_codes import everything_stored
from verification import words
from verification.gate import Granted, Live, attempt
from verification.models import Interaction

Lines = Callable[[], Line]


def promised(cast: Cast, call: Interaction) -> str:
    decided = attempt("request_callback", origin=Live(call.public_id, cast.agent_aino), parameters={}, at=now())
    assert isinstance(decided, Granted)
    phrase: str = decided.result["phrase"]
    return phrase


def test_two_words_of_the_callers_language_are_told_now_and_kept_sealed(cast: Cast) -> None:
    phrase = promised(cast, cast.call(at=now(), claims=cast.antti))
    first, second = phrase.split()
    assert {first, second} <= set(words.LISTS["fi"])
    assert not [column for column, value in everything_stored() if phrase in value]


def test_they_are_never_sent(cast: Cast) -> None:
    phrase = promised(cast, cast.call(at=NOW, claims=cast.antti))
    tell_what_is_due(now())
    assert not [sent for sent in Notice.objects.all() if phrase in sent.text]


def test_the_keypad_says_them(line: Lines, cast: Cast) -> None:
    phone = line().to_menu(cast.antti).press("3")
    phone.heard("says these two words first")
    _, spoken = _opened(cast)
    phone.heard(spoken)


def test_the_agent_reads_them_out(cast: Cast) -> None:
    call = cast.call(at=now(), claims=cast.antti)
    page = ask(signed_in(cast.agent_aino), call, "request_callback").content.decode()
    assert _opened(cast)[1] in page


def test_nobodys_number_gets_words_too(cast: Cast) -> None:
    call = cast.call(at=now())
    assert len(promised(cast, call).split()) == 2
    assert NOBODY not in promised(cast, call)


def test_who_makes_the_call_sees_them_only_when_he_opens_it_and_that_is_noted(cast: Cast) -> None:
    phrase = promised(cast, cast.call(at=now(), claims=cast.antti))
    client = signed_in(cast.agent_arvo)
    assert phrase not in client.get(address("call_backs")).content.decode()
    assert not Entry.objects.filter(kind="call_back.opened").exists()
    assert client.get(address("call_back", None, str(CallBack.objects.get().public_id))).status_code == 405
    page, _ = _opened(cast)
    assert phrase in page
    assert Entry.objects.filter(kind="call_back.opened").count() == 1


def test_nobody_opens_a_call_to_his_own_family_or_without_serving(cast: Cast) -> None:
    promised(cast, cast.call(at=now(), claims=cast.frozen))
    path = address("call_back", None, str(CallBack.objects.get().public_id))
    assert signed_in(cast.clerk_kalle).post(path).status_code == 404
    assert signed_in(cast.auditor).post(path).status_code == 403
    assert signed_in(cast.clerk_kerttu).post(path).status_code == 200


def _opened(cast: Cast) -> tuple[str, str]:
    """Open the promised call as a colleague; return the page, and the words that stand on it."""
    path = address("call_back", None, str(CallBack.objects.get().public_id))
    page = signed_in(cast.agent_arvo).post(path).content.decode()
    return page, page.split('<blockquote class="say"')[1].split(">")[1].split("<")[0]
