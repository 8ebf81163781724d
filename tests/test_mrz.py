"""What a clerk types from a document: read rightly, or refused with the field to look at again."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from visits.mrz import ALPHABET, Code, Format, Mrz, Unreadable, check_digit, read

TODAY = date(2026, 11, 22)
TD3 = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
TD2 = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6"
TD1 = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<"
TD1_LONG = "I<UTOD23145890<7349<<<<<<<<<<<\n3407127M9507122UTO<<<<<<<<<<<2\nSTEVENSON<<PETER<JOHN<<<<<<<<<"
SPECIMENS = {"TD3": TD3, "TD2": TD2, "TD1": TD1, "TD1_LONG": TD1_LONG}
VALUES = {character: place for place, character in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")} | {"<": 0}

CHECKED = {
    "TD3": [(1, place) for place in [*range(10), *range(13, 20), *range(21, 44)]],
    "TD2": [(1, place) for place in [*range(10), *range(13, 20), *range(21, 36)]],
    "TD1": [(0, place) for place in range(5, 30)]
    + [(1, place) for place in [*range(7), *range(8, 15), *range(18, 30)]],
}
CHECKED["TD1_LONG"] = CHECKED["TD1"]
"""The places (line, character from 0) that some check digit covers, written from the layout and not from the parser."""


def refused(text: str, on: date = TODAY) -> tuple[Code, str]:
    with pytest.raises(Unreadable) as caught:
        read(text, on=on)
    return caught.value.code, caught.value.field


def outcome(text: str) -> Mrz | None:
    try:
        return read(text, on=TODAY)
    except Unreadable:
        return None


def substituted(text: str, line: int, place: int, character: str) -> str:
    rows = text.split("\n")
    rows[line] = rows[line][:place] + character + rows[line][place + 1 :]
    return "\n".join(rows)


def passport(
    *, number="AB1234567", birth="800101", sex="F", expiry="300101", optional="<" * 14, optional_check=None, name=None
) -> str:
    optional_check = check_digit(optional) if optional_check is None else optional_check
    checked = number + check_digit(number), birth + check_digit(birth), expiry + check_digit(expiry)
    body = checked[0] + checked[1] + checked[2] + optional + optional_check
    second = checked[0] + "FIN" + checked[1] + sex + checked[2] + optional + optional_check + check_digit(body)
    return f"P<FIN{(name or 'ASIAKAS<<ANTTI').ljust(39, '<')}\n{second}"


def test_the_passport_specimen_is_read():
    mrz = read(TD3, on=TODAY)
    assert (mrz.format, mrz.document_type, mrz.issuer, mrz.nationality) == (Format.TD3, "P", "UTO", "UTO")
    assert (mrz.number, mrz.optional, mrz.sex) == ("L898902C3", "ZE184226B", "F")
    assert (mrz.birth_date, mrz.expires_on) == (date(1974, 8, 12), date(2012, 4, 15))
    assert (mrz.surname, mrz.given_names) == ("ERIKSSON", "ANNA MARIA")


@pytest.mark.parametrize("name", ["TD2", "TD1"])
def test_the_card_specimens_are_read(name):
    mrz = read(SPECIMENS[name], on=TODAY)
    assert (mrz.format, mrz.document_type, mrz.number, mrz.optional) == (Format(name), "I", "D23145890", "")
    assert (mrz.birth_date, mrz.expires_on) == (date(1974, 8, 12), date(2012, 4, 15))
    assert (mrz.surname, mrz.given_names) == ("ERIKSSON", "ANNA MARIA")


def test_a_number_longer_than_its_field_goes_on_in_the_optional_data():
    mrz = read(TD1_LONG, on=TODAY)
    assert (mrz.number, mrz.optional) == ("D23145890734", "")
    assert (mrz.birth_date, mrz.sex, mrz.surname) == (date(1934, 7, 12), "M", "STEVENSON")


def test_a_long_number_in_a_td2_card_leaves_the_other_optional_data():
    number, rest = "D23145890", "73"
    optional = f"{rest}{check_digit(number + rest)}<X1<"
    middle, expiry = "7408122", "1204159"
    second = f"{number}<UTO{middle}F{expiry}{optional}"
    second += check_digit(f"{number}<{middle}{expiry}{optional}")
    mrz = read(f"I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\n{second}", on=TODAY)
    assert (mrz.number, mrz.optional) == ("D2314589073", "X1")


@pytest.mark.parametrize("name", SPECIMENS)
def test_every_specimen_has_expired(name):
    assert read(SPECIMENS[name], on=TODAY).expired(TODAY)


def test_a_document_is_valid_on_its_last_day_and_not_on_the_next():
    mrz = read(passport(expiry="261122"), on=TODAY)
    assert not mrz.expired(date(2026, 11, 22))
    assert mrz.expired(date(2026, 11, 23))


@pytest.mark.parametrize("name", SPECIMENS)
def test_every_slip_of_one_checked_character_is_caught_unless_its_value_is_the_same(name):
    text = SPECIMENS[name]
    passed = {
        (line, place, character)
        for line, place in CHECKED[name]
        for character in VALUES
        if character != text.split("\n")[line][place] and outcome(substituted(text, line, place, character))
    }
    for line, place, character in passed:
        original = text.split("\n")[line][place]
        assert VALUES[character] % 10 == VALUES[original] % 10, (line, place, original, character)


@given(data=st.data())
def test_a_slip_in_any_passport_is_caught_unless_its_value_is_the_same(data):
    field = st.text(ALPHABET + "<", min_size=9, max_size=9)
    text = passport(
        number=data.draw(field),
        birth=data.draw(st.dates(date(1927, 1, 1), TODAY)).strftime("%y%m%d"),
        expiry=data.draw(st.dates(TODAY, date(2036, 1, 1))).strftime("%y%m%d"),
        optional=data.draw(st.text(ALPHABET + "<", min_size=14, max_size=14)),
    )
    assert outcome(text) is not None
    line, place = data.draw(st.sampled_from(CHECKED["TD3"]))
    original, character = text.split("\n")[line][place], data.draw(st.sampled_from(sorted(VALUES)))
    assume(character != original)
    if outcome(substituted(text, line, place, character)) is not None:
        assert VALUES[character] % 10 == VALUES[original] % 10


@given(first=st.integers(0, 8), text=st.text(ALPHABET, min_size=9, max_size=9))
def test_two_neighbours_that_changed_places_are_caught_unless_they_differ_by_a_multiple_of_five(first, text):
    swapped = text[:first] + text[first + 1 : first + 2] + text[first] + text[first + 2 :]
    if check_digit(swapped) == check_digit(text):
        assert (VALUES[text[first]] - VALUES[text[first + 1 : first + 2] or text[first]]) % 5 == 0


@pytest.mark.parametrize(("text", "digit"), [("520727", "3"), ("AB2134<<<", "5")])
def test_the_check_digits_of_single_fields(text, digit):
    assert check_digit(text) == digit


@pytest.mark.parametrize(
    ("line", "place", "field"),
    [
        (1, 0, "number"),
        (1, 9, "number"),
        (1, 13, "birth_date"),
        (1, 21, "expires_on"),
        (1, 30, "optional"),
        (1, 43, "composite"),
    ],
)
def test_the_field_that_is_wrong_is_named(line, place, field):
    original = TD3.split("\n")[line][place]
    other = next(digit for digit in "12" if VALUES[digit] % 10 != VALUES[original] % 10)
    assert refused(substituted(TD3, line, place, other)) == (Code.CHECK_DIGIT, field)


@pytest.mark.parametrize("check", ["<", "0"])
def test_empty_optional_data_may_have_either_check_digit(check):
    assert read(passport(optional_check=check), on=TODAY).optional == ""


def test_optional_data_that_is_not_empty_needs_its_check_digit():
    zero = next(text for text in (f"{number:014d}" for number in range(1, 99)) if check_digit(text) == "0")
    assert refused(passport(optional=zero, optional_check="<")) == (Code.CHECK_DIGIT, "optional")


@pytest.mark.parametrize(
    "typed",
    [TD3.lower(), f"  {TD3}\n\n", TD3.replace("\n", "\r\n"), TD3.replace("\n", ""), TD3.replace("<<ANNA", "<< anna")],
)
def test_white_space_and_lower_case_are_forgiven(typed):
    assert read(typed, on=TODAY) == read(TD3, on=TODAY)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ("", "lines"),
        ("P<UTO", "lines"),
        (TD3[:-1], "line_2"),
        (TD3[1:], "line_1"),
        (TD3[:20] + TD3[21:] + "0", "line_1"),
        (TD1[:-1], "line_3"),
        (TD3 + "\n" + TD1, "lines"),
        ("<" * 10_000_000, "lines"),
    ],
)
def test_a_zone_of_the_wrong_length_is_refused_with_its_line(typed, field):
    assert refused(typed) == (Code.LENGTH, field)


@pytest.mark.parametrize("character", ["Ä", "ı", "ß", "!", "\0", "٣", "²"])
def test_characters_that_no_zone_has_are_refused_with_their_line(character):
    assert refused(substituted(TD3, 1, 3, character)) == (Code.CHARACTER, "line_2")


@pytest.mark.parametrize(
    ("line", "place", "character", "field"),
    [
        (0, 0, "V", "document_type"),
        (0, 2, "1", "issuer"),
        (1, 10, "7", "nationality"),
        (1, 20, "Q", "sex"),
        (0, 6, "1", "name"),
        (0, 5, "<", "name"),
    ],
)
def test_characters_out_of_place_are_refused_with_their_field(line, place, character, field):
    assert refused(substituted(TD3, line, place, character)) == (Code.CHARACTER, field)


@pytest.mark.parametrize("birth", ["801301", "800230", "801200", "800001"])
def test_a_birth_date_that_never_was_is_refused(birth):
    assert refused(passport(birth=birth)) == (Code.DATE, "birth_date")


@pytest.mark.parametrize("expiry", ["301301", "300230", "<<<<<<"])
def test_an_expiry_that_never_comes_is_refused(expiry):
    assert refused(passport(expiry=expiry)) == (Code.DATE, "expires_on")


def test_letters_in_a_date_are_refused_even_when_the_check_digit_agrees():
    assert refused(passport(birth="8K0101")) == (Code.CHARACTER, "birth_date")
    assert refused(passport(expiry="3A0101")) == (Code.CHARACTER, "expires_on")


@pytest.mark.parametrize(
    ("birth", "born"),
    [
        ("261122", date(2026, 11, 22)),
        ("261123", date(1926, 11, 23)),
        ("000229", date(2000, 2, 29)),
        ("280229", date(1928, 2, 29)),
        ("270101", date(1927, 1, 1)),
    ],
)
def test_a_birth_is_the_latest_one_not_in_the_future(birth, born):
    assert read(passport(birth=birth), on=TODAY).birth_date == born


def test_a_birth_date_is_compared_with_the_record_by_what_is_known():
    whole, year_only, nothing = (read(passport(birth=text), on=TODAY) for text in ("200307", "80<<<<", "<<<<<<"))
    assert whole.born_on(date(1920, 3, 7))
    assert not whole.born_on(date(1920, 3, 8))
    assert year_only.birth_date is None
    assert year_only.born_on(date(1980, 5, 6))
    assert not year_only.born_on(date(1981, 5, 6))
    assert not nothing.born_on(date(1980, 5, 6))


def test_a_german_document_is_issued_by_deu():
    german = passport().replace("P<FIN", "P<D<<").replace("FIN", "D<<")
    assert (read(german, on=TODAY).issuer, read(german, on=TODAY).nationality) == ("DEU", "DEU")


@given(typed=st.text(st.sampled_from(ALPHABET + "<\n "), max_size=100) | st.text(max_size=100))
def test_anything_typed_is_read_or_refused(typed):
    found = outcome(typed)
    assert found is None or found.number


def test_neither_an_error_nor_a_repr_tells_what_was_typed():
    shown = repr(read(TD3, on=TODAY))
    assert not any(part in shown for part in ("L898902C3", "ERIKSSON", "ANNA", "1974", "ZE184226B"))
    with pytest.raises(Unreadable) as caught:
        read(substituted(TD3, 1, 0, "K"), on=TODAY)
    assert str(caught.value) == "CHECK_DIGIT in number"
