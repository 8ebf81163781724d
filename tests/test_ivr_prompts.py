"""Everything the phone says is there in three languages, polite, and blames nobody."""

import re
from string import Formatter

import pytest

from ivr.prompts import PROMPTS, digit_by_digit, text

LANGUAGES = ("fi", "sv", "en")
ARGS = {
    "organisation": "Esimerkki Oy",
    "index": 17,
    "hours": 48,
    "position": 5,
    "words": "Esimerkki.",
    "left": 3,
    "phrase": "metsä laiva",
}
BLAMING = {
    "en": r"\b(wrong|invalid|incorrect|error|failed|must|your fault|unrecogni[sz]ed|unknown|blocked|denied)\b",
    "fi": r"\b(väär\w+|virhee\w+|virhe\b|epäonnistu\w+|täytyy|pitää|kielletty\w*|tuntematon|estetty|syynne)\b",
    "sv": r"\b(fel kod|felaktig\w*|ogiltig\w*|misslycka\w*|måste|okänd\w*|nekad\w*|blockera\w*)\b",
}
PRESS = {"en": r"press ", "fi": r"painakaa ", "sv": r"tryck "}
FAMILIAR = {
    "fi": r"\b(sinä|sinun|sinulle|haluat|paina|näppäile|soita|koodisi)\b",
    "sv": r"\b(du|dig|din|ditt)\b",
    "en": r"$^",
}

every_prompt = pytest.mark.parametrize("key", sorted(PROMPTS))
every_language = pytest.mark.parametrize("language", LANGUAGES)


def gaps(words: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(words) if name}


@every_prompt
def test_each_prompt_has_words_of_its_own_in_every_language(key: str) -> None:
    assert len({text(key, language, ARGS) for language in LANGUAGES}) == 3


@every_prompt
@every_language
def test_each_gap_is_filled_in_every_language(key: str, language: str) -> None:
    words = text(key, language, {name: f"<{name}>" if name != "index" else "7" for name in ARGS})
    assert "{" not in words
    for gap in gaps(str(PROMPTS[key])) - {"index"}:
        assert f"<{gap}>" in words


@every_prompt
@every_language
def test_no_prompt_blames_or_says_what_was_wrong(key: str, language: str) -> None:
    assert not re.search(BLAMING[language], text(key, language, ARGS), re.IGNORECASE)


@every_prompt
@every_language
def test_the_polite_form_is_kept(key: str, language: str) -> None:
    assert not re.search(FAMILIAR[language], text(key, language, ARGS), re.IGNORECASE)


@every_prompt
@every_language
def test_the_option_comes_before_its_digit(key: str, language: str) -> None:
    for sentence in re.split(r"(?<=[.:]) ", text(key, language, ARGS)):
        assert not re.match(PRESS[language], sentence, re.IGNORECASE)


@pytest.mark.parametrize(
    "key",
    [
        "welcome", "ask.number", "ask.kind", "ask.kind_or_text", "ask.app_code", "ask.list_code", "ask.sms_code",
        "menu", "protect", "ask.birthday",
    ],
)  # fmt: skip
@every_language
def test_every_question_names_the_way_to_a_person(key: str, language: str) -> None:
    assert re.search(rf"{PRESS[language]}0\b", text(key, language, ARGS))


@pytest.mark.parametrize(
    "key",
    [
        "ask.number", "ask.kind", "ask.kind_or_text", "ask.app_code", "ask.list_code", "ask.sms_code", "menu",
        "protect", "ask.birthday",
    ],
)  # fmt: skip
@every_language
def test_every_question_can_be_heard_again(key: str, language: str) -> None:
    assert {"en": "star", "fi": "tähteä", "sv": "stjärna"}[language] in text(key, language, ARGS)


def test_each_language_is_offered_under_its_own_digit() -> None:
    offered = {language: re.findall(r"\d", text("welcome", language, {"organisation": "A"})) for language in LANGUAGES}
    assert offered == {"fi": ["1", "0"], "sv": ["2", "0"], "en": ["3", "0"]}


def test_positions_are_spoken_digit_by_digit() -> None:
    assert digit_by_digit(17) == "1, 7"
    assert "1, 7" in text("ask.list_code", "fi", {"index": 17})


def test_an_unknown_prompt_and_a_missing_gap_are_errors() -> None:
    with pytest.raises(KeyError):
        text("no.such", "fi", {})
    with pytest.raises(KeyError):
        text("hold.placed", "fi", {})
