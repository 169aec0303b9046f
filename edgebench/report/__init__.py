"""What people read: tables and progress. Strings from files are escaped before they are shown."""
