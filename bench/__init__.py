"""Benchmarks: each a module with `run() -> list[Figure]`; `python -m bench [NAME …]` prints figures and machine."""
