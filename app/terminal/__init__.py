"""What the command line alone needs: pages for a person, the service as a process, calls to one that runs."""
