"""The auditor's pages: the list, one contact, one entry, and the proof of an entry as a file.

Each is recorded, and the record committed, before its first byte leaves; the bare list alone, which names nobody that
was asked for, is not.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from audit import explained, proofs, reading, searching, timeline
from audit.log import Tampered, read
from audit.models import Entry, Leaf, SignedCheckpoint
from audit.naming import Staff, said
from audit.reading import Auditor
from audit.search_form import Search
from audit.tiles import Damaged
from audit.words import KINDS, OUTCOMES, in_words

NOTHING = searching.Found([], None, None, cut=False)


def list_page(request: HttpRequest, site: admin.AdminSite) -> HttpResponse:
    """Show the entries that are searched for, newest first, a page at a time."""
    auditor, at = Auditor.of(request), timezone.now()  # noqa: TID251 - a page is an edge
    staff = Staff(auditor.organisation)
    search = Search(request, staff)
    found = NOTHING if search.problems else searching.find(search.asked, auditor.organisation)
    if search.given and not search.problems:
        reading.searched(auditor, search.recorded(), found.entries, at=at, **search.period())
    shown = {
        "title": _("Log"),
        "rows": [_row(entry, staff, search) for entry in found.entries],
        "fields": search.fields(),
        "problems": search.problems,
        "cut": found.cut,
        "older": search.link(before=found.older) if found.older else "",
        "newer": search.link(after=found.newer) if found.newer else "",
        "searched": bool(search.asked.exact or search.asked.since or search.asked.until),
    }
    return TemplateResponse(request, "audit/list.html", {**site.each_context(request), **shown})


def contact_page(request: HttpRequest, site: admin.AdminSite, contact: UUID) -> HttpResponse:
    """Show one contact from ring to outcome."""
    auditor, at = Auditor.of(request), timezone.now()  # noqa: TID251 - a page is an edge
    staff = Staff(auditor.organisation)
    after = request.GET.get("after", "0")
    after_id = int(after) if after.isdecimal() and after.isascii() and len(after) < 19 else 0
    steps, more = timeline.of(str(contact), auditor.organisation, staff, after=after_id)
    if not steps:
        raise Http404
    reading.note(
        auditor, "audit.contact_read", at=at, purpose="An auditor read what happened in a contact",
        facts={"contact": str(contact), "shown": len(steps)},
        subjects={step.entry.subject_ref for step in steps},
    )  # fmt: skip
    shown = {
        "title": _("One contact, from its beginning"),
        "contact": str(contact),
        "steps": steps,
        "more": steps[-1].entry.pk if more else None,
    }
    return TemplateResponse(request, "audit/contact.html", {**site.each_context(request), **shown})


def entry_page(request: HttpRequest, site: admin.AdminSite, entry: Entry) -> HttpResponse:
    """Show one entry with its personal data; that it was opened is an entry about the same person."""
    auditor, at = Auditor.of(request), timezone.now()  # noqa: TID251 - a page is an edge
    personal = entry.payload_ct is not None
    reading.note(
        auditor, "audit.read", at=at, purpose="An auditor checked what was recorded", subjects=[entry.subject_ref],
        facts={"entry": str(entry.uid), "kind": entry.kind, "personal": personal},
    )  # fmt: skip
    envelope = json.loads(bytes(entry.body))
    staff = Staff(auditor.organisation)
    shown = {
        "title": _("Entry %(number)s") % {"number": entry.pk},
        "entry": entry,
        "kind": in_words(entry.kind, KINDS),
        "outcome": in_words(entry.outcome, OUTCOMES),
        "who": staff.name(entry.actor),
        "role": staff.role(entry.actor),
        "action": said("action", envelope["facts"].get("action")),
        "contact": _uuid(envelope["facts"].get("interaction")),
        "envelope": _pretty(envelope),
        "personal": _personal(entry),
        "explained": explained.of(entry),
        "signed": _signed(entry),
    }
    return TemplateResponse(request, "audit/entry.html", {**site.each_context(request), **shown})


def proof_file(request: HttpRequest, entry: Entry) -> HttpResponse:
    """Give the proof of one entry as a file, or say on its page why there is none yet."""
    auditor, at = Auditor.of(request), timezone.now()  # noqa: TID251 - a page is an edge
    try:
        proof = proofs.prove(entry.uid)
    except proofs.NotYet:
        messages.warning(request, _("No signed checkpoint covers this entry yet. Try again in a few seconds."))
        return redirect("admin:audit_entry_change", entry.pk)
    except Damaged:
        messages.error(request, _("This entry, as it stands now, can't be proven. Report this at once."))
        return redirect("admin:audit_entry_change", entry.pk)
    reading.note(
        auditor, "audit.proof_fetched", at=at, purpose="An auditor took out the proof of what was recorded",
        facts={"entry": str(entry.uid), "kind": entry.kind}, subjects=[entry.subject_ref],
    )  # fmt: skip
    answer = HttpResponse(proof, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{entry.uid}.tlog-proof"'
    return answer


def _row(entry: Entry, staff: Staff, search: Search) -> dict[str, Any]:
    facts = json.loads(bytes(entry.body))["facts"]
    return {
        "entry": entry,
        "kind": in_words(entry.kind, KINDS),
        "outcome": in_words(entry.outcome, OUTCOMES),
        "action": said("action", facts.get("action")),
        "who": staff.name(entry.actor),
        "mark": timeline.STANDS_OUT.get(entry.kind, ""),
        "contact": _uuid(facts.get("interaction")),
        "same_subject": search.link(subject_ref=entry.subject_ref),
        "same_actor": search.link(actor=entry.actor),
    }


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(str(text)) if text else None
    except ValueError:
        return None


def _signed(entry: Entry) -> str:
    """Tell how far an entry has come: "waits" for its leaf, "numbered" but not signed, "signed"."""
    leaf = Leaf.of_every_log.filter(entry_id=entry.pk).order_by("-log").first()
    if leaf is None:
        return "waits"
    covers = SignedCheckpoint.of_every_log.filter(log=leaf.log, size__gt=leaf.leaf_index)
    return "signed" if covers.exists() else "numbered"


def _personal(entry: Entry) -> str:
    try:
        personal = read(entry).personal
    except Tampered:
        return _("The stored payload is not the one that was recorded. Report this at once.")
    if personal is None:
        return _("none")
    return _("erased") if personal == "erased" else _pretty(personal)


def _pretty(document: Any) -> SafeString:
    return format_html("<pre>{}</pre>", json.dumps(document, indent=2, ensure_ascii=False))
