"""Receive, journal, and carry each message through the steps to the stores."""
