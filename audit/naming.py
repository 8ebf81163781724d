"""How an auditor reads who and what an entry names. Rooms to the left register what only they know.

The log itself holds pseudonyms. Auditors are there to hold people to account, so the names behind our own staff are
shown to them; a customer's name never is: it is among the personal data of an entry, which is opened by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from audit import words


class Person(NamedTuple):
    """One of the staff: the pseudonym that entries hold, what he logs in as, his name and his role in words."""

    pseudonym: str
    username: str
    name: str
    role: str


People = Callable[[str], Iterable[Person]]
Words = Callable[[], Mapping[str, str | Promise]]

_PEOPLE: Final[list[People]] = []
_WORDS: Final[dict[str, Words]] = {}


def register_people(people: People) -> None:
    """Ask `people` for the staff of an organisation."""
    _PEOPLE.append(people)


def register_words(of: str, said: Words) -> None:
    """Have the codes of one fact ("action", "level", "reason" and so on) read in words. Two of one name stop us."""
    if of in _WORDS:
        raise RuntimeError(f"the words of {of!r} are registered twice")
    _WORDS[of] = said


def codes(of: str) -> Mapping[str, str | Promise]:
    """Return the codes of one fact with their words; none when nobody registered them."""
    return _WORDS[of]() if of in _WORDS else {}


def said(of: str, code: object) -> str:
    """Return a code in words, the code as its title; "" for none, and the code itself when it has no words."""
    return words.in_words(str(code), codes(of)) if code not in (None, "") else ""


class Staff:
    """The staff of one organisation, asked for once a page."""

    def __init__(self, organisation: str) -> None:
        self.people = [person for people in _PEOPLE for person in people(organisation)] if organisation else []
        self._known = {f"staff:{person.pseudonym}": person for person in self.people}

    def actor_of(self, typed: str) -> str:
        """Return the actor that was meant by what was typed: an actor itself, or a colleague's user name or name."""
        wanted = typed.casefold()
        found = {
            actor for actor, person in self._known.items()
            if wanted in (person.username.casefold(), person.name.casefold(), person.pseudonym)
        }  # fmt: skip
        return found.pop() if len(found) == 1 else typed

    def typed(self, actor: str) -> str:
        """Return what to type for an actor: the user name of one of the staff, else the actor as it is."""
        return self._known[actor].username if actor in self._known else actor

    def name(self, actor: str) -> str:
        """Say who an actor is: one of the staff by name, everybody else by what he is."""
        if actor in self._known:
            return self._known[actor].name
        kind, _colon, rest = actor.partition(":")
        if kind == "system":
            return _("the system (%(task)s)") % {"task": rest}
        return {"caller": _("the caller"), "customer": _("the customer"), "staff": _("staff, not of ours")}.get(
            kind, actor
        )

    def role(self, actor: str) -> str:
        """Return the role of one of the staff in words, "" of everybody else."""
        return self._known[actor].role if actor in self._known else ""
