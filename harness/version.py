"""The version, in the one place that says it: packaging, records and ``--version`` read it here."""

__version__ = "0.1.0"
