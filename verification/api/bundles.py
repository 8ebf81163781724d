"""The log's entries in bundles of 256, for auditors by token: the part of /log/ that isn't public."""

from __future__ import annotations

from django.db import transaction
from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from audit import mirror, web
from audit.log import record
from audit.tiles import Damaged
from verification.accounts import only_organisation
from verification.api.base import Endpoint
from verification.api.problems import Problem
from verification.models import Staff


class Bundles(Endpoint):
    """One bundle of entries, each after its length in 16 bits (C2SP tlog-tiles)."""

    roles = frozenset({Staff.Role.AUDITOR})

    @extend_schema(exclude=True)
    def get(self, request: Request, n: str, width: str | None = None) -> HttpResponse:
        """Record who reads, then answer. A log that several organisations share is no one organisation's to read."""
        signed = web.newest()
        number, count = web.asked(n, width, standing=signed.size)
        if not only_organisation():
            raise Problem("not-allowed")
        self._record(number, count)
        try:
            return HttpResponse(mirror.bundle(signed.log, number, count), content_type="application/octet-stream")
        except Damaged as error:
            raise Http404 from error

    def _record(self, number: int, count: int) -> None:
        with transaction.atomic():
            record(
                kind="audit.bundle_read", actor=self.by.actor, subject="log", at=self.at, outcome="ok",
                purpose="An auditor took a copy of the log", facts={"bundle": number, "entries": count},
                organisation=str(self.by.organisation_id),
            )  # fmt: skip
