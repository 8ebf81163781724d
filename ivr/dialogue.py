"""Lead a caller from the welcome to what he came for, or to a person: a table of steps, each one function.

A step reads what the caller did and says where to go next and what to speak. It changes only the call it was given;
whatever touches customers, evidence or the gate is asked of `actions`, so that the whole dialogue runs without them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from ivr.adapters import Event, Kind
from ivr.asks import Actions, Check, NoMoreClaims
from ivr.models import Call
from ivr.steps import Arguments, Enqueue, Gather, Hangup, Pause, Say, Steps
from ivr.voices import LANGUAGES

TRIES: Final = 3
SILENCES: Final = 2
MISREADS: Final = 3
LONGEST_CALL: Final = 60  # turns; who gets this far is better served by a person
HUMAN: Final = "0"
REPEAT: Final = "*"

VERIFIED_QUEUE: Final = "verified"
UNVERIFIED_QUEUE: Final = "unverified"


CHOICES: Final[dict[str, str]] = {"1": "state", "2": "visit", "3": "callback", "4": "hold"}
PROTECTIONS: Final[dict[str, str]] = {"1": "not_me", "2": "stop", "3": "hold"}
WORRIED: Final = "5"
AND_BACK: Final = "9"


@dataclass(frozen=True, slots=True)
class Question:
    """What one step asks: its prompt, how many keys end the answer (None: the hash key does), seconds of patience."""

    prompt: str
    keys: int | None
    timeout: int


QUESTIONS: Final[dict[str, Question]] = {
    "language": Question("welcome", 1, 7),
    "number": Question("ask.number", 8, 15),
    "kind": Question("ask.kind", 1, 10),
    "app_code": Question("ask.app_code", 6, 20),
    "list_code": Question("ask.list_code", 6, 20),
    "sms_code": Question("ask.sms_code", 6, 45),  # the message has to arrive first
    "menu": Question("menu", 1, 10),
    "protect": Question("protect", 1, 10),
    "birthday": Question("ask.birthday", 4, 15),
}
RESEND: Final = "1"


@dataclass(frozen=True, slots=True)
class Turn:
    """Everything one step may look at."""

    call: Call
    event: Event
    actions: Actions
    at: datetime


def welcome(call: Call, actions: Actions) -> Steps:
    """Open the dialogue: greet, and ask for the language in each of them."""
    return _ask(call, actions, "language")


def handle(call: Call, event: Event, at: datetime, actions: Actions) -> Steps:
    """Take one event of a call in progress, move the call on, and give the steps to answer with."""
    turn = Turn(call, event, actions, at)
    if call.step == "queue":
        return _after_queue(turn)
    if call.step == "birthday":
        return _birthday(turn)
    if event.digits == HUMAN or call.turn > LONGEST_CALL:
        return to_human(turn)
    if event.digits == REPEAT:
        return _ask(call, actions, call.step)
    if event.kind is not Kind.DIGITS:
        return _missed(turn, SILENCES, "TIMED_OUT")
    return STEPS[call.step](turn)


def to_human(turn: Turn, keypad: str = "SKIPPED", before: tuple[str, ...] = ()) -> Steps:
    """Put the caller through to a person, and let the agent know how the keypad went."""
    call = turn.call
    keypad = call.keypad = _told_to_agent(call.keypad, keypad)
    turn.actions.to_human(call, keypad, turn.at)
    call.step = "queue"
    return (*_say_all(call, *before, _farewell_to_keypad(keypad)), *_queue(call, keypad))


def turned_back(call: Call, event: Event, question: UUID, at: datetime, actions: Actions) -> Steps:
    """Put one question to a caller whom a person is serving; when it is settled already, put him through again."""
    turn = Turn(call, event, actions, at)
    call.step, call.misses = "birthday", 0
    if not actions.asks(call, question, at):
        return _back(turn)
    return _ask(call, actions, "birthday")


def technical_fault(call: Call, at: datetime, event: Event, actions: Actions) -> Steps:
    """Say that the fault is ours, and put the caller through to a person: to his own, when he has met one."""
    if call.step == "birthday":
        return _back(Turn(call, event, actions, at), "sorry.technical")
    return to_human(Turn(call, event, actions, at), before=("sorry.technical",))


def out_of_order() -> Steps:
    """Apologise in every language and hang up: all that is left when not even the queue can be reached."""
    return (*(Say(prompt, code) for code in LANGUAGES for prompt in ("sorry.technical", "sorry.queue")), Hangup())


def finished(language: str = "") -> Steps:
    """Part politely from a call that is unknown or over; tells nothing about it."""
    return (*(Say("goodbye", code) for code in _spoken(language)), Hangup())


def waiting(language: str, position: int | None) -> Steps:
    """Keep those company who wait in the queue; the provider asks again when this has been spoken."""
    prompt, args = ("queue.position", {"position": position}) if position else ("queue.wait", {})
    return (*(Say(prompt, code, args) for code in _spoken(language)), Pause(20))


def taken() -> Steps:
    """Be silent once an agent has taken the call: his voice is to be heard, not ours."""
    return (Pause(20),)


def _language(turn: Turn) -> Steps:
    chosen = dict(zip("123", LANGUAGES, strict=True)).get(turn.event.digits)
    if chosen is None:
        return _missed(turn, MISREADS)
    turn.call.language = chosen
    turn.actions.speak(turn.call, turn.at)
    return _go(turn, "number")


def _number(turn: Turn) -> Steps:
    """Take any eight digits: whether they are anybody's shows nowhere before the code does."""
    if not (turn.event.digits.isdecimal() and len(turn.event.digits) == 8):
        return _failed(turn, "WRONG")
    try:
        turn.call.challenge_index = turn.actions.claim(turn.call, turn.event.digits, turn.at)
    except NoMoreClaims:
        return to_human(turn, "BACKING_OFF")
    return _go(turn, "kind")


def _kind(turn: Turn) -> Steps:
    match turn.event.digits:
        case "1":
            return _go(turn, "app_code")
        case "2":
            return _go(turn, "list_code")
        case "3":
            return to_human(turn, "NO_CODES")
        case "4" if turn.actions.texts_codes():
            turn.actions.send_code(turn.call, turn.at)
            return _go(turn, "sms_code", "sms.notice")
        case key if key == WORRIED:
            return _go(turn, "protect")
        case _:
            return _missed(turn, MISREADS)


def _app_code(turn: Turn) -> Steps:
    return _judged(turn, turn.actions.check_app_code)


def _list_code(turn: Turn) -> Steps:
    return _judged(turn, turn.actions.check_list_code)


def _sms_code(turn: Turn) -> Steps:
    """Have the code judged, or another one sent: which is said alike whether or not there is anybody to send it to."""
    if turn.event.digits != RESEND:
        return _judged(turn, turn.actions.check_sent_code)
    turn.call.misses += 1
    if turn.call.misses >= MISREADS:
        return to_human(turn, "TIMED_OUT")
    turn.actions.send_code(turn.call, turn.at)
    return (*_say_all(turn.call, "sms.again"), *_ask(turn.call, turn.actions, "sms_code"))


def _judged(turn: Turn, judge: Callable[[Call, str, datetime], Check]) -> Steps:
    """Have a code judged. What can't be a code is wrong at once, and costs its authenticator nothing."""
    typed = turn.event.digits
    check = judge(turn.call, typed, turn.at) if typed.isdecimal() else Check.WRONG
    if check is not Check.MATCHED:
        return _failed(turn, check.value)
    turn.call.keypad = check.value
    hold = ("hold.in_force",) if turn.actions.on_hold(turn.call, turn.at) else ()
    few = turn.actions.few_codes_left(turn.call) if turn.call.step == "list_code" else None
    left = () if few is None else (Say("list.few", turn.call.language, {"left": few}),)
    said = _say_all(turn.call, "confirmed", *hold)
    return (*said, *left, *_go(turn, "menu"))


def _menu(turn: Turn) -> Steps:
    if turn.event.digits == WORRIED:
        return _go(turn, "protect")
    return _done(turn, CHOICES.get(turn.event.digits))


def _protect(turn: Turn) -> Steps:
    """Do at once what protects the customer who was named, somebody's or nobody's; no code is asked for."""
    if turn.event.digits == AND_BACK:
        return _go(turn, "menu" if turn.call.keypad == "MATCHED" else "kind")
    return _done(turn, PROTECTIONS.get(turn.event.digits))


def _done(turn: Turn, choice: str | None) -> Steps:
    """Have a choice done, tell what came of it, and give the same choices again."""
    if choice is None:
        return _missed(turn, MISREADS)
    told = turn.actions.perform(choice, turn.call, turn.at)
    says = tuple(Say(item.prompt, turn.call.language, item.args) for item in told)
    turn.call.misses = 0
    return (*says, Pause(1), *_ask(turn.call, turn.actions, turn.call.step))


def _birthday(turn: Turn) -> Steps:
    """Take a day and a month. Whatever they fit, and without them too, he goes back to his person with one sentence."""
    call, typed = turn.call, turn.event.digits
    if typed == REPEAT and call.turn <= LONGEST_CALL:
        return _ask(call, turn.actions, "birthday")
    if (born := _day_and_month(typed)) is not None:
        turn.actions.answer(call, *born, turn.at)
        return _back(turn)
    call.misses += 1
    if typed == HUMAN or call.turn > LONGEST_CALL or call.misses >= SILENCES:
        turn.actions.skip(call, turn.at)
        return _back(turn)
    return (*_say_all(call, "again.birthday"), *_ask(call, turn.actions, "birthday"))


def _day_and_month(typed: str) -> tuple[int, int] | None:
    """Read four digits as a day and a month of any year, leap years too; None when there is no such day."""
    if not (typed.isascii() and typed.isdecimal() and len(typed) == 4):
        return None
    day, month = int(typed[:2]), int(typed[2:])
    try:
        date(2000, month, day)
    except ValueError:
        return None
    return day, month


def _back(turn: Turn, *before: str) -> Steps:
    """Put the caller through to the person who served him, with the same words whatever came of the question."""
    call = turn.call
    call.step = "queue"
    queue = turn.actions.back_to(call)
    (ordinary,) = _queue(call, call.keypad)
    return (*_say_all(call, *before, "back"), Enqueue(queue, call.turn + 1) if queue else ordinary)


STEPS: Final[dict[str, Callable[[Turn], Steps]]] = {
    "language": _language,
    "number": _number,
    "kind": _kind,
    "app_code": _app_code,
    "list_code": _list_code,
    "sms_code": _sms_code,
    "menu": _menu,
    "protect": _protect,
}


def _go(turn: Turn, step: str, *before: str) -> Steps:
    """Go on to a step whose question has not been missed yet."""
    turn.call.step, turn.call.misses = step, 0
    return (*_say_all(turn.call, *before), *_ask(turn.call, turn.actions, step))


def _failed(turn: Turn, keypad: str) -> Steps:
    """Count one failed try, whatever failed, and start again from the number; the last one leads to a person."""
    call = turn.call
    call.tries += 1
    call.keypad = call.keypad if call.keypad == "BACKING_OFF" else keypad
    if call.tries >= TRIES:
        return to_human(turn, keypad)
    return _go(turn, "number", "failed")


def _missed(turn: Turn, limit: int, keypad: str = "SKIPPED") -> Steps:
    call = turn.call
    call.misses += 1
    if call.misses >= limit:
        return to_human(turn, keypad)
    return (*_say_all(call, "again"), *_ask(call, turn.actions, call.step))


def _ask(call: Call, actions: Actions, step: str) -> Steps:
    question = QUESTIONS[step]
    args: Arguments = {}
    if step == "language":
        args = actions.greeting(call)
    if step == "list_code" and call.challenge_index is not None:
        args = {"index": call.challenge_index}
    prompt = "ask.kind_or_text" if step == "kind" and actions.texts_codes() else question.prompt
    says = tuple(Say(prompt, language, args) for language in _spoken(call.language))
    return (Gather(call.turn + 1, says, question.keys, question.timeout),)


def _after_queue(turn: Turn) -> Steps:
    """End the call once the agent has, and apologise when nobody could be reached.

    What the caller had reached ends here too: the provider's word that the call is over may never come.
    """
    if turn.event.kind is Kind.QUEUE_RESULT:
        turn.actions.end(turn.call, turn.at)
    if turn.event.kind is Kind.QUEUE_RESULT and turn.event.status in {"error", "queue-full", "system-error"}:
        return (*_say_all(turn.call, "sorry.queue"), Hangup())
    if turn.event.kind is Kind.QUEUE_RESULT:
        return (Hangup(),)
    return _queue(turn.call, turn.call.keypad)


def _queue(call: Call, keypad: str) -> tuple[Enqueue]:
    return (Enqueue(VERIFIED_QUEUE if keypad == "MATCHED" else UNVERIFIED_QUEUE, call.turn + 1),)


def _told_to_agent(earlier: str, now: str) -> str:
    """Choose the outcome that helps the agent most: a match outlasts everything, a wrong code outlasts a later skip."""
    return earlier if earlier == "MATCHED" or (earlier and now != "NO_CODES") else now


def _farewell_to_keypad(keypad: str) -> str:
    """Name what is said on the way to a person. Backing off sounds like a wrong code: it must not be told apart."""
    return {"MATCHED": "human.verified", "BACKING_OFF": "human.WRONG"}.get(keypad, f"human.{keypad}")


def _say_all(call: Call, *prompts: str) -> Steps:
    return tuple(Say(prompt, language) for prompt in prompts for language in _spoken(call.language))


def _spoken(language: str) -> tuple[str, ...]:
    """Give the language that was chosen or, before that, all of them."""
    return (language,) if language else LANGUAGES
