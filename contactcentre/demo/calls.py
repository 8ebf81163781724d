"""A week at the phones and the desks, a few lines each. What happens in them really happens, at its own hour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from contactcentre.demo.playing import NotBuilt, Stage

Play = Callable[[Stage], None]


def five_days_ago(stage: Stage) -> None:
    """A question answered at once, a new home that asks for a passport, a namesake who is asked to come by."""
    call = stage.call(-5, "09:12", by="kristina_lindqvist").claims().types_code()
    call.meets("agent_aino", keypad="MATCHED")
    opened = call.gets("open_case", questions="När kommer min nya kortläsare?")
    call.gets("answer_question", question=opened["questions"][0], text="Den skickas på måndag och tar två dagar.")
    call.gets("close_case", case=opened["case"])
    refused = call.is_refused("change_address", street="Skillnadsgatan 7 B 12", postal_code="00120", town="Helsingfors")
    call.books(refused, town="Helsinki")
    call.ends()

    call = stage.call(-5, "10:40", by="antti_asiakas3").meets("agent_aino")
    if call.says_name() != 3:
        raise NotBuilt("three customers should bear the name Antti Asiakas")
    call.claims()  # he reads his number from a letter: which of the three he says he is, and no more than that
    refused = call.is_refused("change_address", street="Kolmas linja 12 A 3", postal_code="00530", town="Helsinki")
    call.books(refused, town="Helsinki")
    call.gets("open_case", questions="Miten saan postini uuteen osoitteeseen?\nMiksi lasku tuli kahdesti?")
    call.ends()

    call = stage.call(-5, "13:05", by="tuula_rinne").claims().meets("agent_arvo")
    call.gets("request_callback")
    call.books(action="disclose_personal_data", town="Turku")
    call.ends()


def four_days_ago(stage: Stage) -> None:
    """Somebody who knows Maija's number and nothing else tries for her money; her own worry is met at once."""
    call = stage.call(-4, "08:55", by="maija_heino").claims()
    call.types_code(right=False).types_code(right=False).meets("agent_arvo", keypad="WRONG")
    call.is_refused("refund_to_account", amount=48000, reason="Kaksi kertaa maksettu lasku")
    call.is_refused("disclose_personal_data")
    call.ends()

    call = stage.call(-4, "11:20", by="noora_ahonen").claims().meets("agent_aino")
    call.gets("temporary_hold")
    call.ends()

    call = stage.call(-4, "14:32", by="matti_jarvinen").meets("agent_arvo")
    call.gets("small_voucher", receipt="LT-20418", amount=850, fault="Lounaasta puuttui lisuke")
    call.ends()


def three_days_ago(stage: Stage) -> None:
    """Eeva comes to the desk with her passport: two pairs of eyes, and what she came for is done."""
    visit = stage.desk(-3, "10:15", by="eeva_korhonen", clerk="clerk_kalle").shows_papers(second="clerk_kerttu")
    visit.gets("disclose_personal_data")
    visit.gets("refund_to_account", amount=4500, reason="Peruttu tilaus helmikuulta")
    visit.ends()

    call = stage.call(-3, "12:48", by="kari_lahti").claims().types_code()
    call.meets("agent_aino", keypad="MATCHED")
    call.gets("open_case", questions="Voiko eräpäivää siirtää viikolla?")
    refused = call.is_refused("refund_to_account", amount=95000, reason="Liikaa maksettu vuosimaksu")
    call.books(refused, town="Helsinki")
    call.ends()


def two_days_ago(stage: Stage) -> None:
    """Juhani moves house: with one clerk's comparison, a delay, and word to his old contacts."""
    visit = stage.desk(-2, "09:30", by="juhani_aalto", clerk="clerk_kerttu").shows_papers()
    visit.gets("change_address", street="Runeberginkatu 30 B 12", postal_code="00100", town="Helsinki")
    visit.ends()

    call = stage.call(-2, "15:10", by="sofia_niemi").claims().types_code()
    call.meets("agent_arvo", keypad="MATCHED")
    call.gets("tell_case_state")
    opened = call.gets("open_case", questions="Miten vaihdan laskutuskauden?")
    call.gets("answer_question", question=opened["questions"][0], text="Omilta sivuilta tai täällä puhelimessa.")
    call.ends()

    call = stage.call(-2, "15:40", by="mikael_novak").claims().meets("agent_aino", keypad="NO_CODES")
    refused = call.is_refused("disclose_personal_data")
    call.books(refused, town="Tampere")
    call.ends()


def yesterday(stage: Stage) -> None:
    """A question that still waits, and a guardian's ward who may not act alone."""
    call = stage.call(-1, "09:44", by="grace_okafor").claims().types_code()
    call.meets("agent_aino", keypad="MATCHED")
    call.gets("open_case", questions="Is my deposit returned when I move?\nWho do I send the keys to?")
    call.ends()

    call = stage.call(-1, "13:37", by="ville_laine").claims().types_code()
    call.meets("agent_arvo", keypad="MATCHED")
    call.is_refused("tell_case_state")
    call.ends()

    call = stage.call(-1, "15:55", by="liisa_jarvinen").claims()
    call.types_code(right=False).types_code().meets("agent_aino", keypad="MATCHED")
    call.gets("tell_case_state")
    call.ends()


Booking = tuple[str, str, str, dict[str, str]]
# A day before the desks open: these have a time today, whatever the hour at which somebody looks.
FOR_TODAY: Final[tuple[Booking, ...]] = (
    ("08:20", "antti_asiakas", "change_address",
     {"street": "Toinen linja 4 B 21", "postal_code": "00530", "town": "Helsinki"}),
    ("08:27", "anneli_aalto", "refund_to_account", {"amount": "3990", "reason": "Tilaus jäi tulematta"}),
    ("08:34", "pekka_korhonen", "disclose_personal_data", {}),
)  # fmt: skip
LAST_BOOKINGS: Final[tuple[Booking, ...]] = (
    ("16:10", "antti_asiakas2", "disclose_personal_data", {}),
    ("16:31", "johan_berg", "disclose_personal_data", {}),
    ("16:40", "ville_kallio", "change_address",
     {"street": "Aleksanterinkatu 9 A 1", "postal_code": "33100", "town": "Tampere"}),
)  # fmt: skip


def yesterday_morning(stage: Stage) -> None:
    """Callers before the desks open, who are given a time today."""
    _booked(stage, FOR_TODAY)


def last_evening(stage: Stage) -> None:
    """Callers at the end of the day, who are given a time in the days that come."""
    _booked(stage, LAST_BOOKINGS)


def _booked(stage: Stage, bookings: tuple[Booking, ...]) -> None:
    """Play callers whose matter asks for more than a code, or who have none: each gets a time at a desk in his town."""
    for clock, key, errand, asked in bookings:
        call = stage.call(-1, clock, by=key).claims()
        proven = call.person.holds != ""
        if proven:
            call.types_code()
        call.meets("agent_arvo", keypad="MATCHED" if proven else "NO_CODES")
        refused = call.is_refused(errand, **asked)
        call.books(refused, town=call.person.town)
        call.ends()


WEEK: Final[tuple[tuple[str, Play], ...]] = (
    ("five working days ago: an answer, a namesake, a call back", five_days_ago),
    ("four days ago: a swindler, a worry, a lunch without its side dish", four_days_ago),
    ("three days ago: papers at the desk, and a sum that no code on the phone can move", three_days_ago),
    ("two days ago: somebody moves house", two_days_ago),
    ("yesterday morning: a time at a desk, today", yesterday_morning),
    ("yesterday: questions that still wait", yesterday),
    ("last evening: a time at a desk for those whose matter asks for more", last_evening),
)
