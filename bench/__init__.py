"""The benchmark: mentions in, one of ten answered, everything durable, on the path that a user's daemon takes.

`python -m bench` (or `make bench`) runs it; `docs/performance.md` says what is measured and what came out.
"""
