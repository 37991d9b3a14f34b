"""The client registry: which source records are the same resident."""
