"""Say what the caller shall hear and do next, in words that belong to no provider.

A step names its prompt by key and carries only arguments that tell nothing about anybody, so that a reply can be
stored for a retried webhook without storing what was said to whom.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

Arguments = Mapping[str, int | str]


@dataclass(frozen=True, slots=True)
class Say:
    """Speak one prompt; `args` fill its gaps and are never personal."""

    prompt: str
    language: str
    args: Arguments = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pause:
    """Be silent for some seconds."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Gather:
    """Speak, and wait for keys; they, or their absence, arrive as turn `turn` of the same call.

    `timeout` is in seconds and starts again at every key, so that a slow hand is never cut off.
    """

    turn: int
    says: tuple[Say | Pause, ...]
    num_digits: int | None
    timeout: int
    finish_on_key: str = "#"


@dataclass(frozen=True, slots=True)
class Redirect:
    """Come back at once as turn `turn`."""

    turn: int


@dataclass(frozen=True, slots=True)
class AskBack:
    """Go on at once where one question is put; `question` is its public id."""

    question: str


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Wait for a person in `queue`; `wait` asks for spoken company, and the end of it arrives as turn `turn`."""

    queue: str
    turn: int
    wait: bool = True


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


Step = Say | Pause | Gather | Redirect | AskBack | Enqueue | Hangup
Steps = tuple[Step, ...]

_KINDS: Final[dict[str, type[Any]]] = {
    kind.__name__: kind for kind in (Say, Pause, Gather, Redirect, AskBack, Enqueue, Hangup)
}


def to_json(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """Turn steps into plain lists and dicts, each with its `step` name: what a stored reply holds."""
    return [_to_dict(step) for step in steps]


def from_json(stored: Iterable[Mapping[str, Any]]) -> Steps:
    """Read back what `to_json` wrote; KeyError or TypeError when it was written by something else."""
    return tuple(_from_dict(row) for row in stored)


def _to_dict(step: Step) -> dict[str, Any]:
    row = {"step": type(step).__name__, **asdict(step)}
    if isinstance(step, Gather):
        row["says"] = to_json(step.says)
    return row


def _from_dict(row: Mapping[str, Any]) -> Step:
    values = dict(row)
    kind = _KINDS[values.pop("step")]
    if kind is Gather:
        values["says"] = from_json(values["says"])
    step: Step = kind(**values)
    return step
