"""The name in a document against the name on record."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_mrz import passport
from visits.mrz import Mrz, read
from visits.names import SPELLINGS, name_matches


def document(name: str) -> Mrz:
    return read(passport(name=name), on=date(2026, 11, 22))


@pytest.mark.parametrize(
    ("zone", "family", "given_names"),
    [
        ("ASIAKAS<<ANTTI", "Asiakas", "Antti"),
        ("ASIAKAS<<ANTTI<JUHANI", "asiakas", "Antti"),
        ("ASIAKAS<<ANTTI<JUHANI", "Asiakas", "Juhani"),
        ("AEYRAEMOE<<TERO<TESTI", "Äyrämö", "Tero Testi"),
        ("AYRAMO<<TERO", "Äyrämö", "Tero"),
        ("AEYRAEMOE<<TERO", "A\u0308yra\u0308mo\u0308", "Tero"),
        ("AAKERBLOM<<AASA", "Åkerblom", "Åsa"),
        ("AKERBLOM<<ASA", "Åkerblom", "Åsa"),
        ("MUELLER<<JUERGEN", "Müller", "Jürgen"),
        ("MUXXLLER<<JURGEN", "Müller", "Jürgen"),
        ("WEISS<<ANNA", "Weiß", "Anna"),
        ("OCONNOR<<SHAUN", "O’Connor", "Shaun"),
        ("VIRTANEN<LAINE<<MAIJA<LIISA", "Virtanen-Laine", "Maija-Liisa"),
        ("AF<URSIN<<LEENA", "af Ursin", "Leena"),
        ("SUKARNO", "Sukarno", ""),
        ("DUPRE<<RENEE", "Dupré", "Renée"),
    ],
)
def test_the_same_name_spelt_as_issuers_spell_it_matches(zone, family, given_names):
    assert name_matches(document(zone), family, given_names)


@pytest.mark.parametrize(
    ("zone", "family", "given_names"),
    [
        ("ASIAKAS<<ANTTI", "Asiakas", "Anna"),
        ("ASIAKAS<<ANTTI", "Asiakas", "Antti Juhani"),
        ("ASIAKAS<<ANTTI", "Asiakainen", "Antti"),
        ("ASIAKAS<<ANTTI", "Asiaka", "Antti"),
        ("ASIAKAS<<ANTTI", "Asiakas-Laine", "Antti"),
        ("ASIAKAS<LAINE<<ANTTI", "Asiakas", "Antti"),
        ("ASIAKAS<<ANTTI<JUHANI", "Asiakas", "Juhani Antti"),
        ("ASIAKAS<<ANTTI", "Asiakas", ""),
        ("ASIAKAS<<ANTTI", "", "Antti"),
        ("ASIAKAS<<ANTTI", "", ""),
        ("ASIAKAS", "Asiakas", "Antti"),
        ("ANTTI<<ASIAKAS", "Asiakas", "Antti"),
        ("PETROV<<IVAN", "Петров", "Иван"),
        ("ASIAKAS<<ANTTI", "'", "Antti"),
    ],
)
def test_another_name_does_not_match(zone, family, given_names):
    assert not name_matches(document(zone), family, given_names)


def test_a_name_that_the_zone_cut_matches_by_its_beginning():
    cut = document("NILAVADHANANANDA<<CHAYAPA<DEJTHAMRONG<K")
    assert cut.names_cut
    assert name_matches(cut, "Nilavadhanananda", "Chayapa Dejthamrong Krasuang")
    assert name_matches(cut, "Nilavadhanananda", "Chayapa Dejthamrong Krasuang Somchai")
    assert not name_matches(cut, "Nilavadhanananda", "Somchai")
    assert not name_matches(cut, "Nilavadhana", "Chayapa")


def test_a_beginning_is_not_enough_when_nothing_was_cut():
    assert not name_matches(document("ASIAKAS<<ANT"), "Asiakas", "Antti")


def test_a_long_name_in_letters_with_many_spellings_is_judged_at_once():
    assert not name_matches(document("ASIAKAS<<ANTTI"), "Ü" * 5000, "Ä" * 5000)


@given(
    family=st.text(st.sampled_from("ABCÄÖÅÜÑ"), min_size=1, max_size=6),
    pick=st.lists(st.integers(0, 2), min_size=6, max_size=6),
)
def test_every_mixture_of_spellings_matches(family, pick):
    spelt = "".join(
        SPELLINGS.get(letter, (letter,))[choice % len(SPELLINGS.get(letter, (letter,)))]
        for letter, choice in zip(family, pick, strict=False)
    )
    assert name_matches(document(f"{spelt}<<ANTTI"), family.lower(), "Antti")
