"""The nonsense that document rules can hold, found at the start instead of at the desk."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from visits.documents import ANY_COUNTRY, CERTAINTIES, FACTS, NOWHERE, STRENGTHS, Facts, Group, Option, Rules, applies


def problems(rules: Rules, *, declared: Iterable[str] | None = None) -> list[str]:
    """Find what would fail at the desk: names that lead nowhere, and plans that no set of papers can satisfy.

    `declared` are the names of the actions there are; when given, an errand that is none of them is a problem.
    """
    wrong = [*_wrong_sources(rules), *_wrong_names(rules), *_wrong_errands(rules, declared)]
    # Plans can only be tried out once the names in them mean something.
    wrong += _wrong_marks(rules)
    return wrong or [*_unsatisfiable(rules), *_without_authority(rules)]


def _wrong_sources(rules: Rules) -> Iterator[str]:
    for source in rules.sources.values():
        if source.certainty not in CERTAINTIES:
            yield f"source {source.code}: {source.certainty!r} is no certainty ({', '.join(sorted(CERTAINTIES))})"
    for name, rule in _reasoned(rules):
        if rule.source not in rules.sources:
            yield f"{name}: there is no source {rule.source!r}"
        if not rule.because.strip():
            yield f"{name} has no because"


def _wrong_marks(rules: Rules) -> Iterator[str]:
    """Find what is said of traits and validities that nothing knows."""
    for country, trait in rules.shown.nationality.items():
        if trait not in rules.traits:
            yield f"shown, nationality {country}: there is no trait {trait!r}"
    if not rules.shown.because.strip():
        yield "shown has no because"
    for kind, years in rules.longest.items():
        if kind not in rules.papers or not rules.papers[kind].expires:
            yield f"longest: no paper {kind!r} has a last day"
        yield from (
            f"longest {kind}: {issuer!r} is no country"
            for issuer in years
            if issuer != ANY_COUNTRY and len(issuer) != 3
        )


def _reasoned(rules: Rules) -> Iterator[tuple[str, Group | Option]]:
    for group in rules.groups:
        yield group.code, group
        for option in group.options:
            yield _name(group, option), option


def _wrong_names(rules: Rules) -> Iterator[str]:
    codes = [group.code for group in rules.groups]
    yield from (f"there are two groups {code!r}" for code in sorted({code for code in codes if codes.count(code) > 1}))
    if NOWHERE not in rules.countries:
        yield "countries: there is no list `nowhere`"
    for name, rule in _reasoned(rules):
        yield from (f"{name}: {text}" for text in _wrong_when(rule.when))
        if isinstance(rule, Option):
            yield from (f"{name}: {text}" for text in _wrong_option(rules, rule))


def _wrong_when(when: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for fact, values in when.items():
        if fact not in FACTS:
            yield f"there is no fact {fact!r}"
        else:
            yield from (f"{fact} is never {value!r}" for value in values if value not in FACTS[fact])


def _wrong_option(rules: Rules, option: Option) -> Iterator[str]:
    if option.paper not in rules.papers:
        yield f"there is no paper {option.paper!r}"
    elif rules.papers[option.paper].issuer and option.issuers is None:
        yield f"it doesn't say whose {option.paper} is accepted"
    for trait in (*option.not_accepted, *option.despite):
        if trait not in rules.traits:
            yield f"there is no trait {trait!r}"
    yield from (f"{trait} is both refused and stood" for trait in option.not_accepted if trait in option.despite)
    for countries in filter(None, (option.issuers, option.except_issuers)):
        if countries not in rules.countries and countries != ANY_COUNTRY:
            yield f"there is no list of countries {countries!r}"
    if option.max_age_days is not None and option.max_age_days < 1:
        yield "nothing is ever that new"


def _wrong_errands(rules: Rules, declared: Iterable[str] | None) -> Iterator[str]:
    yield from (f"errands: there is no strength {name!r}" for name in rules.errands if name not in STRENGTHS)
    listed = [action for actions in rules.errands.values() for action in actions]
    yield from (
        f"errands: {action} has two strengths" for action in sorted({one for one in listed if listed.count(one) > 1})
    )
    if declared is None:
        return
    named = {*listed, *(action for group in rules.groups for action in group.actions)}
    yield from (f"{action} is no declared action" for action in sorted(named - set(declared)))


def _unsatisfiable(rules: Rules) -> Iterator[str]:
    if not any(group.mandatory and not group.when and not group.actions for group in rules.groups):
        yield "no group is asked of everybody: somebody could come with nothing"
    for group in rules.groups:
        able = [option for option in group.options if _has_issuer(rules, option)]
        for facts in _combinations(group):
            if applies(group.when, facts) and not any(applies(option.when, facts) for option in able):
                told = ", ".join(f"{fact} {value}" for fact, value in facts.items()) or "anybody"
                yield f"{group.code}: nothing satisfies it for {told}"


def _combinations(group: Group) -> Iterator[dict[str, str]]:
    asked = sorted({fact for when in (group.when, *(option.when for option in group.options)) for fact in when})
    for values in product(*(FACTS[fact] for fact in asked)):
        yield dict(zip(asked, values, strict=True))


def _has_issuer(rules: Rules, option: Option) -> bool:
    if option.issuers in (None, ANY_COUNTRY):
        return option.except_issuers != ANY_COUNTRY
    excepted = rules.countries.get(option.except_issuers or "", frozenset())
    return bool(rules.countries[option.issuers] - excepted - rules.countries[NOWHERE])


def _without_authority(rules: Rules) -> Iterator[str]:
    """Find a representative of whom no paper of his right is asked."""
    mandatory = [group for group in rules.groups if group.mandatory and not group.actions]
    for kind, representation in product(FACTS["kind"], FACTS["representation"]):
        if (kind, representation) in {("person", "self"), ("person", "signatory")}:
            continue  # the first needs none; a signatory's customer is always taken for a company
        facts = {"kind": kind, "representation": representation}
        if not any(_asks_authority(group, facts) for group in mandatory):
            yield f"a {kind}'s representation {representation!r} asks for no paper"


def _asks_authority(group: Group, facts: Facts) -> bool:
    return bool(group.when) and set(group.when) <= set(facts) and applies(group.when, facts)


def _name(group: Group, option: Option) -> str:
    return f"{group.code}, {option.paper}"
