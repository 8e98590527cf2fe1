"""Rule sets: how their documents are read, where their versions are kept, and which one is in force."""
