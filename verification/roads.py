"""Which strong roads this installation has, and how far each of them leads."""

from __future__ import annotations

from typing import Final

from verification import relying_party
from verification.eid import brokers
from verification.eid.brokers import Broker
from verification.levels import Level
from verification.policy import current


def with_login() -> list[Broker]:
    """Return the configured brokers at which a person can log in, in the order of their names."""
    return sorted((each for each in brokers.configured().values() if each.login), key=lambda each: each.name)


def by_link() -> Level:
    """Return the highest level that a login at one of our brokers can give, NONE without any."""
    worth = current().worth
    kinds = {kind for broker in with_login() for kind in broker.acr.values()}
    return max((worth[kind].level for kind in kinds if kind in worth), default=Level.NONE)


PASSKEY: Final = "PASSKEY"


def by_passkey() -> Level:
    """Return the level that a customer's passkey gives, NONE where browsers offer none on our address."""
    worth = current().worth.get(PASSKEY)
    return worth.level if worth is not None and relying_party.possible() else Level.NONE


def by_page() -> Level:
    """Return the highest level to which the page behind a link leads: by a login at a broker, or by a passkey."""
    return max(by_link(), by_passkey())


APPROVED: Final = "CIBA_APPROVED"
IN_AN_APP: Final = {"E_ID_SUBSTANTIAL": "CIBA_SUBSTANTIAL", "E_ID_HIGH": "CIBA_HIGH"}
BROKERED: Final = frozenset({APPROVED, *IN_AN_APP, *IN_AN_APP.values()})


def with_app() -> list[Broker]:
    """Return the configured brokers that ask a person in his app, those first whose app takes what the caller hears."""
    asking = (each for each in brokers.configured().values() if each.ciba != "none")
    return sorted(asking, key=lambda each: (each.ciba_binding != "transfer", each.name))


def kind_in_app(broker: Broker, kind: str) -> str:
    """Return what an approval in this broker's app is as evidence, `kind` being what a login there would be.

    Where nothing that was heard on the line is typed in the app, it is but a tap, whatever the broker says of it.
    """
    return IN_AN_APP[kind] if broker.ciba_binding == "transfer" else APPROVED


def by_app() -> Level:
    """Return the highest level that an approval in one of our brokers' apps can give, NONE without any."""
    worth = current().worth
    kinds = {kind_in_app(broker, kind) for broker in with_app() for kind in broker.acr.values()}
    return max((worth[kind].level for kind in kinds if kind in worth), default=Level.NONE)


def highest() -> Level:
    """Return the highest level that any road of this house leads to: the desk, the keypad, passkeys where browsers
    offer them, and the brokers it has.
    """
    policy = current()
    brokered = {kind for broker in with_login() for kind in broker.acr.values()}
    brokered |= {kind_in_app(broker, kind) for broker in with_app() for kind in broker.acr.values()}
    away = (BROKERED - brokered) | (set() if relying_party.possible() else {PASSKEY})
    here = {kind: worth for kind, worth in policy.worth.items() if kind not in away}
    alone = [worth.level for worth in here.values()]
    return max([*alone, *(rule.level for rule in policy.together if rule.base <= here.keys())], default=Level.NONE)
