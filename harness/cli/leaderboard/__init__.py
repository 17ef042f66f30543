"""``leaderboard``: hand results on, check and take in others'."""
