"""The small programs of the image, as modules."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

IMAGE = Path(__file__).resolve().parents[2] / "docker" / "image"


def program(name: str) -> ModuleType:
    """`docker/image/NAME`, which has no suffix and is in no package."""
    module_name = f"image_{name.replace('-', '_')}"
    loader = importlib.machinery.SourceFileLoader(module_name, str(IMAGE / name))
    spec = importlib.util.spec_from_loader(module_name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module
