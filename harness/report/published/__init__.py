"""Figures of the literature beside ours; no torch.

Start with `compare.compare_published`: our tables and the figures of results/published/.
"""
