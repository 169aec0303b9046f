"""A static site of records: pages that need nothing but themselves."""
