#!/usr/bin/env python
"""The entry point in a checkout; `python run_benchmark.py --help` says what it can do."""

from harness.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
