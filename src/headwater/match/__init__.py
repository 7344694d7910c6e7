"""What belongs to what: items against known lists, and against each other."""
