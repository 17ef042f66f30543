"""What is asked for: sweep files, the grammar of method calls, plans, figures."""
