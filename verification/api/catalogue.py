"""The list of everything that can be done, as it is declared."""

from __future__ import annotations

from typing import Any

from django.utils import translation
from django.utils.functional import Promise
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from verification.api.base import EVERYONE, Endpoint
from verification.api.parameters import schema_of
from verification.declarations import Declaration, all_declared
from verification.levels import Level
from verification.models import Customer, Staff

LANGUAGES = tuple(Customer.Language.values)


def by_language(text: str | Promise) -> dict[str, str]:
    """Return a text in every language that we speak."""
    said = {}
    for language in LANGUAGES:
        with translation.override(language):
            said[language] = str(text)
    return said


class TextSerializer(serializers.Serializer[Any]):
    """One text in each language."""

    fi = serializers.CharField()
    sv = serializers.CharField()
    en = serializers.CharField()


class LevelField(serializers.ChoiceField):
    """A level of assurance by its name."""

    def __init__(self, **terms: Any) -> None:
        super().__init__(choices=[level.name for level in Level], **terms)


@extend_schema_field(OpenApiTypes.OBJECT)
class SchemaField(serializers.DictField):
    """A JSON Schema."""


class DeclarationSerializer(serializers.Serializer[Declaration]):
    """One action and what it requires. `because` is the reason in plain words."""

    name = serializers.CharField()
    label = TextSerializer()  # type: ignore[assignment]  # DRF takes declared fields off the class
    requires = LevelField()
    because = serializers.CharField()
    origin = serializers.ChoiceField(choices=["live", "batch", "follow"])
    follows = serializers.CharField()
    roles = serializers.ListField(child=serializers.ChoiceField(choices=Staff.Role.choices))
    by_caller = serializers.BooleanField(help_text="The caller may ask for it himself, on the keypad or his own page.")
    needs_claim = serializers.BooleanField()
    scope = serializers.CharField(help_text="The authority that is asked for; empty asks none.")
    largest_age = serializers.IntegerField(allow_null=True, help_text="Seconds that the evidence may be old.")
    not_resting_on = serializers.ListField(child=serializers.CharField())
    second_person = serializers.BooleanField(help_text="Beyond a limit, a second person must decide.")
    protective = serializers.BooleanField()
    reach = serializers.ChoiceField(choices=["local", "outbox"])
    parameters = SchemaField()


def described(declared: Declaration) -> dict[str, Any]:
    """Describe one action for who would ask for it."""
    age = declared.largest_age
    return {
        "name": declared.name,
        "label": by_language(declared.label),
        "requires": declared.required.name,
        "because": declared.because,
        "origin": declared.origin,
        "follows": declared.follows,
        "roles": sorted(declared.roles),
        "by_caller": declared.by_caller,
        "needs_claim": declared.needs_claim,
        "scope": declared.scope,
        "largest_age": int(age.total_seconds()) if age else None,
        "not_resting_on": sorted(declared.not_resting_on),
        "second_person": declared.second_person,
        "protective": declared.protective,
        "reach": declared.reach,
        "parameters": schema_of(declared.form),
    }


class Actions(Endpoint):
    """Everything that is declared. What is not in this list is refused."""

    roles = EVERYONE

    @extend_schema(operation_id="action_list", responses=DeclarationSerializer(many=True), tags=["actions"])
    def get(self, request: Request) -> Response:
        """List the declarations by name."""
        return Response([described(declared) for declared in all_declared()])
