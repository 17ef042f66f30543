"""Results that travel: archives, their verification, merging."""
