"""One self-contained HTML page of a store: tables, evidence, cost, and the runs behind cells."""
