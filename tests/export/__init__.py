"""Models that leave."""
