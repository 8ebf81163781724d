"""Hold every sentence that the phone speaks, under the key by which the dialogue knows it.

Options come before digits, since who hears "press 1" first must remember it while he waits for what it does. Nothing
says what was wrong with what was typed: an unknown number, a wrong code, a hold and a keypad that backs off share the
key `failed`, so that nobody learns which of them it was.
"""

from typing import Final

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ivr.steps import Arguments

PROMPTS: Final[dict[str, Promise]] = {
    # Each language names its own digit: 1 in Finnish, 2 in Swedish, 3 in English.
    "welcome": _("Welcome to {organisation}. For service in English, press 3. To speak with a person, press 0."),
    "ask.number": _(
        "To be served as a customer, key in the eight digits of your customer number. "
        "To speak with a person instead, press 0 and then the hash key. To hear this again, press star and then hash."
    ),
    "ask.kind": _(
        "If you use a code app, press 1. If you use a printed code list, press 2. "
        "If you have no codes with you, press 3. "
        "If we have told you of something that you did not do yourself, press 5. "
        "To speak with a person, press 0. To hear the choices again, press star."
    ),
    "ask.kind_or_text": _(
        "If you use a code app, press 1. If you use a printed code list, press 2. "
        "If you have no codes with you, press 3. If you want a code by text message, press 4. "
        "If we have told you of something that you did not do yourself, press 5. "
        "To speak with a person, press 0. To hear the choices again, press star."
    ),
    "ask.app_code": _(
        "Key in the six digits that your code app is showing. "
        "To speak with a person instead, press 0 and then the hash key. To hear this again, press star and then hash."
    ),
    "ask.list_code": _(
        "Take your code list. Key in the six digits beside this number: {index}. "
        "To speak with a person instead, press 0 and then hash. To hear this again, press star and then hash."
    ),
    # Spoken before every code by text message (63B 3.1.3.3): the risk, and what there is instead.
    "sms.notice": _(
        "If we have a mobile number for this customer number, a code is on its way to it. A text message is less well "
        "protected than a code app: somebody else may get to read it if the number or the phone is taken over. The "
        "code app is the safer way, and you can take it into use at our office."
    ),
    "sms.again": _(
        "If we have a mobile number for this customer number, a new code is on its way. Only the newest one counts."
    ),
    "ask.sms_code": _(
        "When the text message has come, key in its six digits. To have a new code, press 1 and then the hash key. "
        "To speak with a person instead, press 0 and then hash. To hear this again, press star and then hash."
    ),
    "list.few": _("Codes left on your list: {left}. You are given a new list, or a code app, at our office."),
    "failed": _("We could not confirm these details on the phone. You are welcome to try once more."),
    "again": _("Here are the choices once more."),
    "confirmed": _("Thank you. Your code has been confirmed."),
    "hold.in_force": _("There is a hold on your account for the time being. A person can tell you more about it."),
    "menu": _(
        "To hear how your case is getting on, press 1. To book a visit to our office, press 2. "
        "To be called back, press 3. To put a temporary hold on your account, press 4. "
        "If we have told you of something that you did not do yourself, press 5. "
        "To speak with a person, press 0. To hear the choices again, press star."
    ),
    "protect": _(
        "To tell us that it was not you, press 1. To stop new contact details, new codes or a refund to a new account "
        "that do not count yet, press 2. To put a temporary hold on your account, press 3. To go back, press 9. "
        "To speak with a person, press 0. To hear the choices again, press star."
    ),
    "not_me.noted": _("Thank you for telling us. It has been noted, and for some days we will ask for more proof."),
    "stop.done": _("Whatever was new and did not count yet for this customer number has been stopped."),
    "ask.birthday": _(
        "So that we find the right customer, key in the day and the month of your birth, two digits for each. "
        "The person who serves you neither hears nor sees them. To go back without answering, press 0 and then the "
        "hash key. To hear this again, press star and then hash."
    ),
    "again.birthday": _("Here is the question once more."),
    "back": _("Thank you. You will be put through to your person again."),
    "state.none": _("You have no case with us at the moment."),
    "state.open": _("Your case is open, and we are working on it."),
    "state.answered": _("Everything that you asked in your case has been answered."),
    "state.closed": _("Your case has been answered and closed."),
    "visit.requested": _(
        "We will book a visit for you. The time, the place and a list of what to bring will be sent to you in writing."
    ),
    "callback.requested": _("We will call you back. We use the number that you have given us earlier."),
    "callback.phrase": _(
        "We will call you back on the number that you have given us earlier. Whoever calls in our name says these "
        "two words first: {phrase}. If the caller does not know them, please hang up."
    ),
    "hold.placed": _("A temporary hold is now on your account. It ends by itself in {hours} hours."),
    # The gate's own words, which are the same for everyone in the same position.
    "refused": _("{words} To speak with a person about this, press 0."),
    "not_by_keypad": _("A person will gladly help you with this one. To speak with a person, press 0."),
    "human.verified": _("You will be put through to a person now. Your code has been confirmed already."),
    "human.SKIPPED": _("You will be put through to a person now. No codes are needed for that."),
    "human.NO_CODES": _("That is quite all right. You will be put through to a person now."),
    "human.TIMED_OUT": _("We heard no keys, and that is quite all right. You will be put through to a person now."),
    "human.WRONG": _("You will be put through to a person now. We will find a way together."),
    "queue.wait": _("Thank you for waiting. We will be with you as soon as we can."),
    "queue.position": _("Thank you for waiting. Your place in the queue is {position}."),
    "sorry.technical": _("We are sorry. There is a fault in our system at the moment."),
    "sorry.queue": _("We are sorry. No person can take your call at the moment. You are welcome to call again later."),
    "goodbye": _("Thank you for calling. Goodbye."),
}

# What is spoken digit by digit: "one, seven" is not mistaken for "seventy", whatever the language.
_DIGIT_BY_DIGIT: Final = frozenset({"index"})


def text(key: str, language: str, args: Arguments) -> str:
    """Give the words of one prompt in `language` ("fi", "sv" or "en"), its gaps filled.

    Raises KeyError when there is no such prompt, or no argument for one of its gaps.
    """
    spoken = {name: digit_by_digit(value) if name in _DIGIT_BY_DIGIT else value for name, value in args.items()}
    with translation.override(language):
        return str(PROMPTS[key]).format_map(spoken)


def digit_by_digit(value: int | str) -> str:
    """Put a pause after every digit: 17 becomes "1, 7"."""
    return ", ".join(str(value))
