"""Ready phrases for the staff: what to say aloud in the caller's language, and when. Nothing in them blames him."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from verification.models import Interaction


@dataclass(frozen=True)
class Phrase:
    """A sentence for the caller, and the staff's own note on when it helps."""

    note: Promise
    say: Promise

    def spoken(self, language: str) -> tuple[str, str]:
        """Return (note in the reader's language, sentence in the caller's)."""
        note = str(self.note)
        with translation.override(language):
            return note, str(self.say)


GREETING = Phrase(
    _("To begin with"),
    _("Good day, thank you for waiting. What can I help you with?"),
)
AFTER_KEYPAD = {
    Interaction.Keypad.SKIPPED: Phrase(
        _("He skipped the keypad: that is quite all right"),
        _("You came straight to me, and that is fine. General questions I can answer at once."),
    ),
    Interaction.Keypad.WRONG: Phrase(
        _("A code did not match: do not say which part"),
        _("The code did not go through this time. It happens easily, and there are other ways."),
    ),
    Interaction.Keypad.TIMED_OUT: Phrase(
        _("He typed nothing in time"),
        _("There was no hurry with the keypad. We can go on together from here."),
    ),
    Interaction.Keypad.BACKING_OFF: Phrase(
        _("The keypad rests for a while, for safety"),
        _("The keypad cannot be used for the moment. Let us look at the other ways together."),
    ),
    Interaction.Keypad.NO_CODES: Phrase(
        _("He says that he has no codes"),
        _("You can manage without the codes too. I will tell you what we can do now, and how we do the rest."),
    ),
    Interaction.Keypad.MATCHED: Phrase(
        _("A code matched"),
        _("Thank you, the code matched. I can now tell you how your matter is getting on."),
    ),
}
ASK_NUMBER = Phrase(
    _("To find out whose matter it is"),
    _("Would you tell me your customer number? It is in the letters that you have had from us."),
)
NO_QUESTIONS = Phrase(
    _("When he offers his birth date or other facts as proof"),
    _(
        "Thank you, but you need not tell me those. They do not prove anything over the phone, and they are best "
        "kept to yourself."
    ),
)
NO_CODES_ALOUD = Phrase(
    _("When he starts to read a code aloud"),
    _("Please do not tell me the code: it is only for the keypad. None of us will ever ask you to say it."),
)
TO_KEYPAD = Phrase(
    _("Before he is asked on the keypad"),
    _(
        "The telephone now asks you for a day and a month on the keypad. I cannot see what you press, and you come "
        "straight back to me."
    ),
)
CLOSING = Phrase(
    _("Before the end"),
    _("Did you get an answer to everything that you asked about?"),
)


AFTER = {
    "book_visit": _(
        "We book a visit for you. We send you in writing the time, the place and a list of what is good to bring along."
    ),
    **dict.fromkeys(
        ("change_address", "change_email", "change_phone"),
        _(
            "It has been noted and takes effect in a few days. We write about it to every contact that we have for you "
            "now, and until then you can stop it by calling us."
        ),
    ),
}


def after(action: str, language: str) -> str:
    """Return what to say in the caller's language when an action has been done, "" when there is nothing to add."""
    with translation.override(language):
        return str(AFTER.get(action, ""))


def for_contact(interaction: Interaction, *, claimed: bool) -> list[tuple[str, str]]:
    """Return the phrases that fit this contact now, each as (note, sentence)."""
    wanted = [
        GREETING,
        AFTER_KEYPAD.get(Interaction.Keypad(interaction.keypad)),
        None if claimed else ASK_NUMBER,
        NO_QUESTIONS,
        NO_CODES_ALOUD if interaction.channel == Interaction.Channel.PHONE else None,
        CLOSING,
    ]
    return [phrase.spoken(interaction.language) for phrase in wanted if phrase is not None]
