"""Read what an auditor asks of the log, and show it to him again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, Final
from urllib.parse import urlencode

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from audit import words
from audit.naming import Staff, codes
from audit.searching import COLUMNS, Asked

TIMES: Final = ("at__gte", "at__lt")
PAGES: Final = ("before", "after")
LONGEST: Final = 200
LARGEST: Final = 2**63 - 1


class NotOffered(SuspiciousOperation):
    """Refuse, with 400 Bad Request, a question that the page doesn't offer."""


class Search:
    """One search: `asked` for the database, `problems` in words by field; with any of them nothing is looked for."""

    def __init__(self, request: HttpRequest, staff: Staff) -> None:
        given = {name: _clean(str(value)) for name, value in request.GET.items()}
        if strange := set(given) - {*COLUMNS, *TIMES, *PAGES}:
            raise NotOffered(f"the log isn't searched by {sorted(strange)[0]!r}")
        self.given = {name: value for name, value in given.items() if value}
        self.problems: dict[str, str] = {}
        self._staff = staff
        exact: dict[str, str] = {name: self.given[name] for name in COLUMNS if name in self.given}
        if "actor" in exact:
            exact["actor"] = staff.actor_of(exact["actor"])
        since, until = (self._moment(name) for name in TIMES)
        before, after = (self._number(name) for name in PAGES)
        self.asked = Asked(exact, since, until, before, after)

    def recorded(self) -> dict[str, str]:
        """Return what was asked in the form the log keeps."""
        return dict(self.asked.exact)

    def period(self) -> dict[str, str]:
        """Return the period asked for and the entry it goes on from, as facts of the log."""
        moments = {"since": self.asked.since, "until": self.asked.until}
        told = {name: moment.isoformat() for name, moment in moments.items() if moment is not None}
        return {**told, **{name: self.given[name] for name in PAGES if name in self.given}}

    def link(self, **changes: Any) -> str:
        """Return the query of the same search with some of it changed; what is changed to "" is left out."""
        kept = {name: value for name, value in self.given.items() if name not in PAGES}
        return "?" + urlencode({name: value for name, value in {**kept, **changes}.items() if value != ""})

    def fields(self) -> dict[str, Any]:
        """Return what the form shows: typed values, and choices for what has codes."""
        exact = self.asked.exact
        return {
            "subject_ref": exact.get("subject_ref", ""),
            "actor": self._staff.typed(exact.get("actor", "")),
            "contact": exact.get("contact", ""),
            "kinds": choices(words.KINDS, exact.get("kind", "")),
            "outcomes": choices(words.OUTCOMES, exact.get("outcome", "")),
            "actions": choices(codes("action"), exact.get("action", "")),
            "since": _shown(self.asked.since) or self.given.get("at__gte", ""),
            "until": _shown(self.asked.until) or self.given.get("at__lt", ""),
            "people": sorted(self._staff.people, key=lambda person: person.username),
        }

    def _moment(self, name: str) -> datetime | None:
        try:
            return _moment(self.given[name]) if name in self.given else None
        except (ValueError, OverflowError):
            self.problems[name] = _("Write a day and a time, for example 2026-11-22 14:05.")
            return None

    def _number(self, name: str) -> int | None:
        text = self.given.get(name, "")
        if not text or (text.isdecimal() and text.isascii() and int(text) <= LARGEST):
            return int(text) if text else None
        self.problems[name] = _("The page to go on from is not known: search again.")
        return None


def choices(said: Mapping[str, str | Promise], chosen: str) -> list[tuple[str, str, bool]]:
    """Return code, words and whether it is chosen, by the words; a chosen code without words stands among them."""
    every = {code: str(word) for code, word in said.items()}
    every |= {chosen: chosen} if chosen and chosen not in every else {}
    return sorted(((code, word, code == chosen) for code, word in every.items()), key=lambda each: each[1].casefold())


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()[:LONGEST]  # which PostgreSQL refuses in a text


def _moment(text: str) -> datetime:
    """Read a day or a moment; one without a zone is the office's. Raises ValueError."""
    moment = parse_datetime(text)
    if moment is None:
        day = parse_date(text)
        if day is None:
            raise ValueError(text)
        moment = datetime.combine(day, time())
    moment = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    if not 1970 <= moment.year <= 9000:
        raise ValueError(text)
    return moment


def _shown(moment: datetime | None) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M") if moment else ""
