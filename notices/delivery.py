"""Carry one message out of the house: into the outbox folder, by e-mail, or by SMS.

Repeating a delivery is safe in the outbox (the same file is written again). A mail server or Twilio may deliver a
message twice when a worker dies between their yes and our mark; the mail then has the same Message-ID.
"""

import os
from pathlib import Path
from smtplib import SMTPException

import httpx
from django.conf import settings
from django.core.mail import EmailMessage

from audit.keys import Unreadable
from notices.contents import Contents
from notices.models import Notice

TIMEOUT = 10  # seconds
TWILIO = "https://api.twilio.com/2010-04-01/Accounts/{sid}/Messages.json"


class NotDelivered(Exception):
    """Tell that a message didn't leave; `code` says why and holds nothing personal."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def deliver(notice: Notice) -> None:
    """Deliver one message by the road that the settings give its channel; raises NotDelivered."""
    by_mail = settings.NOTICE_BACKEND == "mail"
    try:
        contents = notice.opened()
        if by_mail and notice.channel == Notice.Channel.EMAIL:
            _by_mail(notice, contents)
        elif by_mail and notice.channel == Notice.Channel.SMS and settings.TWILIO_ACCOUNT_SID:
            _by_twilio(contents)
        else:
            _into_outbox(notice, contents)
    except Unreadable:
        raise NotDelivered("UNREADABLE") from None
    except (OSError, SMTPException, httpx.HTTPError) as failure:
        # Their texts repeat the address, so only the kind of failure is kept.
        raise NotDelivered(type(failure).__name__) from None


def outbox() -> Path:
    """Give the folder that messages are written into."""
    return Path(settings.DATA_DIR) / "outbox" / "notices"


def _into_outbox(notice: Notice, contents: Contents) -> None:
    folder = outbox()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Each worker has its own scratch file; the last rename wins, with the same content.
    scratch = folder / f".{notice.public_id}.{os.getpid()}.{notice.attempts}"
    with open(os.open(scratch, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(_readable(notice, contents))
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(folder / f"{notice.public_id}.txt")


def _readable(notice: Notice, contents: Contents) -> str:
    return (
        f"To: {contents.address}\nChannel: {notice.channel}\nLanguage: {notice.language}\nAbout: {notice.about}\n"
        f"Date: {notice.created_at:%Y-%m-%dT%H:%M:%SZ}\nSubject: {contents.title}\n\n{contents.text}\n"
    )


def _by_mail(notice: Notice, contents: Contents) -> None:
    headers = {
        "Message-ID": f"<{notice.public_id}@{settings.FROM_ADDRESS.rpartition('@')[2]}>",
        "Auto-Submitted": "auto-generated",  # RFC 3834: keeps holiday answers away
        "Content-Language": notice.language,
    }
    EmailMessage(contents.title, contents.text, to=[contents.address], headers=headers).send()


def _by_twilio(contents: Contents) -> None:
    answer = httpx.post(
        TWILIO.format(sid=settings.TWILIO_ACCOUNT_SID),
        auth=(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN),
        data={"To": contents.address, "From": settings.IVR_NUMBER, "Body": contents.text},
        timeout=TIMEOUT,
    )
    if answer.status_code >= 400:
        raise NotDelivered(f"TWILIO_{answer.status_code}")
