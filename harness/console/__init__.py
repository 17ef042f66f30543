"""What every verb shows: progress, durations, widths."""
