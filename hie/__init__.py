"""The exchange centre: everything between the wire formats and the two stores."""
