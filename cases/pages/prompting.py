"""What the agent's screen shows of asking a caller for strong identification: the words, and how far he has come."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext_lazy

from cases.pages.story import label_of
from verification import backchannel, prompt_states, prompts, push_rows, pushes, relying_party, roads, shown_parameters
from verification.declarations import Declaration, declared
from verification.levels import Level
from verification.models import Claim, Interaction, Prompt
from verification.prompt_states import STEPS, Standing
from verification.scene import claims_of_all

STATES: dict[str, Promise] = {
    "ASKED": gettext_lazy("The link is on its way to the phone or e-mail on record, if there is one."),
    "OPENED": gettext_lazy("The link was opened. Read the two words aloud now."),
    "WORDS": gettext_lazy("The words are right. He chooses how he logs in."),
    "LOGIN": gettext_lazy("He is logging in."),
    "APPROVED": gettext_lazy("He has identified himself."),
    "DECLINED": gettext_lazy("He says that he did not call. Do nothing more in this contact; his contacts were told."),
    "EXPIRED": gettext_lazy("The time ran out. You can send it once more."),
    "FAILED": gettext_lazy("It did not go through. Offer another way, or send it once more."),
    "CANCELLED": gettext_lazy("It was withdrawn."),
}
IN_HIS_APP: dict[str, Promise] = {
    "ASKED": gettext_lazy("The request is on its way to his app, if he has one."),
    "OPENED": gettext_lazy("The request was sent to his app, if he has one. Read aloud what he is asked for there."),
}
ANSWER_LOST = gettext_lazy(
    "His answer was lost on its way to us, and it counts for nothing. Ask him to approve once more, and send it again."
)
SHORT: dict[str, Promise] = {
    "ASKED": pgettext_lazy("step", "sent"),
    "OPENED": pgettext_lazy("step", "opened"),
    "WORDS": pgettext_lazy("step", "words typed"),
    "LOGIN": pgettext_lazy("step", "logging in"),
}


def panel(contact: Interaction, claim: Claim | None, at: datetime) -> dict[str, Any]:
    """Return what the page shows: whether it can be asked, and the newest prompt with its words while it waits."""
    standing = newest(contact)
    shown: dict[str, Any] = {
        "offered": bool(roads.with_login() or roads.by_passkey()) and contact.channel in prompts.CHANNELS,
        "apps": [(each.code, each.name, each.ciba_binding != "transfer") for each in roads.with_app()],
        "declined": prompts.declined(contact),
        "speakers": speakers(contact),
        "whose": _place(contact, standing) if standing else "",
        "claimed": claim is not None and bool(claim.person_mark),
        "passkeys": relying_party.possible() and _reaches_high(contact),
    }
    return shown | (_shown(standing, claim, at) if standing else {})


def _shown(standing: Standing, claim: Claim | None, at: datetime) -> dict[str, Any]:
    prompt = standing.prompt
    reached = STEPS.index(standing.state) if standing.waiting else -1
    approved = standing.state == "APPROVED" and prompt.action != "" and claim is not None and _stands(prompt)
    wanted = declared(prompt.action)
    if wanted is not None and wanted.made_on_page:
        approved = False  # it is finished on his page: there is nothing for the agent to do
    return {
        "prompt": prompt,
        "waiting": standing.waiting,
        "state": standing.state,
        "said": _said(standing),
        "label": label_of(prompt.action) if prompt.action else "",
        "lines": shown_parameters.lines(prompt.action, prompts.parameters_of(prompt) or {}) if prompt.action else [],
        **_heard(prompt),
        "steps": [(str(SHORT[step]), place <= reached) for place, step in enumerate(_steps(prompt))],
        "seconds": standing.seconds_left(at),
        "minutes": f"{standing.seconds_left(at) // 60}:{standing.seconds_left(at) % 60:02d}",
        "approved_action": prompt.action if approved else "",
    }


def _stands(prompt: Prompt) -> bool:
    """Tell whether what he approved is still claimed by him; each of several speakers approves for himself."""
    return prompt.claim_id in {each.pk for each in claims_of_all(prompt.interaction)}


def speakers(contact: Interaction) -> list[tuple[UUID, str]]:
    """Return who can be asked when several are heard, each by his place and capacity; [] for one alone."""
    claims = claims_of_all(contact)
    places = list(contact.speakers.order_by("pk").values_list("pk", flat=True))
    return [
        (each.speaker.public_id, f"{places.index(each.speaker_id) + 1}: {each.get_capacity_display()}")
        for each in claims
        if len(claims) > 1
    ]


def _place(contact: Interaction, standing: Standing) -> str:
    """Tell of which speaker the newest prompt asks, "" when only one is heard."""
    return dict(speakers(contact)).get(standing.prompt.claim.speaker.public_id, "")


def _steps(prompt: Prompt) -> tuple[str, ...]:
    return () if prompt.road == Prompt.Road.CIBA else STEPS


def _said(standing: Standing) -> str:
    if standing.reason == backchannel.ANSWER_LOST:
        return str(ANSWER_LOST)
    in_his_app = IN_HIS_APP if standing.prompt.road == Prompt.Road.CIBA else {}
    return str(in_his_app.get(standing.state, STATES[standing.state]))


def _heard(prompt: Prompt) -> dict[str, Any]:
    """Return what is read aloud: words for our page, digits for an app that takes them, and the letters it shows."""
    language, pair = prompts.words_of(prompt)
    if prompt.road != Prompt.Road.CIBA:
        return {"language": language, "words": " – ".join(pair)}
    broker = pushes.through(prompt.ciba.broker)
    takes = broker is not None and broker.ciba_binding == "transfer"
    letters = push_rows.letters_of(prompt)
    return {"language": language, "words": " ".join(pair) if takes else "", "letters": letters, "in_app": True}


def newest(contact: Interaction) -> Standing | None:
    """Return the newest prompt of a contact as it stands, or None."""
    return next(iter(prompt_states.of(contact)), None)


def may_ask(wanted: Declaration) -> bool:
    """Tell whether an action can be sent to be approved: some road of ours must reach what it requires."""
    return wanted.needs_claim and Level.LOW < wanted.required <= roads.by_page()


def _reaches_high(contact: Interaction) -> bool:
    """Tell whether somebody can come to HIGH in this contact: by a login, or by papers at the desk."""
    return contact.channel == Interaction.Channel.DESK or roads.by_link() >= Level.HIGH


def particulars(contact: Interaction, action: str, prompt: str) -> dict[str, Any]:
    """Return what was approved in this contact for an action, to fill its form with; {} when there is nothing."""
    found = Prompt.objects.filter(interaction=contact, action=action, public_id=uuid_of(prompt)).first()
    return prompts.parameters_of(found) or {} if found else {}


def uuid_of(text: str) -> UUID:
    """Return what a form or an address names; what names nothing is the nil UUID, which nothing bears."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
