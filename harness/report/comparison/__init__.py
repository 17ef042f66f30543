"""Is a gain real? Rows of a table against one of them."""
