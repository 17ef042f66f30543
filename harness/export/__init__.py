"""Models that leave: a finished run as a folder that open_clip, or transformers, loads."""
