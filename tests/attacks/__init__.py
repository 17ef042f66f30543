"""The program under attack: kills, mutations, forged archives, many writers at once."""
