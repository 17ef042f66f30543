"""Tables: mean ± spread over seeds, joins of blocks, further measures, captions."""
