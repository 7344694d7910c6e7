"""What the bytes of an item are: signatures, structures, and what else they could be read as."""
