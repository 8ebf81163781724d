"""What an organisation does in a case: open and answer it, tell its state, call back, and give a small voucher.

Effects run in the gate. Money that leaves us is in cases.money_actions.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from cases import call_backs
from cases.models import Answer, CallBack, Case, Closing, Question, Voucher
from cases.promises import due
from verification import guard, words
from verification.declarations import Occasion, Result, action
from verification.forms import NoParameters
from verification.levels import Level
from verification.policy import current

for model in ("Case", "Question", "Answer", "Closing", "CallBack", "Voucher"):
    guard.protect(f"cases.{model}")


class QuestionsForm(forms.Form):
    """The customer's questions in his own words, one a line."""

    questions = forms.CharField(
        label=_("questions, one a line"), max_length=4000, widget=forms.Textarea(attrs={"rows": 4})
    )

    def clean_questions(self) -> list[str]:
        lines = [line.strip() for line in self.cleaned_data["questions"].splitlines() if line.strip()]
        if len(lines) > 20:
            raise ValidationError(_("At most twenty questions."))
        return lines


@action(
    name="open_case",
    label=_("Open a case"),
    required=Level.NONE,
    because="Anyone may ask; nothing personal is said, and the answer goes where the level allows.",
    form=QuestionsForm,
    by_caller=True,
    writes=("cases.Case", "cases.Question"),
)
def open_case(occasion: Occasion) -> Result:
    """Open a case with its questions, owned by who asked at the gate."""
    if occasion.interaction is None:
        raise LookupError("a case without its contact")
    case = Case.objects.create(
        organisation_id=occasion.interaction.organisation_id,
        customer=occasion.customer,
        interaction=occasion.interaction,
        owner=occasion.by,
        opened_at=occasion.at,
    )
    questions = [
        Question.objects.create(case=case, customer=occasion.customer, text=text)
        for text in occasion.parameters["questions"]
    ]
    return {"case": str(case.public_id), "questions": [str(question.public_id) for question in questions]}


class CaseForm(forms.Form):
    """Which case."""

    case = forms.UUIDField(label=_("case"))


class AnswerForm(forms.Form):
    """An answer to one question, or the reason why it is declined."""

    question = forms.UUIDField(label=_("question"))
    text = forms.CharField(label=_("answer"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))
    declined = forms.BooleanField(label=_("declined, with the reason above"), required=False)


class NotOfThisContact(LookupError):
    """Tell that a case or question isn't this customer's, or isn't there; the two are not told apart."""


def _case_here(occasion: Occasion, **wanted: Any) -> Case:
    """Find a case of this very contact, or of its customer."""
    found = Case.objects.filter(**wanted).first()
    if found is None or not _belongs(found, occasion):
        raise NotOfThisContact
    return found


def _belongs(case: Case, occasion: Occasion) -> bool:
    if case.interaction_id == occasion.grant.interaction_id:
        return case.customer_id == occasion.grant.customer_id
    proven = occasion.grant.held >= Level.LOW  # a mere claim opens no case of an earlier contact
    return proven and case.customer_id is not None and case.customer_id == occasion.grant.customer_id


@action(
    name="answer_question",
    label=_("Answer a question"),
    required=Level.NONE,
    because="General advice needs no identity; what is personal is disclosed by an action of its own.",
    form=AnswerForm,
    writes=("cases.Answer",),
)
def answer_question(occasion: Occasion) -> Result:
    """Write the answer, or the reason for declining, beside its question."""
    case = _case_here(occasion, questions__public_id=occasion.parameters["question"])
    question = case.questions.get(public_id=occasion.parameters["question"])
    Answer.objects.create(
        question=question,
        customer=occasion.customer,
        declined=occasion.parameters["declined"],
        text=occasion.parameters["text"],
        answered_at=occasion.at,
        answered_by=occasion.by,
    )
    return {"case": str(case.public_id), "state": case.state}


class Unanswered(RuntimeError):
    """Refuse to close a case while a question is neither answered nor declined."""


@action(
    name="close_case",
    label=_("Close a case"),
    required=Level.NONE,
    because="A case ends when what was asked has been answered, or declined with a reason; the database sees to it.",
    form=CaseForm,
    writes=("cases.Closing",),
)
def close_case(occasion: Occasion) -> Result:
    """Close a case whose questions are all settled. Raises Unanswered."""
    case = _case_here(occasion, public_id=occasion.parameters["case"])
    if case.unanswered().exists():
        raise Unanswered
    Closing.objects.create(case=case, customer=occasion.customer, closed_at=occasion.at)
    return {"case": str(case.public_id), "state": Case.State.CLOSED}


@action(
    name="tell_case_state",
    label=_("Tell the state of a case"),
    matter=_("State of your case"),
    required=Level.LOW,
    because=(
        "That a case exists is already something of the customer's; a code from him is enough to hear how far it is."
    ),
    form=NoParameters,
    needs_claim=True,
    needs_customer=True,
    scope="own matter",
    by_caller=True,
)
def tell_case_state(occasion: Occasion) -> Result:
    """Return the state of the customer's newest case, and nothing of what it is about."""
    newest = Case.objects.filter(customer=occasion.served).order_by("-opened_at").first()
    return {"state": newest.state if newest else "NO_CASE", "case": str(newest.public_id) if newest else None}


@action(
    name="request_callback",
    label=_("Ask for a call back to the recorded number"),
    required=Level.NONE,
    because="The call goes to the number on record, so a stranger gains nothing; answering it proves nothing either.",
    form=NoParameters,
    by_caller=True,
    writes=("cases.CallBack",),
)
def request_callback(occasion: Occasion) -> Result:
    """Promise a call to the recorded number. The answer is the same when there is no such customer.

    Its two words are told to who asks, here and now, and never sent: whoever calls in our name says them first.
    """
    return _promised(occasion, CallBack.About.MATTER)


@action(
    name="request_home_visit",
    label=_("Ask for a call to agree on how we come to him"),
    required=Level.NONE,
    because="The call goes to the number on record; where we meet is agreed with who answers and proves himself.",
    form=NoParameters,
    by_caller=True,
    writes=("cases.CallBack",),
)
def request_home_visit(occasion: Occasion) -> Result:
    """Promise a call to the recorded number, in which it is agreed on how we come to him. As a call back otherwise."""
    return _promised(occasion, CallBack.About.HOME_VISIT)


def _promised(occasion: Occasion, about: str) -> Result:
    if occasion.interaction is None:
        raise LookupError("a call back without its contact")
    phrase = " ".join(words.pair(occasion.language))
    promised = CallBack(
        customer=occasion.customer,
        interaction=occasion.interaction,
        about=about,
        promised_at=occasion.at,
        due_at=due(occasion.at),
    )
    promised.sealed_phrase = call_backs.sealed(promised, phrase)
    promised.save(force_insert=True)
    return {"call_back": str(promised.public_id), "due_at": promised.due_at.isoformat(), "phrase": phrase}


class VoucherForm(forms.Form):
    """A voucher against a receipt of our own, for a fault of our own."""

    receipt = forms.RegexField(r"^[A-Za-z0-9-]{4,40}$", label=_("receipt number"))
    amount = forms.IntegerField(label=_("amount in cents"), min_value=1)
    fault = forms.CharField(label=_("what went wrong"), max_length=200, min_length=5)

    def clean_amount(self) -> int:
        amount: int = self.cleaned_data["amount"]
        if amount > current().voucher_most:
            raise ValidationError(_("More than a small voucher may be. A larger sum is goodwill or a refund."))
        return amount

    def clean_receipt(self) -> str:
        receipt: str = self.cleaned_data["receipt"].upper()
        if Voucher.objects.filter(receipt=receipt).exists():
            raise ValidationError(_("A voucher has been given against this receipt already."))
        return receipt


@action(
    name="small_voucher",
    label=_("Give a small voucher for our own fault"),
    required=Level.NONE,
    because="A lunch that lacked its vegetables needs no bank ID: no cash, no record opened, one receipt, a small sum.",
    form=VoucherForm,
    writes=("cases.Voucher",),
)
def small_voucher(occasion: Occasion) -> Result:
    """Give the voucher. The receipt binds it, so the same fault is made good once."""
    if occasion.interaction is None:
        raise LookupError("a voucher without its contact")
    given = Voucher.objects.create(
        customer=occasion.customer,
        interaction=occasion.interaction,
        receipt=occasion.parameters["receipt"],
        amount=occasion.parameters["amount"],
        currency=current().currency,
        fault=occasion.parameters["fault"],
        given_at=occasion.at,
    )
    return {"voucher": str(given.public_id), "amount": given.amount, "currency": given.currency}
