"""From a store to tables and figures; never imports torch."""
