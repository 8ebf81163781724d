"""How long this room's tables keep what they hold: no number is in them, only what a call needs to go on."""

from __future__ import annotations

from audit.retention import expires

expires("ivr.TurnReply", kept="secret", since="call__ended_at")
expires("ivr.Call", kept="trace", since="ended_at")
