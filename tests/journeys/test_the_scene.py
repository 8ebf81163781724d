"""The scene that everything starts from, from the telephone to the desk, in order. This time nobody loses.

One call, read in order: webhook, interaction, agent's screen, gate, refusal, visit with its list, desk, and the same
action through the same gate. Two processes play: this one serves the pages, a worker of its own does what is due.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import unescape
from uuid import uuid4

import pytest
from django.utils import translation

from audit.models import Entry
from notices.actions import BUNDLE, deliver
from notices.models import Notice
from tests.actions_asked import tell_what_is_due
from tests.cast import Cast, Person
from tests.journeys.people import (
    Pages,
    Screen,
    dial,
    kinds,
    letters_to,
    link_in,
    now,
    on_the_day_of,
    open_office,
    passport_of,
    until,
)
from tests.phone_line import Line
from tests.processes import Worker
from tests.reception import typed
from verification.declarations import declared
from verification.levels import Level
from verification.models import ContactChange, Grant, Interaction, Refusal
from visits.models import Visit

pytestmark = pytest.mark.slow
NEW_HOME = {"street": "Toinen linja 4 B 21", "postal_code": "00530", "town": "Helsinki"}
FOUR = ("saw_paper", "saw_data", "saw_person", "saw_matter")
STORY = [
    "interaction.opened",
    "interaction.language",
    "interaction.waiting",
    "interaction.taken",
    "claim.name_searched",
    "claim.made",
    "gate.refused",
    "gate.granted",  # book_visit
    "gate.granted",  # place_visit, by the worker
    "interaction.ended",
    "visit.item_confirmed",
    "visit.arrived",
    "gate.refused",  # the same thing before his papers were seen
    "evidence.observed",  # the identity list
    "visit.identity_compared",
    "evidence.observed",  # the second clerk
    "visit.matter_read",
    "visit.matter_confirmed",
    "gate.granted",  # change_address
    "visit.complete",
]


@dataclass
class Scene:
    """Where the story stands."""

    cast: Cast
    antti: Person

    def call_in(self) -> Line:
        """Skip the menu: he can't be bothered to find his codes."""
        phone = dial()
        phone.dial().press("1")
        assert "asiakasnumero" in phone.text.casefold()
        phone.press("0#")
        assert phone.queue == "unverified"
        return phone

    def meet_the_agent(self, contact: Interaction) -> Screen:
        """Say the name, which three customers bear, and then the number from a letter: nothing is disclosed."""
        agent = Screen(self.cast, "agent_aino").takes(contact)
        page = agent.sees("interaction", contact.public_id)
        assert "skipped the keypad" in unescape(page)
        agent.sends("claim_name", contact.public_id, given_names="Antti", family_name="Asiakas", capacity="SELF")
        page = unescape(agent.sees("interaction", contact.public_id))
        assert "3 customers bear this name" in page
        for secret in (self.antti.number, self.antti.customer.account, "1949", "customer1000003@example.org"):
            assert secret not in page
        agent.sends("claim_number", contact.public_id, number=self.antti.number, capacity="SELF")
        return agent

    def be_refused(self, agent: Screen, contact: Interaction) -> Refusal:
        """Ask for something personal; hear why not, kindly, and what can be done instead."""
        refusal = agent.is_refused(contact, "change_address", **NEW_HOME)
        assert (refusal.reason, refusal.held, refusal.required) == ("LEVEL", Level.NONE, Level.SUBSTANTIAL)
        assert refusal.ways[0] == "visit", "no code would be enough, so no call back is offered"
        page = unescape(agent.sees("refusal", refusal.public_id))
        assert refusal.said["fi"] in page
        assert "epäil" not in refusal.said["fi"]
        return refusal

    def be_given_a_time(self, agent: Screen, contact: Interaction, refusal: Refusal) -> Visit:
        """Say yes to a visit. A worker finds office and hour, and writes to the recorded contacts in his language."""
        done = agent.asks(contact, "book_visit", refusal=str(refusal.public_id), citizenship="fi")
        assert done.status_code == 200
        visit: Visit = until(lambda: Visit.objects.filter(refusal=refusal).first())
        message = until(lambda: letters_to(self.antti, "visit_booked"))[0]
        assert message.language == visit.language == "fi"
        assert "passi" in message.text.casefold()
        assert "Toinen linja" not in message.text
        return visit

    def prepare(self, visit: Visit) -> None:
        """Open the page behind the link, and confirm item by item what he will bring."""
        browser = Pages(link_in(letters_to(self.antti, "visit_booked")[0]))
        page = browser.comes_in()
        assert "1949" not in page
        paper = visit.items.get(group="identity", code="passport")
        browser.confirms(paper, valid_until="2031-05-01")
        assert paper.confirmations.count() == 1

    def come_to_the_desk(self, visit: Visit, kalle: Screen) -> Interaction:
        """Be received at NONE: having been here last year opens nothing."""
        assert str(visit.public_id) in kalle.sees("visits_today", days=31)
        kalle.sends("visits_step", visit.public_id, "check-in")
        here = visit.desk_interaction
        assert here is not None
        assert "Toinen linja" not in kalle.sees("visits_desk", visit.public_id)
        assert kalle.is_refused(here, "change_address", **NEW_HOME).held == Level.NONE
        return here

    def show_papers(self, visit: Visit, here: Interaction, kalle: Screen) -> None:
        """Have the passport compared by one clerk, and looked at by another from his own login."""
        zone, seen = passport_of(self.antti.customer), dict.fromkeys(FOUR, "on")
        three = dict.fromkeys(FOUR[:3], "on")
        assert kalle.sends("visits_step", visit.public_id, "identity", **typed(zone), **three).status_code == 400
        assert kalle.sends("visits_step", visit.public_id, "identity", **typed(zone), **seen).status_code == 302
        kalle.sends("visits_second_confirm", here.public_id, document="on", person="on")  # his own second: no
        claim = here.speakers.get().claims.get()
        assert claim.evidence.count() == 1
        kerttu = Screen(self.cast, "clerk_kerttu")
        kerttu.sends("visits_second_confirm", here.public_id, document="on", person="on")
        assert claim.evidence.count() == 2

    def have_it_done(self, visit: Visit, here: Interaction, kalle: Screen) -> Grant:
        """Hear his own words read back, say yes, and have the gate asked once more: the same action, the same code."""
        page = unescape(kalle.sees("visits_desk", visit.public_id))
        for words in NEW_HOME.values():
            assert words in page
        nonce = str(uuid4())
        kalle.sends("visits_step", visit.public_id, "carry-out", nonce=nonce)  # not confirmed by the customer
        assert not ContactChange.objects.filter(kind="ADDRESS").exists()
        for _twice in range(2):
            kalle.sends("visits_step", visit.public_id, "carry-out", nonce=nonce, confirmed="on")
        kalle.sends("visits_step", visit.public_id, "finish")
        assert Visit.objects.get().state == Visit.State.DONE
        return Grant.objects.get(interaction=here)

    def is_told(self) -> None:
        """Be told at every recorded contact, by the system; what comes in one breath comes in one message."""
        tell_what_is_due(now())  # the worker's clock still shows the day of the call
        told = Notice.objects.filter(subject=str(self.antti.customer.pseudonym), reference__isnull=False)
        assert {(notice.channel, notice.language) for notice in told} == {("SMS", "sv"), ("EMAIL", "sv")}
        with translation.override("sv"):  # the language of his record; he spoke Finnish on the telephone
            words, after_the_day = str(declared("change_address").told).split("%(day)s")
        for channel in ("SMS", "EMAIL"):
            texts = " ".join(notice.text for notice in told.filter(channel=channel))
            assert words in texts
            assert after_the_day in texts
        for notice in told:
            deliver(notice.pk, at=now() + BUNDLE)
        assert set(told.values_list("state", flat=True)) == {Notice.State.SENT}


@pytest.fixture
def scene(live_cast: Cast, celery_worker_process: Worker) -> Scene:
    """Set the scene: an office, a worker, and Antti without a single code, who is written to in Finnish."""
    open_office(live_cast.organisation)
    return Scene(live_cast, live_cast.antti3)


def test_the_scene_ends_well_for_everybody(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = scene.call_in()
    contact = phone.interaction
    agent = scene.meet_the_agent(contact)
    refusal = scene.be_refused(agent, contact)
    visit = scene.be_given_a_time(agent, contact, refusal)
    phone.leave_queue()
    phone.hang_up()
    scene.prepare(visit)
    on_the_day_of(visit, monkeypatch)
    kalle = Screen(scene.cast, "clerk_kalle")
    here = scene.come_to_the_desk(visit, kalle)
    scene.show_papers(visit, here, kalle)
    done = scene.have_it_done(visit, here, kalle)

    change = ContactChange.objects.get(kind="ADDRESS", customer=scene.antti.customer)
    assert change.value == "Toinen linja 4 B 21, 00530 Helsinki"
    assert (done.action, done.held) == ("change_address", Level.HIGH)
    scene.is_told()
    the_log_tells_it_in_order()


def the_log_tells_it_in_order() -> None:
    """Find the story's kinds in the log, in the story's order, with one entry a decision."""
    told = iter(kinds())
    missing = [kind for kind in STORY if kind not in told]  # an iterator is used up as it is searched: order counts
    assert missing == []
    decided = Entry.objects.filter(kind__startswith="gate.").exclude(kind="gate.malformed")
    assert decided.count() == Grant.objects.count() + Refusal.objects.count()
