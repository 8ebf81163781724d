"""How long this room's tables keep what they hold, and what stays because it names nobody."""

from __future__ import annotations

from audit.retention import expires, stays

stays(
    "cases.Answer", "cases.CallBack", "cases.CallBackEvent", "cases.Case", "cases.Closing", "cases.Question",
    kept="evidence", note="rows can't be changed; the words in them are emptied when the customer is erased",
)  # fmt: skip
stays(
    "cases.Delivery", "cases.ExportRequest", "cases.Goodwill", "cases.Refund", "cases.RefundStop", "cases.Shipment",
    "cases.Voucher",
    kept="evidence", note="what was given and paid; the words in them are emptied when the customer is erased",
)  # fmt: skip
expires("cases.Export", kept="secret", since="void_at")
