"""Results that leave a machine: one archive with records, predictions and plans."""
