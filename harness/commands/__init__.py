"""What the verbs do; `harness.cli` holds their options."""
