"""One machine: the embedded database and the child processes, started, watched and stopped together."""
