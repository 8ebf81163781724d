"""Who we are to a passkey: the host and the origin of our public address. A passkey works there and nowhere else."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings


def host() -> str:
    """Return the relying party's id: the host of PUBLIC_URL (WebAuthn 3, 5.1.2)."""
    return urlsplit(settings.PUBLIC_URL).hostname or ""


def origin() -> str:
    """Return the one origin from which an answer may come."""
    parts = urlsplit(settings.PUBLIC_URL)
    return f"{parts.scheme}://{parts.netloc}"


def possible() -> bool:
    """Tell whether a browser offers passkeys on our address: over https, or on this machine itself."""
    return settings.PUBLIC_URL.startswith("https://") or host() == "localhost"
