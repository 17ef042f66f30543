"""Where a model looks: attention and similarity maps of finished runs, and what they measure."""
