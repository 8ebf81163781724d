"""What a list in the staff's site may be filtered by: what its filters offer, and nothing that an address bar asks for.

Left alone, Django filters a list by any column of its table that the query string names. A column that is masked on
the page, or not on it at all, is then read letter by letter from the number of rows.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

# What Django's own filters add to a column's name: choices and booleans, days, empty values, related rows.
ENDINGS = ("", "__exact", "__gte", "__lt", "__isnull", "__id__exact")


class OfferedFiltersOnly(admin.ModelAdmin):
    """Refuse, with 400 Bad Request, every filter that the list doesn't offer itself."""

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Admit the parameters of list_filter only; a list of ours has no date_hierarchy."""
        offered = self.list_filter if request is None else self.get_list_filter(request)
        return any(lookup in _parameters(each) for each in offered)


def _parameters(offered: Any) -> tuple[str, ...]:
    if isinstance(offered, type) and issubclass(offered, admin.SimpleListFilter):
        return (str(offered.parameter_name),)
    column = offered[0] if isinstance(offered, (tuple, list)) else str(offered)
    return tuple(f"{column}{ending}" for ending in ENDINGS)
