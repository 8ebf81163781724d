"""System checks: what makes no sense at the desk stops the start, not a customer there."""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.utils import timezone

from visits import chips
from visits.documents import NotRules, load
from visits.revocations import NoList
from visits.soundness import problems

HINT = "Correct visits/documents.toml; docs/decisions/0002-documents-are-data.md tells how it is read."


@register()
def document_rules_make_sense(**_: Any) -> list[CheckMessage]:
    """Report each problem of the document rules (visits.E001), or that they can't be read (visits.E002)."""
    try:
        found = problems(load())
    except (NotRules, OSError) as unreadable:
        return [Error(str(unreadable), hint=HINT, id="visits.E002")]
    return [Error(text, hint=HINT, id="visits.E001") for text in found]


@register()
def revocation_lists_are_current(*, at: datetime | None = None, **_: Any) -> list[CheckMessage]:
    """Report lists of revoked signers that are late (visits.W001) or unreadable (visits.E003), and a folder that isn't
    there (visits.E004).
    """
    folder = Path(settings.CHIP_TRUST) if settings.CHIP_TRUST else None
    if folder is None:
        return []
    if not folder.is_dir():
        return [Error(f"CHIP_TRUST is no folder: {folder}", hint="Make it, or trust no chips.", id="visits.E004")]
    moment = at or timezone.now()  # noqa: TID251 - a check is run by the command that starts us
    found = (_list_problem(file.stem, moment) for file in sorted(folder.glob("*.crl")))
    return [problem for problem in found if problem is not None]


def _list_problem(country: str, at: datetime) -> CheckMessage | None:
    try:
        state = chips.revoked(country, chips.anchors(country)).state(at)
    except (NoList, OSError, ValueError) as unreadable:
        hint = f"Fetch {country}.crl anew, from the authority that signs with {country}.pem."
        return Error(f"{country}.crl: {type(unreadable).__name__} {unreadable}", hint=hint, id="visits.E003")
    if state != "stale":
        return None
    hint = "Fetch the country's new list; until then a signer revoked since is still trusted."
    return checks.Warning(f"{country}.crl is past its day", hint=hint, id="visits.W001")
