"""What is said to people, in every language: compiled from the .po files, and checked for what is missing or stale.

Only the team's tools need this, so Babel is a development dependency and no process that serves imports it.
"""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from django.apps import apps
from django.conf import settings
from django.utils.translation import template

KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
Key = tuple[str | None, str]  # context and msgid


def languages() -> list[str]:
    """Return the languages that texts are translated into; English is what the code says."""
    return [code for code, _ in settings.LANGUAGES if code != "en"]


def own_apps() -> list[Path]:
    """Return the folders of our own apps."""
    paths = (Path(config.path) for config in apps.get_app_configs())
    return [path for path in paths if path.parent == settings.BASE_DIR]


def sources(language: str) -> Iterator[Path]:
    """Yield the .po files of one language that exist."""
    for app in own_apps():
        path = app / "locale" / language / "LC_MESSAGES" / "django.po"
        if path.exists():
            yield path


def read(path: Path) -> Catalog:
    """Read a .po file; a file that isn't in order raises PoFileError with its line."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name, abort_invalid=True)


def compile_file(path: Path) -> Path:
    """Write the .mo file beside a .po file, with one date for ever, so that the same texts give the same bytes."""
    compiled, content = path.with_suffix(".mo"), io.BytesIO()
    catalog = read(path)
    catalog.creation_date = catalog.revision_date = NO_DATE
    write_mo(content, catalog)
    compiled.write_bytes(content.getvalue())
    return compiled


def stale(path: Path) -> bool:
    """Tell whether the .mo file says anything else than its .po file."""
    compiled = path.with_suffix(".mo")
    if not compiled.exists():
        return True
    with compiled.open("rb") as file:
        return _texts(read_mo(file)) != _texts(read(path))


def _texts(catalog: Catalog) -> dict[Key, Any]:
    return {_key(message): _strings(message) for message in catalog if message.id and _is_translated(message)}


def _strings(message: Message) -> tuple[str, ...]:
    """Give the translation, or its plural forms, in one shape: a .po gives them otherwise than a .mo does."""
    return tuple(message.string) if isinstance(message.string, (tuple, list)) else (message.string or "",)


def _is_translated(message: Message) -> bool:
    return all(_strings(message)) and not message.fuzzy


def _key(message: Message) -> Key:
    context: Any = message.context
    context = context.decode() if isinstance(context, bytes) else context  # as Babel reads it from a .mo
    return context, message.id[0] if isinstance(message.id, (tuple, list)) else message.id


def translated(language: str) -> set[Key]:
    """Return what one language has: our own texts and those that come with Django's apps."""
    have = {key for path in sources(language) for key in _texts(read(path))}
    places = [Path(config.path) for config in apps.get_app_configs()]
    for place in [*places, *[Path(template.__file__).parents[2] / "conf"]]:
        compiled = place / "locale" / language / "LC_MESSAGES" / "django.mo"
        if place.parent != settings.BASE_DIR and compiled.exists():
            with compiled.open("rb") as file:
                have |= set(_texts(read_mo(file)))
    return have


def used() -> dict[Key, str]:
    """Return every msgid of our code and templates, with one place where it stands."""
    found: dict[Key, str] = {}
    for app in own_apps():
        for path in sorted(app.rglob("*")):
            if path.suffix in (".py", ".html", ".txt") and "migrations" not in path.parts:
                for line, key in _messages(path):
                    found.setdefault(key, f"{path.relative_to(settings.BASE_DIR)}:{line}")
    return found


def _messages(path: Path) -> Iterator[tuple[int, Key]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        text = template.templatize(text, origin=str(path))
    for line, message, _, context in extract("python", io.BytesIO(text.encode()), KEYWORDS):
        msgid = message[0] if isinstance(message, tuple) else message
        if msgid:
            yield line, (context, msgid)


def faults() -> list[str]:
    """Return a line for every text without a translation and every .mo file that is stale."""
    said = [
        f"{path.with_suffix('.mo').relative_to(settings.BASE_DIR)} is stale"
        for code in languages()
        for path in sources(code)
        if stale(path)
    ]
    places = used()
    for code in languages():
        have = translated(code)
        said += [f"{place}: no {code} for {key[1]!r}" for key, place in places.items() if key not in have]
    return said
