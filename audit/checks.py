"""What `manage.py check --database default` and `up` ask of the log: do the roles of its database stand apart?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register
from django.db import connections

from audit import sinks
from audit.notes import NAME
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


@register()
def the_log_can_be_published(**_: Any) -> list[CheckMessage]:
    """audit.E002: LOG_SINKS and LOG_ORIGIN must be such as can be meant."""
    hint = "docs/log.md tells their forms."
    found = [] if NAME.fullmatch(settings.LOG_ORIGIN) else ["LOG_ORIGIN is empty, or holds a blank or a plus"]
    try:
        sinks.all_of_them()
    except sinks.BadSink as wrong:
        found.append(str(wrong))
    return [checks.Error(f"{message}.", hint=hint, id="audit.E002") for message in found]


@register()
def the_key_stands_apart(**_: Any) -> list[CheckMessage]:
    """audit.W002: who serves people holds no LOG_KEY; audit.W003: but somebody must. Neither is asked of the demo."""
    alone = settings.DATABASE_URL == settings.SEQUENCER_DATABASE_URL or settings.DATABASE_URL.startswith("sqlite")
    if settings.LOG_KEY and not settings.DEMO and not alone:
        hint = "Give LOG_KEY to the log's worker only, whose DATABASE_URL is the sequencer's (docs/log.md)."
        return [checks.Warning("This process holds LOG_KEY and serves people.", hint=hint, id="audit.W002")]
    if not settings.LOG_KEY and not settings.SEQUENCER_DATABASE_URL:
        hint = "Set LOG_KEY (docs/log.md)."
        return [checks.Warning("Nobody signs the log: LOG_KEY is not set.", hint=hint, id="audit.W003")]
    return []


def named(application: str) -> Names:
    """Name the roles: whom this process is in the database, and whom SEQUENCER_DATABASE_URL names."""
    return Names(application, unquote(urlsplit(settings.SEQUENCER_DATABASE_URL).username or ""))
