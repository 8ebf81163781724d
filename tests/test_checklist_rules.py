"""Document rules are data: nonsense in them is found at the start, and every word of them is translated."""

import copy
import tomllib
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from visits import checks
from visits.documents import RULES_FILE, NotRules, load, parse
from visits.soundness import problems

WRITTEN = tomllib.loads(RULES_FILE.read_text(encoding="utf-8"))


def changed(change) -> list[str]:
    data = copy.deepcopy(WRITTEN)
    change(data)
    return problems(parse(data))


def group(data, code):
    return next(group for group in data["groups"] if group["code"] == code)


def test_the_rules_as_they_stand_make_sense():
    assert problems(load()) == []
    assert checks.document_rules_make_sense() == []


def drop_the_police(data):
    group(data, "identity")["options"].pop()


def drop_mandate(data):
    data["groups"].remove(group(data, "mandate"))


def drop_company(data):
    data["groups"] = [one for one in data["groups"] if one["code"] not in ("company", "signatories")]


def limit_identity(data):
    group(data, "identity")["when"] = {"citizenship": ["fi"]}


def empty_country(data):
    data["countries"]["finland"] = ["UTO"]
    group(data, "identity")["options"] = [group(data, "identity")["options"][3] | {"when": {}}]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (drop_the_police, "identity: nothing satisfies it for citizenship other, strength full"),
        (drop_mandate, "a person's representation 'mandate' asks for no paper"),
        (drop_company, "a company's representation 'signatory' asks for no paper"),
        (limit_identity, "no group is asked of everybody: somebody could come with nothing"),
        (empty_country, "identity: nothing satisfies it for anybody"),
        (lambda data: group(data, "company").update(options=[]), "company: nothing satisfies it"),
        (lambda data: group(data, "company").update(because=" "), "company has no because"),
        (lambda data: group(data, "company").update(source="hearsay"), "company: there is no source 'hearsay'"),
        (lambda data: group(data, "company").update(when={"kind": ["firm"]}), "company: kind is never 'firm'"),
        (lambda data: group(data, "company").update(when={"mood": ["bad"]}), "company: there is no fact 'mood'"),
        (lambda data: group(data, "company").update(code="mandate"), "there are two groups 'mandate'"),
        (lambda data: group(data, "mandate")["options"][0].update(paper="note"), "there is no paper 'note'"),
        (lambda data: group(data, "mandate")["options"][0].update(despite=["copy"]), "copy is both refused and stood"),
        (lambda data: group(data, "mandate")["options"][0].update(not_accepted=["blue"]), "there is no trait 'blue'"),
        (lambda data: group(data, "company")["options"][0].update(max_age_days=0), "nothing is ever that new"),
        (lambda data: group(data, "identity")["options"][0].update(issuers="mars"), "list of countries 'mars'"),
        (lambda data: group(data, "identity")["options"][0].pop("issuers"), "whose passport is accepted"),
        (lambda data: data["errands"].update(mighty=["refund_to_account"]), "there is no strength 'mighty'"),
        (lambda data: data["errands"]["lesser"].append("refund_to_account"), "refund_to_account has two strengths"),
        (lambda data: data["sources"]["own"].update(certainty="sure"), "'sure' is no certainty"),
        (lambda data: data["countries"].pop("nowhere"), "there is no list `nowhere`"),
    ],
)
def test_nonsense_is_found_and_named(change, found):
    assert any(found in problem for problem in changed(change)), changed(change)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.update(grops=[]),
        lambda data: data.pop("version"),
        lambda data: data.update(groups="none"),
        lambda data: data.update(groups=["identity"]),
        lambda data: group(data, "identity").update(mandtory=False),
        lambda data: group(data, "identity").update(mandatory="no"),
        lambda data: group(data, "company")["options"][0].update(max_age_days=True),
        lambda data: data["papers"]["passport"].pop("expires"),
        lambda data: data["sources"]["own"].update(by="me"),
    ],
)
def test_a_misspelling_never_becomes_a_milder_rule(change):
    with pytest.raises(NotRules):
        changed(change)


def test_a_file_that_is_no_toml_is_told_by_its_name(tmp_path: Path):
    broken = tmp_path / "documents.toml"
    broken.write_text("version = ", encoding="utf-8")
    with pytest.raises(NotRules, match=r"documents\.toml"):
        load(broken)


def test_nonsense_stops_the_start(monkeypatch: pytest.MonkeyPatch):
    data = copy.deepcopy(WRITTEN)
    drop_mandate(data)
    monkeypatch.setattr(checks, "load", lambda: parse(data))
    assert {error.id for error in checks.document_rules_make_sense()} == {"visits.E001"}
    monkeypatch.setattr(checks, "load", lambda: parse({}))
    assert [error.id for error in checks.document_rules_make_sense()] == ["visits.E002"]


def test_an_errand_that_no_action_declares_is_found():
    rules = load()
    named = {action for actions in rules.errands.values() for action in actions} | {"refund_to_new_account"}
    assert problems(rules, declared=named) == []
    assert problems(rules, declared=named - {"refund_to_account"}) == ["refund_to_account is no declared action"]


@pytest.mark.parametrize("language", ["fi", "sv"])
def test_every_word_a_customer_may_read_is_translated(language):
    path = RULES_FILE.parent / "locale" / language / "LC_MESSAGES" / "django.po"
    with path.open("rb") as file:
        translated = {message.id: message.string for message in read_po(file) if not message.fuzzy}
    assert [text for text in sorted(load().msgids()) if not translated.get(text)] == []
