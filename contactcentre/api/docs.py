"""The API described: an OpenAPI document that reads the declarations, and a page of it for staff."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiJsonRenderer2, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from verification.api import problems
from verification.api.parameters import schema_of
from verification.declarations import all_declared

ATTEMPT = "/api/v1/interactions/{id}/actions/{action}/"


class Generator(SchemaGenerator):
    """Add the parameters of every action that can be asked for in a contact."""

    def get_schema(self, request: Request | None = None, public: bool = False) -> dict[str, Any]:
        """Return the OpenAPI document."""
        schema: dict[str, Any] = super().get_schema(request=request, public=public)  # type: ignore[no-untyped-call]  # untyped library
        live = [declared for declared in all_declared() if declared.origin == "live"]
        named = {f"{declared.name}_parameters": declared for declared in live}
        known = schema["components"]["schemas"]
        known |= {name: schema_of(declared.form) for name, declared in named.items()}
        asked = schema["paths"][ATTEMPT]["post"]
        asked["requestBody"]["content"]["application/json"]["schema"] = {
            "anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in named]
        }
        for parameter in asked["parameters"]:
            if parameter["name"] == "action":
                parameter["schema"] = {"type": "string", "examples": [declared.name for declared in live]}
        _say_problems(schema)
        return schema


def _say_problems(schema: dict[str, Any]) -> None:
    """Say at each operation that whatever is not listed is a problem."""
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for methods in schema["paths"].values():
        for operation in methods.values():
            operation["responses"]["default"] = {"description": "Any other problem.", "content": content}


class Schema(SpectacularAPIView):
    """The OpenAPI 3.1 document: JSON, or YAML for who prefers it. It holds no data, so anybody may read it."""

    generator_class = Generator
    authentication_classes = []
    renderer_classes = [OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer]

    def get_exception_handler(self) -> Any:
        """Answer every error as a problem."""
        return problems.answer

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the document."""
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]  # untyped library
        return response


class Page(SpectacularSwaggerSplitView):
    """The document as a page, for staff who have logged in with both factors."""

    url_name = "api-schema"
    authentication_classes = []
    permission_classes = []

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show it only to those whom the staff's own site lets in."""
        if not admin.site.has_permission(request):
            return redirect_to_login(request.get_full_path())
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response
