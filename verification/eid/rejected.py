"""Why an answer of a broker counts for nothing: one code per case, and never a word of what was in it."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """The cases. They go into the log; the caller hears the same words for all of them."""

    STATE = "STATE"  # not the login that we began in this browser
    ISSUER = "ISSUER"  # another broker answered (mix-up, RFC 9207)
    NONCE = "NONCE"  # an answer to another request
    ENCRYPTION = "ENCRYPTION"  # not encrypted for us as agreed
    ALGORITHM = "ALGORITHM"  # signed by another algorithm than agreed
    SIGNATURE = "SIGNATURE"  # not signed by the broker, or altered
    AUDIENCE = "AUDIENCE"  # made out for another client
    EXPIRED = "EXPIRED"  # the answer, or the prompt on the phone, is too old
    NOT_YET = "NOT_YET"  # made, or the person authenticated, in the future
    CLAIMS = "CLAIMS"  # a claim is missing or malformed
    PERSON_ABSENT = "PERSON_ABSENT"  # the claim that identifies the person is not there
    DECLINED = "DECLINED"  # the person said no
    UNKNOWN_PERSON = "UNKNOWN_PERSON"  # the broker knows nobody by this hint; to the caller the same as DECLINED
    LEVEL_UNMET = "LEVEL_UNMET"  # the broker itself says that the level can't be reached
    REPLAYED = "REPLAYED"  # the code or request was used before, or isn't ours
    BINDING_MESSAGE = "BINDING_MESSAGE"  # the broker won't show this message
    PROVIDER = "PROVIDER"  # any other error of the broker
    UNREACHABLE = "UNREACHABLE"  # no answer, or one that makes no sense; may be tried again
    ACR_ABSENT = "ACR_ABSENT"
    ACR_REFUSED = "ACR_REFUSED"  # lower than, or other than, what this broker is trusted for
    ACR_TEST = "ACR_TEST"  # a test value outside the demo
    AUTH_TIME_ABSENT = "AUTH_TIME_ABSENT"
    AUTH_TIME_STALE = "AUTH_TIME_STALE"  # the person authenticated before we asked


class Rejected(Exception):
    """An answer that counts for nothing. `code` says why; `retry` says whether asking again may help."""

    def __init__(self, code: Code) -> None:
        super().__init__(str(code))
        self.code = code

    @property
    def retry(self) -> bool:
        """Tell whether the same step may be tried again: nothing was decided yet."""
        return self.code is Code.UNREACHABLE
