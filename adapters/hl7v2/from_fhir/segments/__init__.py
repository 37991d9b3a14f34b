"""One file a segment, or a group of segments that belong together."""
