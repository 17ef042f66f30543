"""How fast the harness is: ratios of two things done in turns, and what bounds them."""
