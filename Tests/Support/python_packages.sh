#!/usr/bin/env bash
# Installs PyPI packages for tests into DIRECTORY, once: python_packages.sh DIRECTORY PACKAGE...
# Ends with 3, saying so, where they cannot be had.
set -euo pipefail
directory=$1
shift
if [ -e "$directory/.installed" ]; then exit 0; fi
if ! python3 -m pip install --quiet --disable-pip-version-check --no-input --target "$directory" "$@" >&2; then
    echo "python_packages: $* cannot be installed from PyPI here" >&2
    exit 3
fi
touch "$directory/.installed"
