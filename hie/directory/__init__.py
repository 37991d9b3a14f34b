"""The directory: facilities, and the sites that send."""
