#!/bin/sh
# Puts everything that a command of the Makefile needs into this folder, and nothing outside of it.
#
#   scripts/setup.sh run     .venv with what the service needs
#   scripts/setup.sh test    the same and what the tests need; node packages; system packages
#   scripts/setup.sh bench   as test, and the load generator
#   scripts/setup.sh uv      prints the path of a uv, fetched into .tools where there is none
#
# Python packages come hash-checked from requirements/*.txt (docs/adr/0001-hash-locked-requirements.md),
# from whatever index the machine is configured for.  A stamp makes a second run instant.
set -eu
cd "$(dirname "$0")/.."

export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

say() { printf "%s\n" "$@" >&2; }

die() {
    say "$@"
    exit 1
}

# --- Python -------------------------------------------------------------------------------------

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python3.14 python; do
        if is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    if command -v uv >/dev/null 2>&1; then
        uv python find '>=3.11' 2>/dev/null || :
    fi
}

the_one_line() { # how this machine gets a Python that can set up the rest
    if command -v apt-get >/dev/null 2>&1; then
        package=python3-venv
        for version in 3.11 3.12 3.13; do # where python3 is older, another one may be there
            ! apt-cache show "python$version-venv" >/dev/null 2>&1 || package=python$version-venv
        done
        echo "sudo apt-get update && sudo apt-get install -y $package"
    elif command -v dnf >/dev/null 2>&1; then
        echo "sudo dnf install -y python3.12 python3.12-pip"
    elif command -v apk >/dev/null 2>&1; then
        echo "sudo apk add python3 py3-pip"
    elif command -v zypper >/dev/null 2>&1; then
        echo "sudo zypper install -y python312 python312-pip"
    elif command -v brew >/dev/null 2>&1; then
        echo "brew install python@3.13"
    else
        echo "install Python 3.11 or newer with venv, then: make $goal"
    fi
}

has_venv() { "$python" -c 'import venv; from ensurepip import bootstrap' >/dev/null 2>&1; }

has_pip() { "$python" -m pip --version >/dev/null 2>&1; }

uv_in_tools() { # for a Python that has pip but cannot make an environment
    if [ ! -x .tools/bin/uv ] || ! cmp -s requirements/uv.txt .tools/stamp; then
        rm -rf .tools
        "$python" -m pip install -q --target .tools --require-hashes -r requirements/uv.txt >&2 || return 1
        cp requirements/uv.txt .tools/stamp
    fi
    if [ -z "${UV_DEFAULT_INDEX:-}" ]; then # uv does not read pip's configuration
        index=$("$python" -m pip config get global.index-url 2>/dev/null || echo "${PIP_INDEX_URL:-}")
        [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
    fi
}

# --- the environment ----------------------------------------------------------------------------

lock_files() {
    case $1 in
    run) echo requirements/build.txt requirements/run.txt ;;
    test) echo requirements/build.txt requirements/test.txt ;;
    esac
}

stamp_of() { # what must be the same for an environment to be up to date; moving the folder counts
    # shellcheck disable=SC2046
    echo "$1 $(pwd) $({ sed '/^\[tool\./,$d' pyproject.toml && cat $(lock_files "$1"); } | cksum)"
}

is_ready() { # the tests' environment contains the service's
    [ -x .venv/bin/antin ] && .venv/bin/python -c '' 2>/dev/null || return 1
    for kind in "$1" test; do
        [ "$(cat .venv/stamp 2>/dev/null)" != "$(stamp_of "$kind")" ] || return 0
    done
    return 1
}

fill_with_uv() { # $1: the uv to use, $2: run or test
    if ! .venv/bin/python -c '' 2>/dev/null; then
        rm -rf .venv
        "$1" venv -q --python "$python" .venv >&2 || return 1
    fi
    # shellcheck disable=SC2046
    "$1" pip sync -q -p .venv --require-hashes $(lock_files "$2") >&2 &&
        "$1" pip install -q -p .venv --no-deps --no-build-isolation -e . >&2
}

fill_with_pip() { # a new environment each time: pip does not remove what left the lock
    rm -rf .venv
    "$python" -m venv .venv >&2 || return 1
    # shellcheck disable=SC2046
    .venv/bin/python -m pip install -q --require-hashes $(lock_files "$1" | sed 's/requirements/-r &/g') >&2 &&
        .venv/bin/python -m pip install -q --no-deps --no-build-isolation -e . >&2
}

fill() {
    if command -v uv >/dev/null 2>&1; then
        fill_with_uv uv "$1" && return
        say "uv could not do it; trying without"
    fi
    if has_venv; then
        fill_with_pip "$1" && return
    fi
    if has_pip && uv_in_tools; then
        fill_with_uv .tools/bin/uv "$1" && return
    fi
    return 1
}

make_environment() {
    is_ready "$1" && return
    python=$(find_python)
    if [ -z "$python" ]; then
        die "Python 3.11 or newer is missing. Run this, then make again:" "" "    $(the_one_line)"
    fi
    if ! command -v uv >/dev/null 2>&1 && ! has_venv && ! has_pip; then
        die "$python has neither venv nor pip. Run this, then make again:" "" "    $(the_one_line)"
    fi
    say "Setting up Python packages in .venv (once) …"
    rm -f .venv/stamp
    if ! fill "$1"; then
        rm -rf .venv
        die "The Python packages could not be installed; the reason is above."
    fi
    stamp_of "$1" >.venv/stamp
}

# --- system and node packages, for tests --------------------------------------------------------

has_postgresql() {
    command -v initdb >/dev/null 2>&1 && return
    for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
        [ ! -x "$folder/initdb" ] || return 0
    done
    return 1
}

has_browser() {
    for name in chromium chromium-browser google-chrome; do
        ! command -v "$name" >/dev/null 2>&1 || return 0
    done
    return 1
}

has_fonts() { command -v fc-list >/dev/null 2>&1 && [ -n "$(fc-list :lang=vi family)" ]; }

has_liberation() { [ -n "$(fc-list 'Liberation Serif' family 2>/dev/null)" ]; }

has_libreoffice() { command -v soffice >/dev/null 2>&1 || command -v libreoffice >/dev/null 2>&1; }

missing_packages() { # by their Debian names
    command -v redis-server >/dev/null 2>&1 || echo redis-server
    has_postgresql || echo postgresql
    command -v node >/dev/null 2>&1 || echo nodejs
    command -v npm >/dev/null 2>&1 || echo npm
    has_browser || echo chromium
    has_fonts || echo fontconfig fonts-noto-core
    command -v softhsm2-util >/dev/null 2>&1 || echo softhsm2
    command -v openssl >/dev/null 2>&1 || echo openssl
    command -v pdfsig >/dev/null 2>&1 || echo poppler-utils
    command -v qpdf >/dev/null 2>&1 || echo qpdf
    command -v mutool >/dev/null 2>&1 || echo mupdf-tools
    has_libreoffice || echo libreoffice-writer-nogui libreoffice-draw-nogui
    has_liberation || echo fonts-liberation
    [ "$1" != bench ] || command -v wrk >/dev/null 2>&1 || echo wrk
}

install_packages() {
    missing=$(missing_packages "$1" | tr '\n' ' ')
    missing=${missing% }
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null 2>&1 ||
        die "The tests need these, by their Debian names: $missing." "Install them, then: make $goal"
    as_root=
    if [ "$(id -u)" != 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            die "The tests need more system packages. Run this, then make again:" "" \
                "    sudo apt-get update && sudo apt-get install -y $missing"
        fi
        as_root="sudo -n"
    fi
    say "Installing system packages: $missing …"
    # shellcheck disable=SC2086
    {
        $as_root apt-get -qq update >&2 || say "apt-get update failed; trying with the lists there are"
        $as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get -qq install -y --no-install-recommends $missing >&2
    } || die "apt-get could not install: $missing"
}

install_node_packages() {
    [ -f tests/node/package-lock.json ] || return 0
    stamp=tests/node/node_modules/.stamp
    cmp -s tests/node/package-lock.json "$stamp" && return
    say "Setting up node packages in tests/node (once) …"
    (cd tests/node && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >&2) ||
        die "npm ci failed; the reason is above."
    cp tests/node/package-lock.json "$stamp"
}

# ------------------------------------------------------------------------------------------------

goal=${1:-run}
case $goal in
run)
    make_environment run
    ;;
test | bench)
    install_packages "$goal"
    make_environment test
    install_node_packages
    ;;
uv)
    if command -v uv >/dev/null 2>&1; then
        command -v uv
    else
        python=$(find_python)
        [ -n "$python" ] || die "Python 3.11 or newer is missing: $(the_one_line)"
        uv_in_tools
        echo .tools/bin/uv
    fi
    ;;
*)
    die "usage: scripts/setup.sh run|test|bench|uv"
    ;;
esac
