"""A small issuer in Keycloak's shape, for the demonstration on one machine; it refuses to start in production."""
