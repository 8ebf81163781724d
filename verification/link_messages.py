"""What is written to the recorded contacts about a prompt: the link, and warnings when something was not in order."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notices.actions import send
from verification.models import Customer, Interaction, Prompt
from verification.telling import CHANNELS, tell


def send_link(prompt: Prompt, token: str, *, at: datetime) -> None:
    """Send the link to the contact that was chosen for it; never bundled, since somebody waits for it on the line."""
    contact, person = prompt.sent_to, prompt.claim.person
    if contact is None or person is None:
        return
    organisation = prompt.interaction.organisation
    with translation.override(person.language):
        text = _(
            "%(name)s: here is the link that you asked for on the phone. It is good for ten minutes: %(link)s Open it "
            "only if you called us yourself. If you did not, please call us on %(number)s."
        ) % {
            "name": organisation.name,
            "link": f"{settings.PUBLIC_URL}/c/{token}/",
            "number": organisation.number_to_call or settings.IVR_NUMBER,
        }
        send(
            subject=str(person.pseudonym),
            channel=CHANNELS[contact.kind],
            address=contact.value,
            language=person.language,
            title=_("Link for the call that you are on"),
            text=text,
            about="prompt",
            at=at,
            organisation=str(organisation.pk),
        )


def warn_of_decline(person: Customer, interaction: Interaction, *, at: datetime) -> None:
    """Tell every recorded contact that somebody asked in his name and that he said no."""
    _warn(
        person,
        interaction,
        gettext_lazy("Somebody called in your name"),
        gettext_lazy(
            "Somebody on the phone said that he was you, and the request that we sent was declined. Nothing was "
            "changed, and for some days we ask for more before anything is."
        ),
        about="prompt_declined",
        at=at,
    )


def warn_of_orphan(person: Customer, interaction: Interaction, *, at: datetime) -> None:
    """Tell every recorded contact that an approval arrived for which nobody was waiting on the line."""
    _warn(
        person,
        interaction,
        gettext_lazy("Your approval arrived after the call"),
        gettext_lazy(
            "You logged in for a request of ours when the call that it belonged to was over or had changed. Nothing "
            "was changed. Never log in because somebody who called you asks for it."
        ),
        about="prompt_orphan",
        at=at,
    )


def _warn(
    person: Customer, interaction: Interaction, title: Promise, text: Promise, *, about: str, at: datetime
) -> None:
    contacts = person.recorded_contacts(at)
    tell(person, contacts, title=title, text=text, about=about, reference=interaction.public_id, at=at)
