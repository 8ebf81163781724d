"""A customer calls, proves himself with a code that he holds, and is served as far as that goes."""

from collections.abc import Callable
from typing import Any

import pytest

from audit.log import read
from audit.models import Entry
from cases.models import CallBack
from tests.cast import Cast
from tests.phone_line import Line, now
from verification.gate import Decision, Granted, Live, Refused, attempt
from verification.interactions import take
from verification.keypad import challenge
from verification.masking import standing
from verification.models import Evidence, Grant, Hold, ListCodeUse, Organisation, Refusal
from visits.models import Escalation

Lines = Callable[[], Line]


def held(phone: Line) -> str:
    return standing(phone.interaction, now())[1].level.name


def asked(phone: Line, cast: Cast, name: str, **parameters: Any) -> Decision:
    """Let the agent who serves this caller ask the gate for something."""
    take(phone.interaction.public_id, by=cast.agent_aino, at=now())
    return attempt(name, origin=Live(phone.interaction.public_id, cast.agent_aino), parameters=parameters, at=now())


def done(phone: Line, cast: Cast, name: str, **parameters: Any) -> dict[str, Any]:
    decided = asked(phone, cast, name, **parameters)
    assert isinstance(decided, Granted), decided
    return decided.result


@pytest.mark.parametrize(
    ("key", "language", "words"), [("1", "fi", "asiakasnumeronne"), ("2", "sv", "kundnummer"), ("3", "en", "customer")]
)
def test_the_language_is_noted_for_whoever_serves_next(line: Lines, key: str, language: str, words: str) -> None:
    phone = line().to_number(key)
    phone.heard(words)
    assert phone.interaction.language == language


def test_the_organisation_whose_number_was_dialled_answers(line: Lines, cast: Cast) -> None:
    Organisation.objects.create(name="Toinen Oy", number_to_call="+358800999999")
    phone = line()
    phone.dial().heard("Esimerkki Oy")
    assert phone.interaction.organisation == cast.organisation


def test_a_number_written_with_blanks_is_the_one_that_is_dialled(line: Lines, cast: Cast) -> None:
    Organisation.objects.update(number_to_call="+358 800 123 456")
    Organisation.objects.create(name="Toinen Oy")
    phone = line()
    phone.dial().heard("Esimerkki Oy")
    assert phone.interaction.organisation == cast.organisation


def test_an_only_organisation_answers_whatever_number_was_dialled(line: Lines, cast: Cast) -> None:
    Organisation.objects.update(number_to_call="")
    line().dial().heard("Esimerkki Oy")


def test_a_number_that_is_none_of_several_organisations_gets_an_apology(line: Lines) -> None:
    Organisation.objects.update(number_to_call="")
    Organisation.objects.create(name="Toinen Oy")
    phone = line()
    phone.dial().heard("We are sorry")
    assert phone.ended


def test_a_code_of_the_app_gives_low_and_leads_to_the_menu(line: Lines, cast: Cast) -> None:
    phone = line().to_menu(cast.antti)
    phone.heard("has been confirmed")
    assert Evidence.objects.get().kind == "KEYPAD_TOTP"
    assert phone.interaction.keypad == "MATCHED"
    assert held(phone) == "LOW"


def test_the_code_beside_the_number_asked_for_gives_low_and_is_used_up(line: Lines, cast: Cast) -> None:
    index = challenge(cast.antti2.number, at=now())
    phone = line().to_kind(cast.antti2.number)
    phone.press("2").heard(f"beside this number: {index}.")
    phone.press(cast.antti2.codes[index - 1]).heard("has been confirmed")
    assert held(phone) == "LOW"
    assert ListCodeUse.objects.get().code.index == index
    assert challenge(cast.antti2.number, at=now()) != index


def test_another_code_of_the_same_list_does_not_count(line: Lines, cast: Cast) -> None:
    index = challenge(cast.antti2.number, at=now())
    phone = line().to_kind(cast.antti2.number)
    phone.press("2").press(cast.antti2.codes[index % 4]).heard("could not confirm")
    assert held(phone) == "NONE"


def test_the_whole_path_is_spoken_in_the_language_chosen(line: Lines, cast: Cast) -> None:
    phone = line().to_menu(cast.antti, language="2")
    for key in "1234":
        phone.press(key)
        assert phone.languages == {"sv-SE"}


def test_the_state_of_a_case_is_told_through_the_gate(line: Lines, cast: Cast) -> None:
    phone = line().to_menu(cast.antti)
    phone.press("1").heard("You have no case with us")
    question = done(phone, cast, "open_case", questions="Missä lähetykseni on?")["questions"][0]
    phone.press("1").heard("we are working on it")
    done(phone, cast, "answer_question", question=question, text="Se tulee huomenna.")
    phone.press("1").heard("has been answered")
    assert Grant.objects.filter(action="tell_case_state", asked_by=None).count() == 3


def test_a_closed_case_is_told_as_closed(line: Lines, cast: Cast) -> None:
    phone = line().to_menu(cast.antti)
    opened = done(phone, cast, "open_case", questions="Missä lähetykseni on?")
    done(phone, cast, "answer_question", question=opened["questions"][0], text="Se tulee huomenna.")
    done(phone, cast, "close_case", case=opened["case"])
    phone.press("1").heard("answered and closed")


def test_a_call_back_is_promised_to_the_recorded_number(line: Lines, cast: Cast) -> None:
    line().to_menu(cast.antti).press("3").heard("We will call you back")
    assert CallBack.objects.get().customer == cast.antti.customer


def test_a_temporary_hold_is_put_on_the_callers_account(line: Lines, cast: Cast) -> None:
    line().to_menu(cast.antti).press("4").heard("ends by itself in 48 hours")
    assert Hold.objects.in_force(now()).filter(customer=cast.antti.customer, kind="TEMPORARY").exists()


def test_a_visit_is_asked_for_and_placed_later(line: Lines, cast: Cast) -> None:
    line().to_menu(cast.antti).press("2").heard("We will book a visit")
    wanted = Escalation.objects.get()
    assert wanted.grant.customer == cast.antti.customer
    assert (wanted.refusal, wanted.language) == (None, "en")


def test_a_visit_by_keypad_is_about_what_was_refused_in_this_call(line: Lines, cast: Cast) -> None:
    phone = line().to_menu(cast.antti)
    refused = asked(phone, cast, "disclose_personal_data")
    assert isinstance(refused, Refused)
    phone.press("2").heard("We will book a visit")
    assert Escalation.objects.get().refusal == refused.refusal


def test_what_another_was_refused_in_this_call_is_no_matter_of_his(line: Lines, cast: Cast) -> None:
    phone = line().to_kind(cast.helena.number)
    attempt(
        "disclose_personal_data", origin=Live(phone.interaction.public_id, cast.agent_aino), parameters={}, at=now()
    )
    phone.press("1").press("000000").press(cast.antti.number).press("1").press(cast.antti.app_code(now()))
    phone.press("2").heard("We will book a visit")
    assert Escalation.objects.get().refusal is None


def test_his_own_hold_is_told_after_a_correct_code_and_that_is_recorded(line: Lines, cast: Cast) -> None:
    line().to_menu(cast.frozen).heard("There is a hold on your account")
    told = Entry.objects.get(kind="hold.told")
    assert told.subject_ref == str(cast.frozen.customer.pseudonym)
    assert read(told).envelope["outcome"] == "ok"


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
def test_a_refusal_is_told_in_its_own_words_with_a_way_to_a_person(line: Lines, cast: Cast, language: str) -> None:
    phone = line().to_menu(cast.ward, language={"fi": "1", "sv": "2", "en": "3"}[language])
    phone.press("1").heard(Refusal.objects.get().said[language])
    phone.heard({"fi": "painakaa 0", "sv": "tryck 0", "en": "press 0"}[language])


def test_what_is_refused_too_often_is_refused_in_words_and_the_menu_stays_open(line: Lines, cast: Cast) -> None:
    phone = line().to_menu(cast.antti)
    for _ in range(2):
        phone.press("4").heard("temporary hold is now")
    phone.press("4").heard(Refusal.objects.get(reason="CAP").said["en"])
    phone.press("3").heard("We will call you back")
