"""The staff shell around the five modules: sign-in, home worklist, patient page."""
