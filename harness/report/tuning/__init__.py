"""What a sweep's trials say: what was chosen, and what more of them would give."""
