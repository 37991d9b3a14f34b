"""Who saw or changed what, when, and why: a trail that residents can read and nobody can bend unnoticed."""
