"""The bench keeps working; what it finds is for the documents."""
