"""Who is calling, and what that caller may see: token, scope, purpose, role, consent, labels."""
