"""Samples, splits, transforms and the decoded cache."""
