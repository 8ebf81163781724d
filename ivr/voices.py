"""Name the languages that the phone speaks and the voice of each, as the provider wants to hear them."""

from dataclasses import dataclass
from typing import Final

LANGUAGES: Final = ("fi", "sv", "en")


@dataclass(frozen=True, slots=True)
class Voice:
    """Pair a provider's locale with a voice that speaks it; a pair that doesn't match silences the whole prompt."""

    locale: str
    name: str


VOICES: Final[dict[str, Voice]] = {
    "fi": Voice("fi-FI", "Polly.Suvi-Neural"),
    "sv": Voice("sv-SE", "Polly.Elin-Neural"),
    "en": Voice("en-GB", "Polly.Amy-Neural"),
}
