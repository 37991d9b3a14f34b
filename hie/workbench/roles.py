"""Which roles of the access policy use the workbench, and which of them look into records."""

from __future__ import annotations

from hie.access.policy import policy

SYSTEM, ADMINISTRATOR = "system", "administrator"
STAFF = frozenset(name for name, role in policy().roles.items() if not role.own_record and name != SYSTEM)
READERS = STAFF - {ADMINISTRATOR}
