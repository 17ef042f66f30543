"""A static site from stores: pages, tables, archives and a feed, for any host of files."""
