"""
The issuer's signing key: made at the first start, readable by its owner alone.

https://www.rfc-editor.org/rfc/rfc7517
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from joserfc.jwk import RSAKey


def load_key(file: Path) -> RSAKey:
    """The RSA key in a file; made where there is none."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not file.exists():
        _make(file)
    pem = file.read_bytes()
    key = RSAKey.import_key(pem)
    kid = hashlib.sha256(key.as_der(private=False)).hexdigest()[:32]
    return RSAKey.import_key(pem, {"kid": kid, "use": "sig", "alg": "RS256"})


def _make(file: Path) -> None:
    aside = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, RSAKey.generate_key(2048).as_pem(private=True))
        os.link(aside, file)
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)
        aside.unlink()
