"""The log as the public sees it, under /log/: checkpoint, hash tiles and public keys, as C2SP tlog-tiles lays them out.

Read from the database, so that every web process can answer; only what a signed checkpoint covers is shown. A hash
tells nothing about its entry. The entries themselves are for auditors: verification/api/bundles.py.
"""

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path
from django.views.decorators.http import require_safe

from audit import log_keys, mirror, publishing
from audit.models import SignedCheckpoint, Tree
from audit.tiles import WIDTH, Damaged, Tiles, widths

NUMBER = r"(?P<n>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
FOR_EVER = "public, max-age=31536000, immutable"
FOR_NOW = "public, max-age=1"
TEXT = "text/plain; charset=utf-8"


@require_safe
def checkpoint(_: HttpRequest) -> HttpResponse:
    """Answer with the newest signed checkpoint."""
    return _answer(newest().note.encode(), TEXT, FOR_NOW)


@require_safe
def vkey(_: HttpRequest) -> HttpResponse:
    """Answer with the public keys, one a line, the newest first. Trust those that you were handed, not these."""
    tree = _tree()
    return _answer("".join(f"{key}\n" for key in log_keys.vkeys(tree)).encode(), TEXT, FOR_NOW)


@require_safe
def tile(_: HttpRequest, level: str, n: str, width: str | None = None) -> HttpResponse:
    """Answer with a tile's hashes: all 256, or the first `width` of one that isn't full."""
    signed = newest()
    number, count = asked(n, width, standing=dict(widths(signed.size)).get(int(level), 0))
    try:
        hashes = mirror.tiles_of(Tiles(signed.log), int(level))(number, count)
    except Damaged:
        raise Http404 from None
    return _answer(hashes, "application/octet-stream", FOR_EVER)


def newest() -> SignedCheckpoint:
    """Give the newest signed checkpoint. Raises Http404 while there is none."""
    signed = publishing.latest(_tree().log)
    if signed is None:
        raise Http404
    return signed


def asked(n: str, width: str | None, *, standing: int) -> tuple[int, int]:
    """Read which tile is asked for: number and width. Raises Http404 unless it is within what stands on its level."""
    number, count = int(n.replace("x", "").replace("/", "")), int(width or WIDTH)
    if mirror.name(number) != n or count > WIDTH - bool(width) or number * WIDTH + count > standing:
        raise Http404
    return number, count


def _tree() -> Tree:
    tree = Tree.current()
    if tree is None:
        raise Http404
    return tree


def _answer(content: bytes, kind: str, keep: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=kind)
    answer["Cache-Control"] = keep
    return answer


urlpatterns: list[URLPattern] = [
    path("checkpoint", checkpoint, name="log_checkpoint"),
    path("vkey", vkey, name="log_vkey"),
    re_path(rf"^tile/(?P<level>[0-9]|[1-5][0-9]|6[0-3])/{NUMBER}$", tile, name="log_tile"),
]
