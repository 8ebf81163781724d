"""Making a passkey on the customer's own page, after he was asked for it there and has proved himself.

The browser's ceremony only brings the parameters: whether they are kept, the gate decides as for everything else.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction
from webauthn import generate_registration_options, options_to_json, verify_registration_response
from webauthn.helpers import bytes_to_base64url, parse_client_data_json, parse_registration_credential_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from verification import prompts, relying_party
from verification.gate import Granted, Live, Unavailable, attempt
from verification.levels import Level
from verification.masking import standing
from verification.models import Interaction, Passkey, Prompt, PromptEnd
from verification.passkeys import GOOD_FOR, LARGEST, MAKING, UNREADABLE, Bad, remember, taken
from verification.prompt_ends import end

ACTION: Final = "enrol_passkey"
ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]


def offered(prompt: Prompt, at: datetime) -> bool:
    """Tell whether this page may make one: he was asked for just that, and stands at HIGH in the contact.

    On the telephone he has approved it by logging in. At the desk his papers were seen, and the words that he heard
    there are typed on the page: so who has no bank can make one too.
    """
    if prompt.action != ACTION or not relying_party.possible() or not (_approved(prompt) or _at_desk(prompt, at)):
        return False
    claim, held = standing(prompt.interaction, at)
    return claim is not None and claim.pk == prompt.claim_id and held.level >= Level.HIGH


def too_weak(prompt: Prompt, at: datetime) -> bool:
    """Tell whether he was asked for just that, and what he has proved in this contact is not enough for it."""
    if prompt.action != ACTION or not prompt.interaction.live:
        return False
    claim, held = standing(prompt.interaction, at)
    return claim is not None and claim.pk == prompt.claim_id and held.level < Level.HIGH


def _approved(prompt: Prompt) -> bool:
    return PromptEnd.objects.filter(prompt=prompt, outcome=PromptEnd.Outcome.APPROVED).exists()


def _at_desk(prompt: Prompt, at: datetime) -> bool:
    heard = Prompt.objects.open(at).filter(pk=prompt.pk, progress__matched_at__isnull=False)
    return prompt.interaction.channel == Interaction.Channel.DESK and heard.exists()


def begin(prompt: Prompt, *, browser: str, at: datetime) -> str:
    """Return what the browser needs to make a passkey, as JSON. Raises NotOpen."""
    challenge = remember(prompt, MAKING, browser=browser, may=offered, at=at)
    person = prompt.claim.person
    known = Passkey.objects.filter(customer=person, end__isnull=True)
    options = generate_registration_options(
        rp_id=relying_party.host(),
        rp_name=prompt.interaction.organisation.name,
        user_id=person.pseudonym.bytes if person else b"",
        user_name=person.number if person else "",
        challenge=challenge,
        timeout=int(GOOD_FOR.total_seconds() * 1000),
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=bytes(each.credential_id)) for each in known],
        supported_pub_key_algs=ALGORITHMS,
    )
    return options_to_json(options)


def finish(prompt: Prompt, sent: str, *, browser: str, at: datetime) -> bool:
    """Bring what the browser has made before the gate, in the customer's own name; False when nothing was kept."""
    try:
        parameters = _made(prompt, sent, browser, at)
    except (Bad, *UNREADABLE):
        return False
    if not offered(prompt, at):
        return False
    try:
        decision = attempt(ACTION, origin=Live(prompt.interaction.public_id, None), parameters=parameters, at=at)
    except Unavailable:
        return False
    made = isinstance(decision, Granted)
    if made:
        _over(prompt, at)
    return made


def _over(prompt: Prompt, at: datetime) -> None:
    """End the prompt of one who made it at the desk: what was asked of him is done."""
    with transaction.atomic():
        end(prompts.locked(prompt.pk), PromptEnd.Outcome.APPROVED, "", at=at)


def _made(prompt: Prompt, sent: str, browser: str, at: datetime) -> dict[str, str]:
    """Return the credential's id and public key. Raises Bad or one of UNREADABLE."""
    answer = parse_registration_credential_json(sent[:LARGEST])
    challenge = parse_client_data_json(answer.response.client_data_json).challenge
    taken(prompt, MAKING, challenge, browser=browser, at=at)
    made = verify_registration_response(
        credential=answer,
        expected_challenge=challenge,
        expected_rp_id=relying_party.host(),
        expected_origin=relying_party.origin(),
        require_user_verification=True,
        supported_pub_key_algs=ALGORITHMS,
    )
    return {
        "credential_id": bytes_to_base64url(made.credential_id),
        "public_key": bytes_to_base64url(made.credential_public_key),
    }
