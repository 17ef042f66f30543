"""Numbers of the literature beside ours; no torch.

Start with `compare.compare_published`: our tables and the numbers of results/published/.
"""
