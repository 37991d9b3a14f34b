"""One file a family of messages."""
