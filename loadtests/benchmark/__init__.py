"""Served by Triptych against in-process and against peers, in one run: `python -m loadtests.benchmark`."""
