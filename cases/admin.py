"""Where the agents' pages are found. Nothing of a case is listed or edited here: customers are not browsed."""

from __future__ import annotations

from typing import Final

from cases.pages import asking, calling_back, circumstances, claims, doing, interaction, namesakes, proposals, queue
from cases.pages.access import View

pages: Final[tuple[tuple[str, View, str], ...]] = (
    ("queue/", queue.queue, "queue"),
    ("queue/rows/", queue.queue_rows, "queue_rows"),
    ("open/", queue.open_contact, "open_contact"),
    ("calls/", calling_back.listed, "call_backs"),
    ("calls/<uuid:public_id>/", calling_back.opened, "call_back"),
    ("calls/<uuid:public_id>/outcome/", calling_back.settled, "call_back_settled"),
    ("refusals/<uuid:public_id>/", doing.refusal, "refusal"),
    ("proposals/", proposals.waiting, "proposals"),
    ("proposals/<uuid:public_id>/", proposals.proposal, "proposal"),
    ("proposals/<uuid:public_id>/approve/", proposals.approve, "proposal_approve"),
    ("proposals/<uuid:public_id>/reject/", proposals.reject, "proposal_reject"),
    ("<uuid:public_id>/", interaction.interaction, "interaction"),
    ("<uuid:public_id>/take/", queue.take, "take"),
    ("<uuid:public_id>/pulse/", interaction.pulse, "pulse"),
    ("<uuid:public_id>/number/", claims.claim_number, "claim_number"),
    ("<uuid:public_id>/register/<slug:action>/", claims.ask_register, "ask_register"),
    ("<uuid:public_id>/speaker/", claims.add_speaker, "add_speaker"),
    ("<uuid:public_id>/name/", claims.claim_name, "claim_name"),
    ("<uuid:public_id>/namesakes/", namesakes.ask_on_keypad, "ask_on_keypad"),
    ("<uuid:public_id>/record/", interaction.record, "record"),
    ("<uuid:public_id>/language/", interaction.speak, "speak"),
    ("<uuid:public_id>/said/", circumstances.said, "said"),
    ("<uuid:public_id>/resume/", circumstances.resume, "resume"),
    ("<uuid:public_id>/hand-back/", interaction.hand_back, "hand_back"),
    ("<uuid:public_id>/end/", interaction.end, "end"),
    ("<uuid:public_id>/prompt/", asking.ask, "prompt"),
    ("<uuid:public_id>/prompt/in-app/", asking.ask_in_app, "prompt_in_app"),
    ("<uuid:public_id>/prompt/<uuid:prompt>/withdraw/", asking.withdraw, "prompt_withdraw"),
    ("<uuid:public_id>/do/<slug:action>/", doing.do, "do"),
)
