"""How long this room's tables keep what they hold, and what stays because it names nobody."""

from __future__ import annotations

from django.db.models import Q

from audit.retention import expires, stays

PSEUDONYMS = "rows can't be changed; they hold pseudonyms, and what is sealed in them goes with the person's key"
RECORD = "the record of a customer; emptied when he is erased, five years after he has left"

stays("verification.Customer", "verification.ContactChange", "verification.Authenticator", "verification.ListCode",
      "verification.Passkey", kept="evidence", note=RECORD)  # fmt: skip
stays(
    "verification.AuthenticatorEnd", "verification.ClosedAccount", "verification.ContactVeto", "verification.Hold",
    "verification.HoldLift", "verification.ListCodeUse", "verification.Mandate", "verification.MandateEnd",
    "verification.PasskeyEnd", "verification.PasskeyUse",
    kept="evidence", note="belongs to the record of a customer, names him by the row alone",
)  # fmt: skip
stays(
    "verification.Claim", "verification.CodeTry", "verification.DecisionKey", "verification.Evidence",
    "verification.Grant", "verification.NameSearch", "verification.Prompt",
    "verification.PromptEnd", "verification.Proposal", "verification.ProposalEnd", "verification.Refusal",
    "verification.RegisterAnswer", "verification.Signal", "verification.Speaker", "verification.Spent",
    kept="evidence", note=PSEUDONYMS,
)  # fmt: skip
stays(
    "verification.Organisation", "verification.Staff", "verification.StaffChange", "verification.StaffChangeApproval",
    kept="log", note="who of us could do what; an account that is closed keeps its name as long as the log names it",
)  # fmt: skip
stays("verification.Opening", "verification.Tripwire", kept="secret", note="empty between two transactions")
stays("verification.KeypadRoad", kept="trace", note="counts of wrong codes by a keyed hash; goes when he is erased")

expires(
    "verification.Interaction", kept="trace", since="ended_at", only=Q(ended_at__isnull=False),
    empties={"sealed_line": b""}, note="the number that was called from",
)  # fmt: skip
expires(
    "verification.Batch", kept="abandoned", since="prepared_at", empties={"sealed_content": b""},
    note="emptied at once when it is carried in",
)  # fmt: skip
expires("verification.ParkedMatter", kept="secret", since="void_at")
expires("verification.SmsCode", kept="trace", since="sent_at")
expires("verification.PromptToken", kept="trace", since="expires_at")
expires("verification.PromptProgress", kept="trace", since="prompt__expires_at")
expires("verification.BrokerLogin", kept="secret", since="begun_at")
expires("verification.CibaRequest", kept="secret", since="done_at")
expires("verification.AuthenticatorSetup", kept="secret", since="expires_at")
expires("verification.StaffToken", kept="trace", since="expires_at")
expires("verification.Telling", kept="trace", since="done_at")
expires("verification.SeparatingQuestion", kept="trace", since="search__searched_at")
