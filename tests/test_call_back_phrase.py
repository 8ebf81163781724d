"""Who calls in our name says two words first, which the customer heard when he asked for the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from audit.models import Entry
from cases import call_backs
from cases.admin import pages
from cases.models import CallBack
from notices.models import Notice
from tests.actions_asked import tell_what_is_due
from tests.cast import NOW, Cast
from tests.phone_line import NOBODY, Line, now
from tests.staff_browser import address, ask, signed_in
from tests.test_phone_keeps_no_codes import everything_stored
from verification import ways, words
from verification.claims import claim_number
from verification.declarations import declared
from verification.gate import Granted, Live, Refused, attempt
from verification.interactions import say_cannot
from verification.levels import Level
from verification.masking import standing
from verification.models import Interaction
from verification.ways import by_code

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


# --- the call itself --------------------------------------------------------------------------------------------------
def settled(cast: Cast, outcome: str, *, by: str = "agent_arvo") -> Any:
    path = address("call_back_settled", None, str(CallBack.objects.get().public_id))
    return signed_in(cast.staff[by]).post(path, {"outcome": outcome}, follow=True)


def test_who_makes_the_call_sees_the_recorded_number_and_goes_on_in_a_contact_at_none(cast: Cast) -> None:
    promised(cast, cast.call(at=now(), claims=cast.antti))
    page, _words = _opened(cast)
    assert "+358401000001" in page
    answer = settled(cast, "REACHED")
    contact = Interaction.objects.latest("pk")
    assert answer.redirect_chain[-1][0].endswith(f"{contact.public_id}/")
    claim, held = standing(contact, now())
    assert (contact.channel, contact.served_by) == ("PHONE", cast.agent_arvo)
    assert claim is not None
    assert claim.customer == cast.antti.customer
    assert held.level is Level.NONE
    assert not call_backs.promised_to(cast.agent_arvo, at=now()).exists()


def test_no_answer_keeps_it_on_the_list_with_what_was_tried(cast: Cast) -> None:
    promised(cast, cast.call(at=now(), claims=cast.antti))
    _opened(cast)
    page = settled(cast, "NO_ANSWER").content.decode()
    assert "No answer" in page
    assert "Make this call" in page
    settled(cast, "CANCELLED")
    assert not call_backs.promised_to(cast.agent_arvo, at=now()).exists()
    kinds = Entry.objects.filter(kind__startswith="call_back.").order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["call_back.opened", "call_back.settled", "call_back.settled"]


def test_who_named_the_customer_himself_learns_no_number_by_it(cast: Cast) -> None:
    call = cast.call(at=now())
    claim_number(call.public_id, cast.antti.number, capacity="SELF", source="STAFF", by=cast.agent_aino, at=now())
    promised(cast, call)
    path = address("call_back", None, str(CallBack.objects.get().public_id))
    page = signed_in(cast.agent_aino).post(path, follow=True).content.decode()
    assert "so a colleague makes the call" in page
    assert "+35840" not in page
    settled(cast, "REACHED", by="agent_aino")
    assert Interaction.objects.latest("pk") == call
    assert "+358401000001" in _opened(cast)[0]


def test_a_number_of_yesterday_is_not_called(cast: Cast) -> None:
    promised(cast, cast.call(at=NOW, claims=cast.moved))
    found = call_backs.open_words(CallBack.objects.get().public_id, by=cast.agent_arvo, at=NOW)
    assert "+358449999999" not in found.number


def test_nobodys_call_has_no_number_and_is_taken_off_the_list(cast: Cast) -> None:
    promised(cast, cast.call(at=now()))
    assert "no recorded number" in _opened(cast)[0]
    settled(cast, "NO_NUMBER")
    assert not call_backs.promised_to(cast.agent_arvo, at=now()).exists()


def test_an_outcome_that_is_none_and_a_call_that_is_over_are_not_found(cast: Cast) -> None:
    promised(cast, cast.call(at=now(), claims=cast.antti))
    assert settled(cast, "nonsense").status_code == 404
    settled(cast, "CANCELLED")
    assert settled(cast, "REACHED").status_code == 404


def test_who_cannot_travel_is_promised_a_call_about_how_we_come_to_him(cast: Cast) -> None:
    call = cast.call(at=now(), claims=cast.antti)
    say_cannot(call.public_id, said=frozenset({"CANNOT_TRAVEL"}), by=cast.agent_aino, at=now())
    origin = Live(call.public_id, cast.agent_aino)
    street = {"street": "Uusikatu 1", "postal_code": "00100", "town": "Helsinki"}
    refused = attempt("change_address", origin=origin, parameters=street, at=now())
    assert isinstance(refused, Refused)
    assert "we_come" in refused.refusal.ways
    way = by_code("we_come")
    assert way is not None
    decided = attempt(way.action, origin=origin, parameters={}, at=now())
    assert isinstance(decided, Granted)
    assert decided.result["phrase"]
    assert CallBack.objects.get().about == "HOME_VISIT"
    assert "How we come to him" in signed_in(cast.agent_arvo).get(address("call_backs")).content.decode()


def test_every_way_that_begins_something_begins_what_is_declared() -> None:
    """A way forward that nothing stands behind is a defect."""
    for way in ways._WAYS.values():
        assert not way.action or declared(way.action) is not None, way.code
        assert not way.page or way.page in {name for _path, _view, name in pages}, way.code
