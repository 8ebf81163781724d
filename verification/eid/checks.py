"""verification.E010: brokers and keys must make sense before anybody is sent to one of them."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register

from verification.eid import brokers, keys


@register()
def brokers_make_sense(**_: Any) -> list[CheckMessage]:
    """verification.E010: E_ID_BROKERS must read, each profile must be whole, and each broker needs keys of ours."""
    try:
        for broker in brokers.configured().values():
            keys.check(broker)
    except brokers.Misconfigured as error:
        return [Error(str(error), hint="See docs/settings.md, E_ID_BROKERS and E_ID_KEYS.", id="verification.E010")]
    return []
