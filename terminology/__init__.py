"""Code systems, value sets and concept maps at named releases."""
