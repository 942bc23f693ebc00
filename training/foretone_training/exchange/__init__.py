"""Examples and mappings of other programs: read and written as data, and nothing in them is ever run."""
