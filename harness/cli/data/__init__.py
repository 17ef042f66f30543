"""``data``: where to get data sets, verify and import them."""
