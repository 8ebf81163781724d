"""Reading a request's JSON, and refusing what no honest client sends: too much, too deep, or not text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from verification.api.problems import Problem

DEEPEST = 32


class StrictJSON(BaseParser):
    """JSON of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes (413), 32 levels deep, in UTF-8, without lone surrogates."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the parsed value. Raises Problem too-large or ParseError."""
        content = _read(stream, (parser_context or {}).get("request"))
        try:
            value = json.loads(content.decode(), parse_constant=_no_constant)
            _check(value)
        except (ValueError, RecursionError) as error:
            raise ParseError(_("The body is not JSON that we can read.")) from error
        return value


def _read(stream: IO[bytes], request: Request | None) -> bytes:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    declared = request.META.get("CONTENT_LENGTH", "") if request is not None else ""
    if declared.isdecimal() and int(declared) > most:
        raise Problem("too-large")
    content = stream.read(most + 1)
    if len(content) > most:
        raise Problem("too-large")
    return content


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _check(value: Any, depth: int = 0) -> None:
    if depth > DEEPEST:
        raise ValueError("too deep")
    if isinstance(value, str):
        value.encode()  # a lone surrogate raises UnicodeEncodeError, which is a ValueError
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            name.encode()
            _check(item, depth + 1)
