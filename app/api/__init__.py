"""The service over HTTP: what comes in is checked here, what goes out is written here, and nothing is decided here."""
