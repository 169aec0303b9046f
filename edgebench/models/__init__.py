"""Model files: which there are, where they come from, and what is made of them."""
