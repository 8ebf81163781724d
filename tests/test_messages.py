"""Every text for people exists in Finnish and Swedish, and what is compiled is what is written."""

from pathlib import Path

import pytest
from django.conf import settings

from contactcentre import translations

PO = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "yes"
msgstr "{yes}"
"""


def written(folder: Path, yes: str) -> Path:
    path = folder / "fi" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PO.format(yes=yes), encoding="utf-8")
    return path


def test_compiling_again_gives_the_same_bytes(tmp_path: Path) -> None:
    path = written(tmp_path, "kyllä")
    first = translations.compile_file(path).read_bytes()
    assert b"POT-Creation-Date: 2000-01-01" in first, "the date of the compilation would differ each time"
    assert translations.compile_file(path).read_bytes() == first
    assert "kyllä".encode() in first


def test_a_compiled_file_is_stale_once_the_text_changes(tmp_path: Path) -> None:
    path = written(tmp_path, "kyllä")
    assert translations.stale(path)
    translations.compile_file(path)
    assert not translations.stale(path)
    assert translations.stale(written(tmp_path, "joo"))


def test_texts_are_found_in_code_and_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_text('_("one")\nngettext("two", "many", n)\npgettext("where", "three")\n')
    (tmp_path / "b.html").write_text(
        '{% load i18n %}{% translate "four" %}{% blocktranslate %}five {{ x }}{% endblocktranslate %}'
    )
    monkeypatch.setattr(translations, "own_apps", lambda: [tmp_path])
    monkeypatch.setattr(settings, "BASE_DIR", tmp_path)
    assert set(translations.used()) == {
        (None, "one"),
        (None, "two"),
        ("where", "three"),
        (None, "four"),
        (None, "five %(x)s"),
    }


def test_a_text_without_a_translation_is_named_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translations, "used", lambda: {(None, "a text nobody translated"): "cases/actions.py:7"})
    assert "cases/actions.py:7: no fi for 'a text nobody translated'" in translations.faults()
