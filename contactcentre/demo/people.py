"""The demo's people, in tables: who works here, who is served, and what makes each of them worth a call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from contactcentre.demo import secrets
from verification.numbers import check_digit, identity_code

ORGANISATION: Final = "Lähiturva"
STAFF: Final = {
    "agent_aino": ("AGENT", "Aino", "Virtanen"),
    "agent_arvo": ("AGENT", "Arvo", "Nieminen"),
    "clerk_kalle": ("CLERK", "Kalle", "Mäkinen"),
    "clerk_kerttu": ("CLERK", "Kerttu", "Lindholm"),
    "clerk_taina": ("CLERK", "Taina", "Rantanen"),
    "supervisor_sirpa": ("SUPERVISOR", "Sirpa", "Koskinen"),
    "auditor_aatu": ("AUDITOR", "Aatu", "Salminen"),
    "admin_aila": ("ADMINISTRATOR", "Aila", "Heikkinen"),
    "admin_asko": ("ADMINISTRATOR", "Asko", "Lehtonen"),
}


HELD: Final = {
    "app": "has a code app",
    "list": "has a printed list",
    "both": "has a code app and a printed list",
    "": "has no authenticator, so only the desk proves him",
}


@dataclass(frozen=True)
class Person:
    """One customer as the demo tells of him. `holds` is "app", "list", "both" or "" for no authenticator at all."""

    key: str
    seven: int
    family: str
    given: str
    born: str
    town: str
    street: str
    holds: str = "app"
    language: str = "fi"
    note: str = ""
    company: bool = False
    ward: bool = False
    frozen: bool = False
    new_phone: bool = False

    @property
    def number(self) -> str:
        return f"{self.seven}{check_digit(str(self.seven))}"

    @property
    def told(self) -> str:
        """Tell what makes him worth a call, or else what he holds."""
        return self.note or HELD[self.holds]

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}".strip()

    @property
    def app_key(self) -> bytes:
        return secrets.app_key(self.number) if self.holds in ("app", "both") else b""

    @property
    def codes(self) -> list[str]:
        return secrets.printed_codes(self.number) if self.holds in ("list", "both") else []

    @property
    def identity_code(self) -> str:
        """Return a personal identity code of those that are never given to anybody (900 to 999), or ""."""
        return "" if self.company else identity_code(date.fromisoformat(self.born), 900 + self.seven % 100)

    @property
    def e_id(self) -> dict[str, str]:
        """Return what the demo's broker knows of him, {} when he has no strong e-ID: neither has whose codes are lost.

        Who has but a printed list has bank codes of the level substantial; the others' reach high.
        """
        if self.company or self.ward or not self.holds:
            return {}
        level = "loa2" if self.holds == "list" else "loa3"
        return {
            "person": self.identity_code,
            "given_names": self.given,
            "family_name": self.family,
            "birth_date": self.born,
            "acr": f"http://ftn.ficora.fi/2017/{level}",
        }

    @property
    def phone(self) -> str:
        return f"+35850{self.seven}"

    def row(self, at: datetime) -> dict[str, Any]:
        """Return this customer in the form of the import file."""
        return {
            "number": self.number,
            "family_name": self.family,
            "given_names": self.given,
            "birth_date": None if self.company else self.born,
            "kind": "COMPANY" if self.company else "PERSON",
            "language": self.language,
            "account": _account(self.seven),
            "identity_code": self.identity_code,
            "needs_guardian": self.ward,
            "joined_on": date(2008 + self.seven % 16, 1 + self.seven % 12, 1 + self.seven % 27).isoformat(),
            "contacts": self._contacts(at),
            "totp": self.app_key.hex(),
            "codes": self.codes,
            "frozen": self.frozen,
        }

    def _contacts(self, at: datetime) -> list[dict[str, str]]:
        long_ago = (at - timedelta(days=700)).isoformat()
        mail = f"{self.key.replace('_', '.')}@example.org"
        contacts = [("PHONE", self.phone, long_ago), ("EMAIL", mail, long_ago), ("ADDRESS", self._address(), long_ago)]
        if self.new_phone:
            contacts.append(("PHONE", NEW_PHONE, (at - timedelta(days=1)).isoformat()))
        return [{"kind": kind, "value": value, "recorded_at": since} for kind, value, since in contacts]

    def _address(self) -> str:
        return f"{self.street}, {POSTAL_CODES[self.town]} {self.town}"


NEW_PHONE: Final = "+358457000042"
POSTAL_CODES: Final = {"Helsinki": "00530", "Tampere": "33100", "Turku": "20100", "Espoo": "02600"}


def _account(seven: int) -> str:
    """Return a well-formed IBAN of a bank that does not exist (ISO 13616: the check digits make it 1 modulo 97)."""
    domestic = f"9999990{seven:07d}"
    return f"FI{98 - int(f'{domestic}151800') % 97:02d}{domestic}"


PEOPLE: Final = (
    Person("antti_asiakas", 2610417, "Asiakas", "Antti", "1961-04-17", "Helsinki", "Vaasankatu 12 A 4", "both",
           note="one of three of this name; has a code app and a printed list"),
    Person("antti_asiakas2", 2841102, "Asiakas", "Antti", "1984-11-02", "Tampere", "Hämeenkatu 20 B 11", "list",
           note="one of three of this name; has a printed list only"),
    Person("antti_asiakas3", 2490630, "Asiakas", "Antti", "1949-06-30", "Helsinki", "Helsinginkatu 3 C 27", "",
           note="one of three of this name; has no authenticator, so only the desk proves him"),
    Person("helena_laine", 2580912, "Laine", "Helena", "1958-09-12", "Turku", "Kauppiaskatu 7 A 2",
           note="guardian of Ville Laine"),
    Person("ville_laine", 2900321, "Laine", "Ville", "1990-03-21", "Turku", "Kauppiaskatu 7 A 2", "list",
           note="has a guardian, Helena Laine, and does not act alone", ward=True),
    Person("sanna_hakala", 2721205, "Hakala", "Sanna", "1972-12-05", "Tampere", "Satakunnankatu 18",
           note="one of the two who sign for Hakala ja Pojat Oy, only together"),
    Person("olli_hakala", 2990808, "Hakala", "Olli", "1999-08-08", "Tampere", "Rongankatu 4 B 9",
           note="one of the two who sign for Hakala ja Pojat Oy, only together"),
    Person("hakala_oy", 2100200, "Hakala ja Pojat Oy", "", "", "Tampere", "Satakunnankatu 18",
           note="a company with two signatories, Sanna and Olli Hakala, who sign together", company=True),
    Person("maija_heino", 2530214, "Heino", "Maija", "1953-02-14", "Helsinki", "Porvoonkatu 9 A 15", "both",
           note="her account is frozen, since somebody used her name", frozen=True),
    Person("timo_salo", 2770730, "Salo", "Timo", "1977-07-30", "Espoo", "Leppävaarankatu 5 B 31",
           note="his telephone number was changed yesterday and is in quarantine", new_phone=True),
    Person("kristina_lindqvist", 2660519, "Lindqvist", "Kristina", "1966-05-19", "Helsinki", "Fredrikinkatu 41 A 8",
           language="sv", note="speaks Swedish"),
    Person("johan_berg", 2880123, "Berg", "Johan", "1988-01-23", "Turku", "Linnankatu 16 A 3", "list",
           language="sv", note="speaks Swedish; has a printed list"),
    Person("grace_okafor", 2930411, "Okafor", "Grace", "1993-04-11", "Espoo", "Kirkkokatu 2 C 40",
           language="en", note="speaks English"),
    Person("mikael_novak", 2850927, "Novak", "Mikael", "1985-09-27", "Tampere", "Itsenäisyydenkatu 10 A 6", "",
           language="en", note="speaks English; lost his telephone and his list with it"),
    Person("eeva_korhonen", 2470101, "Korhonen", "Eeva", "1947-01-01", "Helsinki", "Agricolankatu 5 A 1", "list",
           note="hears badly and prefers the desk"),
    Person("pekka_korhonen", 2450606, "Korhonen", "Pekka", "1945-06-06", "Helsinki", "Agricolankatu 5 A 1", "",
           note="husband of Eeva; lives at her address, and is not her"),
    Person("liisa_jarvinen", 2810218, "Järvinen", "Liisa", "1981-02-18", "Tampere", "Pispalan valtatie 30",
           note="guardian of her daughter Elli Järvinen"),
    Person("elli_jarvinen", 2140609, "Järvinen", "Elli", "2014-06-09", "Tampere", "Pispalan valtatie 30", "",
           note="a child; her guardian Liisa Järvinen acts for her until she comes of age"),
    Person("matti_jarvinen", 2790815, "Järvinen", "Matti", "1979-08-15", "Tampere", "Pispalan valtatie 30", "both"),
    Person("sofia_niemi", 2010503, "Niemi", "Sofia", "2001-05-03", "Turku", "Yliopistonkatu 22 B 14"),
    Person("juhani_aalto", 2560322, "Aalto", "Juhani", "1956-03-22", "Helsinki", "Mannerheimintie 55 A 19", "list",
           note="may act for Anneli Aalto by mandate: hear the state of her case and change her address"),
    Person("anneli_aalto", 2571009, "Aalto", "Anneli", "1957-10-09", "Helsinki", "Mannerheimintie 55 A 19",
           note="has given Juhani Aalto a mandate in two matters, and acts herself as before"),
    Person("kari_lahti", 2681130, "Lahti", "Kari", "1968-11-30", "Espoo", "Tapiolantie 12 A 7"),
    Person("tuula_rinne", 2620704, "Rinne", "Tuula", "1962-07-04", "Turku", "Hämeenkatu 8 A 5", ""),
    Person("noora_ahonen", 2970926, "Ahonen", "Noora", "1997-09-26", "Helsinki", "Kustaankatu 2 C 33"),
    Person("ville_kallio", 2820812, "Kallio", "Ville", "1982-08-12", "Tampere", "Tammelan puistokatu 21 B 2"),
)  # fmt: skip


@dataclass(frozen=True)
class Right:
    """That one of them may act for another; those of one group act only `needed` together."""

    principal: str
    representative: str
    kind: str
    actions: tuple[str, ...] = ()
    needed: int = 1
    group: str = ""

    def row(self) -> dict[str, Any]:
        """Return this right in the form of the import file."""
        return {
            "principal": BY_KEY[self.principal].number,
            "representative": BY_KEY[self.representative].number,
            "kind": self.kind,
            "actions": list(self.actions),
            "needed": self.needed,
            "group": self.group,
            "evidence": "REGISTER: shown when they became customers",
        }


RIGHTS: Final = (
    Right("ville_laine", "helena_laine", "GUARDIAN"),
    Right("elli_jarvinen", "liisa_jarvinen", "GUARDIAN"),
    Right("hakala_oy", "sanna_hakala", "SIGNATORY", needed=2, group="hakala"),
    Right("hakala_oy", "olli_hakala", "SIGNATORY", needed=2, group="hakala"),
    Right("anneli_aalto", "juhani_aalto", "MANDATE", actions=("tell_case_state", "change_address")),
)
BY_KEY: Final = {person.key: person for person in PEOPLE}
BY_NUMBER: Final = {person.number: person for person in PEOPLE}
