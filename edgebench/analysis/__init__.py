"""The reading half: numbers out of records. Needs no device, imports nothing that measures."""
