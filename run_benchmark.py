#!/usr/bin/env python
"""The only entry point; `python run_benchmark.py --help` says what it can do."""

from harness.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
