"""Customers are addressed in one way throughout: te and ni in small letters, as customer service writes today."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.conf import settings

CATALOGUES = sorted(Path(settings.BASE_DIR).glob("*/locale/*/LC_MESSAGES/django.po"))
CAPITAL_INSIDE = {
    "fi": re.compile(r"(?<=[^.!?] )Te(idän|ille|idät|iltä|itä|ihin|istä|illä|issä)?\b"),
    "sv": re.compile(r"(?<=[^.!?] )(Ni|Er|Ert|Era)\b"),
}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: "-".join(path.parts[-5:-2:2]))
def test_te_and_ni_begin_small_inside_a_sentence(path: Path) -> None:
    language = path.parts[-3]
    with path.open("rb") as file:
        texts = [text for message in read_po(file) for text in _texts(message.string)]
    assert len(texts) > 5
    assert [text for text in texts if CAPITAL_INSIDE[language].search(text)] == []


def _texts(string: str | tuple[str, ...]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else string
