#!/bin/sh
# Resolves pyproject.toml into the hash-locked requirements/*.txt, for every platform and Python.
#
#   scripts/lock.sh             add what is new, keep the versions that are locked
#   scripts/lock.sh --upgrade   take the newest versions
#
# The files name no index: which one is asked is the business of the machine (docs/adr/0001-…).
set -eu
cd "$(dirname "$0")/.."

uv=$(scripts/setup.sh uv)

compile() {
    "$uv" pip compile -q --universal --python-version 3.11 --generate-hashes --no-header "$@"
}

compile "$@" pyproject.toml -o requirements/run.txt
compile "$@" pyproject.toml --group dev -c requirements/run.txt -o requirements/test.txt
sed -n 's/^requires = \["\(.*\)"\]$/\1/p' pyproject.toml |
    compile "$@" - -c requirements/test.txt -o requirements/build.txt
echo uv | compile "$@" - -o requirements/uv.txt
