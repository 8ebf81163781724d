"""Measure what the house costs beside what others do; `python -m benchmarks`, or `make bench`."""
