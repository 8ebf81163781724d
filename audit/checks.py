"""What `manage.py check --database default` and `up` ask of the log: do the roles of its database stand apart?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import connections

from audit.role_findings import findings
from audit.roles import Names

HINT: Final = "Set the three roles up with `manage.py database_roles` (docs/deploy.md)."


@register(Tags.database)
def roles_stand_apart(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """audit.E001: on PostgreSQL the application is no owner and the sequencer another role; a warning in the demo."""
    level, code = (checks.WARNING, "audit.W001") if settings.DEMO else (checks.ERROR, "audit.E001")
    return [
        CheckMessage(level, f"{found}.", hint=HINT, id=code)
        for alias in databases or ()
        if connections[alias].vendor == "postgresql"
        for found in findings(connections[alias], named(str(connections[alias].settings_dict["USER"])))
    ]


def named(application: str) -> Names:
    """Name the roles: whom this process is in the database, and whom SEQUENCER_DATABASE_URL names."""
    return Names(application, unquote(urlsplit(settings.SEQUENCER_DATABASE_URL).username or ""))
