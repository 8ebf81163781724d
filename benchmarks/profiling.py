"""Where the time of an operation goes: the dearest functions by their own time, and by all that they call."""

from __future__ import annotations

import cProfile
import io
import pstats
from collections.abc import Sequence

from benchmarks.measuring import Operation

OURS = r"/(audit|notices|verification|cases|ivr|contactcentre)/"


def profile(operations: Sequence[Operation], lines: int = 45) -> str:
    """Run the operations under cProfile and return three tables; the times include the profiler's own."""
    profiler = cProfile.Profile()
    profiler.enable()
    for operation in operations:
        operation()
    profiler.disable()
    out = io.StringIO()
    stats = pstats.Stats(profiler, stream=out)
    stats.sort_stats("cumulative").print_stats(OURS, lines)
    stats.sort_stats("cumulative").print_stats(lines)
    stats.sort_stats("tottime").print_stats(lines)
    return out.getvalue()
