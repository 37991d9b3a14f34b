"""
Feed the parser what breaks parsers: `python -m tests.adapters.fuzz.atheris_parser --minutes 10 --corpus FOLDER`.

Needs the package atheris, which the project does not depend on (`pip install atheris`); coverage leads the search.
A crash leaves its input in the folder; put it into `findings/`, where a test replays it for ever.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).parent
SEEDS = HERE / "seeds.txt"


def seeds() -> list[bytes]:
    """Messages to begin with: of every family, in several character sets, and batches."""
    blocks = SEEDS.read_text("utf-8").strip().split("\n\n")
    texts = ["\r".join(block.splitlines()) + "\r" for block in blocks]
    return [text.encode("gb18030" if "|GB" in text else "utf-8") for text in texts]


def plant(corpus: Path) -> None:
    """The seeds as files, as atheris wants them."""
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number:02}").write_bytes(seed)


def main() -> None:
    """Search for so many minutes."""
    parser = argparse.ArgumentParser(prog="python -m tests.adapters.fuzz.atheris_parser", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--corpus", type=Path, default=Path("var/fuzz-corpus"), help="where inputs are kept")
    parser.add_argument("--longest", type=int, default=4_000, metavar="BYTES", help="the longest input")
    asked = parser.parse_args()
    plant(asked.corpus)

    import atheris

    with atheris.instrument_imports(include=["adapters"]):
        from tests.adapters.fuzz.fuzz_way import GB_SITE, SITE, travel_all

    def one(data: bytes) -> None:
        travel_all(data, GB_SITE if data[-1:] == b"G" else SITE)

    found = f"-artifact_prefix={asked.corpus}/crash-"
    limits = [f"-max_total_time={int(asked.minutes * 60)}", f"-max_len={asked.longest}", "-timeout=20"]
    atheris.Setup([sys.argv[0], str(asked.corpus), found, *limits], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
