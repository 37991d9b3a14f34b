"""One indicator engine for all five modules: a definition, a window, a numerator, a denominator, and the rows."""
