"""System checks: document rules that make no sense stop the start, not a customer at the desk."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from visits.documents import NotRules, load
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
