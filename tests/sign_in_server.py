"""The demo sign-in on a real socket, for every test that needs tokens."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from hie.access.demo_sign_in.app import create
from hie.settings import Settings


@contextmanager
def sign_in_server(folder: Path, port: int, **changes: Any) -> Iterator[Settings]:
    """The demo sign-in on a real socket."""
    chosen = Settings(data_dir=folder, sign_in_port=port, **changes)
    config = uvicorn.Config(create(chosen), host="127.0.0.1", port=port, log_config=None, ws="none", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        yield chosen
    finally:
        server.should_exit = True
        thread.join(10)
