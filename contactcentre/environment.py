"""Read the settings from the environment, and stop the start on the first value that can't be meant.

Every reader takes a name and a sentence of help, so that the reference for operators is made from the very calls
that read the values. Each NAME may also be given as NAME_FILE, the path of a file whose content is the value.
"""

import base64
import binascii
import contextlib
import difflib
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})
NEEDED = ("SECRET_KEY", "FIELD_KEY")  # without the demo nothing starts without them
OTHERS = frozenset({"HOST", "HOSTNAME", "HOSTTYPE", "SSH_PORT", "REPORT"})


class BadSetting(SystemExit):
    """A setting that can't be used. A SystemExit, so that every entry point ends with this line and no traceback."""


@dataclass(frozen=True)
class Setting:
    """One line of the reference: what can be set, what it means, and what holds when it isn't set."""

    name: str
    kind: str
    default: str
    help: str


class Environment:
    """Hold the values that were given and remember every name that was asked for."""

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        self._given = os.environ if given is None else given
        self.reference: dict[str, Setting] = {}

    def text(self, name: str, default: str = "", *, help: str, shown: str | None = None) -> str:
        """Return the value as it stands; `shown` replaces a default that depends on the machine in the reference."""
        self._remember(name, "text", default if shown is None else shown, help)
        return self._value(name) or default

    def boolean(self, name: str, default: bool = False, *, help: str) -> bool:
        """Return a truth value; anything but 1/0, true/false, yes/no, on/off stops the start."""
        self._remember(name, "boolean", "1" if default else "0", help)
        value = self._value(name).lower()
        if value and value not in TRUE | FALSE:
            raise BadSetting(f"{name} must be 1 or 0, true or false, yes or no, on or off; it is {value!r}.")
        return value in TRUE if value else default

    def integer(self, name: str, default: int, *, low: int, high: int, help: str) -> int:
        """Return a whole number from low to high."""
        self._remember(name, f"integer {low}..{high}", str(default), help)
        value = self._value(name) or str(default)
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise BadSetting(f"{name} must be a whole number from {low} to {high}; it is {value!r}.")
        return int(value)

    def choice(self, name: str, choices: tuple[str, ...], *, help: str) -> str:
        """Return one of the choices; the first is the default."""
        self._remember(name, " | ".join(choices), choices[0], help)
        value = self._value(name) or choices[0]
        if value not in choices:
            raise BadSetting(f"{name} must be one of {', '.join(choices)}; it is {value!r}.")
        return value

    def listing(self, name: str, default: str = "", *, help: str) -> list[str]:
        """Return the parts of a comma-separated value, without blanks."""
        self._remember(name, "list, comma-separated", default, help)
        return [part.strip() for part in (self._value(name) or default).split(",") if part.strip()]

    def url(
        self, name: str, default: str = "", *, schemes: tuple[str, ...], help: str, shown: str | None = None
    ) -> str:
        """Return an address with one of these schemes, no slash at its end; never echoed, it may hold a password."""
        self._remember(name, "url " + " | ".join(schemes), default if shown is None else shown, help)
        value = self._value(name) or default
        if value and urlsplit(value).scheme not in schemes:
            raise BadSetting(f"{name} must be an address that begins with {' or '.join(s + '://' for s in schemes)}.")
        return value.rstrip("/")

    def secret(
        self,
        name: str,
        *,
        help: str,
        kept_in: Path | None = None,
        make: Callable[[], str] | None = None,
        needed: bool = True,
    ) -> str:
        """Return a secret of 16 characters or more; without one, make it once under kept_in, else stop the start."""
        self._remember(name, "secret", "required; made once in the demo" if needed else "", help)
        value = self._value(name)
        if not value and kept_in is not None:
            value = kept(kept_in / name, make or (lambda: secrets.token_urlsafe(48)))
        if not value and needed:
            raise BadSetting(self._missing(name, help))
        if value and len(value) < 16:
            raise BadSetting(f"{name} must have at least 16 characters; it has {len(value)}.")
        return value

    def key(self, name: str, *, help: str, kept_in: Path | None = None) -> bytes:
        """Return 32 random bytes that are given in base64 (standard alphabet, RFC 4648 section 4)."""
        value = self.secret(name, help=help, kept_in=kept_in, make=new_key)
        self._remember(name, "secret, 32 bytes in base64", "required; made once in the demo", help)
        with contextlib.suppress(binascii.Error):
            if len(key := base64.b64decode(value, validate=True)) == 32:
                return key
        raise BadSetting(f"{name} must be 32 bytes in base64; make one with: openssl rand -base64 32")

    def signing_key(self, name: str, *, help: str, kept_in: Path | None = None) -> OKPKey | None:
        """Return a private Ed25519 key given as a JWK (RFC 8037), or None when there is none."""
        value = self.secret(name, help=help, kept_in=kept_in, make=new_signing_key, needed=False)
        self._remember(name, "secret, a private JWK (OKP, Ed25519)", "", help)
        if not value:
            return None
        found = _ed25519(name, value)
        if not found.is_private:
            raise BadSetting(f"{name} must be a private key; it has no member d.")
        return found

    def public_keys(self, name: str, *, help: str) -> list[OKPKey]:
        """Return public Ed25519 keys given as a JWK Set or as a JSON list of JWKs."""
        found = self._keys(name, "JWK Set of public keys (OKP, Ed25519)", help)
        if any(key.is_private for key in found):
            raise BadSetting(f"{name} must hold public keys only; take the member d out.")
        return found

    def signing_keys(self, name: str, *, help: str) -> list[OKPKey]:
        """Return private Ed25519 keys given as a JWK Set or as a JSON list of JWKs."""
        found = self._keys(name, "secret, JWK Set of private keys (OKP, Ed25519)", help)
        if not all(key.is_private for key in found):
            raise BadSetting(f"{name} must hold private keys; one has no member d.")
        return found

    def _keys(self, name: str, kind: str, help: str) -> list[OKPKey]:
        self._remember(name, kind, "", help)
        value = self._value(name)
        try:
            given = json.loads(value) if value else []
        except ValueError:
            raise BadSetting(f"{name} must be a JWK Set, in JSON.") from None
        rows = given.get("keys") if isinstance(given, dict) else given
        if not isinstance(rows, list):
            raise BadSetting(f"{name} must be a JWK Set: an object with a list of keys.")
        return [_ed25519(name, json.dumps(row)) for row in rows]

    def refuse_misspelt(self) -> None:
        """Stop the start when a name that nobody reads looks like one that is read."""
        known = {name + ending for name in self.reference for ending in ("", "_FILE")}
        for name in sorted(set(self._given) - known - OTHERS):
            if near := difflib.get_close_matches(name, known, n=1, cutoff=0.86):
                raise BadSetting(f"{name} is no setting; did you mean {near[0]}?")

    def _remember(self, name: str, kind: str, default: str, help: str) -> None:
        self.reference[name] = Setting(name, kind, default, help)

    def _missing(self, name: str, help: str) -> str:
        """Name every secret that is missing at once, and for one alone what it is for."""
        near = difflib.get_close_matches(name, set(self._given) - set(self.reference), n=1, cutoff=0.86)
        if near:
            return f"{name} is not set (but {near[0]} is): {help}"
        if name in NEEDED and len(all_of_them := [each for each in NEEDED if not self._value(each)]) > 1:
            return f"{' and '.join(all_of_them)} are not set (or DEMO=1 for the demo); docs/settings.md tells of both."
        return f"{name} is not set (or DEMO=1 for the demo): {help}"

    def _value(self, name: str) -> str:
        value, path = self._given.get(name, "").strip(), self._given.get(f"{name}_FILE", "").strip()
        if value and path:
            raise BadSetting(f"{name} and {name}_FILE are both set; keep one of them.")
        if not path:
            return value
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadSetting(f"{name}_FILE can't be read: {path} ({type(error).__name__}).") from None


def new_key() -> str:
    """Return 32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def new_signing_key() -> str:
    """Return a new private Ed25519 key as a JWK."""
    return json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=True))


def _ed25519(name: str, value: str) -> OKPKey:
    """Read one JWK. What was given is never shown: it may be the secret itself."""
    wrong = BadSetting(f"{name} must be a JWK of type OKP on the curve Ed25519, in JSON.")
    try:
        row = json.loads(value)
        if not isinstance(row, dict) or (row.get("kty"), row.get("crv")) != ("OKP", "Ed25519"):
            raise wrong
        key = OKPKey.import_key({part: row[part] for part in ("kty", "crv", "x", "d") if part in row})
        private = OKPKey.import_key(key.as_pem(private=True)) if key.is_private else key
    except (JoseError, ValueError, TypeError, KeyError):
        raise wrong from None
    if private.thumbprint() != key.thumbprint():
        raise BadSetting(f"{name}: its x and its d are not of one key.")
    return key


def kept(path: Path, make: Callable[[], str]) -> str:
    """Return the content of path, made once with mode 0600; two processes that start together get the same."""
    try:
        for folder in (path.parent.parent, path.parent):  # `parents=True` would leave the outer one open to all
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _place(path, make())
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadSetting(f"{path} can't be written or read: {error.strerror}.") from None


def _place(path: Path, content: str) -> None:
    """Write a file of our own and link it into place: whoever comes second fails, and nobody sees half a secret."""
    own = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content + "\n")
        os.link(own, path)
    except FileExistsError:
        pass  # somebody else was first, and his is the one that counts
    finally:
        own.unlink()


SQLITE: dict[str, Any] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000; "
        "PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON;"
    ),
}
# Without recursive_triggers an INSERT OR REPLACE goes round the DELETE triggers; without IMMEDIATE, writers that began
# with a read fail with "database is locked" at once, whatever the timeout.

POSTGRESQL: dict[str, Any] = {
    "application_name": "contactcentre",
    "connect_timeout": 5,
    # Parameters travel beside the statement and the server keeps its plan: a third of what a small statement costs.
    "server_side_binding": True,
    "prepare_threshold": 2,
    "options": "-c idle_in_transaction_session_timeout=60000 -c lock_timeout=7000 -c statement_timeout=60000",
}
# The gate tries twice, the deed and then its refusal: when the log is locked even a telephone webhook, for which the
# provider waits 15 seconds, gets its answer.


def database(name: str, url: str) -> dict[str, Any]:
    """Return Django's description of the database at url (sqlite:///path or postgresql://user:password@host:port/name?sslmode=...)."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "sqlite":
            return {"ENGINE": "django.db.backends.sqlite3", "NAME": unquote(parts.path[1:]), "OPTIONS": dict(SQLITE)}
        return _postgresql(parts.path, parts.username, parts.password, parts.hostname, parts.port, parts.query)
    except ValueError:
        raise BadSetting(f"{name} can't be read as an address.") from None


def _postgresql(
    path: str, user: str | None, password: str | None, host: str | None, port: int | None, query: str
) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(path[1:]),
        "USER": unquote(user or ""),
        "PASSWORD": unquote(password or ""),
        "HOST": host or "",
        "PORT": str(port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**POSTGRESQL, **dict(parse_qsl(query))},
    }
