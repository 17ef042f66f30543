"""The open_clip backbone: loading, text features, the traced forward pass."""
