"""What this machine is, and what disturbs it. Everything is read under a root passed in."""
