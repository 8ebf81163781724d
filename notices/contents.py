"""What a message says and to whom: sealed under its recipient's own key, so that nobody reads or searches it."""

import json
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from audit import keys


class Contents(NamedTuple):
    """The personal part of one message."""

    address: str
    title: str
    text: str

    @property
    def masked_address(self) -> str:
        """Show enough of the address to tell it from another, and not enough to use it."""
        name, at, domain = self.address.partition("@")
        return f"{name[:1]}•••{at}{domain}" if at else f"{self.address[:4]}•••{self.address[-2:]}"


def seal(contents: Contents, *, subject: str, message: UUID, at: datetime) -> bytes:
    """Encrypt under the subject's key, which is made when there is none yet, for this message and no other."""
    plain = json.dumps(contents._asdict(), ensure_ascii=False).encode()
    return keys.encrypt(keys.subject_key(subject, at=at).secret, plain, context=_context(message))


def unseal(sealed: bytes, *, subject: str, message: UUID) -> Contents:
    """Decrypt what `seal` made; raises audit.keys.Unreadable, also when the subject was erased."""
    key = keys.find(subject)
    if key is None:
        raise keys.Unreadable("the recipient was erased")
    return Contents(**json.loads(keys.decrypt(key.secret, sealed, context=_context(message))))


def _context(message: UUID) -> str:
    return f"notice:{message}"
