#!/usr/bin/env bash
# The quick start, and tests of kernels, on an emulated 64-bit ARM processor: bash tools/emulated_arm64.sh [FOLDER]
# It needs Debian or Ubuntu on x86-64 with qemu-user-static, pip, and half an hour: an emulated processor is
# ten to fifty times as slow. Debian's Python and PyPI's wheels for aarch64 are unpacked into FOLDER (default: a
# temporary one; 1 GB), and used again if they are there. Nothing is installed, and no privilege is needed.
set -euo pipefail
repository="$(cd "$(dirname "$0")/.." && pwd)"
folder="${1:-}"
if [ -z "$folder" ]; then
    folder="$(mktemp -d)"
    trap 'rm -rf "$folder"' EXIT
fi
mkdir -p "$folder"
folder="$(cd "$folder" && pwd)"
root="$folder/root" site="$folder/site"
command -v qemu-aarch64-static >/dev/null || { echo "install qemu-user-static first"; exit 1; }

# apt with an architecture and a state of its own: the system's packages are neither asked nor changed.
emulated_apt() {
    apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o Dir::State="$folder/apt" \
        -o Dir::State::status="$folder/apt/status" -o Dir::Cache="$folder/apt/cache" \
        -o Debug::NoLocking=1 -o APT::Sandbox::User="$(id -un)" "$@"
}

if [ ! -d "$root" ]; then
    echo "== Python for arm64"
    mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
    : >"$folder/apt/status"
    emulated_apt update
    emulated_apt install --download-only --no-install-recommends -y python3 libstdc++6 libgomp1
    mkdir -p "$root.new/usr/lib" "$root.new/usr/bin"
    ln -s usr/lib "$root.new/lib"
    for package in "$folder"/apt/cache/archives/*.deb; do
        case "$package" in */base-files_* | */usrmerge_* | */usr-is-merged_*) continue ;; esac
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root.new" --keep-directory-symlink
    done
    mv "$root.new" "$root"
fi

python="$root/usr/bin/emulated-python"
real="$(find "$root/usr/bin" -name 'python3.[0-9]*' -type f | head -n 1)"
# Processes that mnistlab starts run sys.executable: this file, which starts the emulator.
printf '#!/bin/sh\nexec nice -n 19 qemu-aarch64-static -L %q -0 %q %q "$@"\n' "$root" "$python" "$real" >"$python"
chmod +x "$python"

if [ ! -d "$site" ]; then
    echo "== wheels for aarch64"
    version="${real##*python}"
    mapfile -t wanted < <(python3 -c '
import sys, tomllib
project = tomllib.load(open(sys.argv[1], "rb"))["project"]
print(*project["dependencies"], "pytest", "pytest-xdist", "hypothesis", sep="\n")' "$repository/pyproject.toml")
    python3 -m pip install --quiet --target "$site.new" --only-binary=:all: --python-version "$version" \
        --platform manylinux2014_aarch64 --platform manylinux_2_17_aarch64 --platform manylinux_2_27_aarch64 \
        --platform manylinux_2_28_aarch64 "${wanted[@]}"
    mv "$site.new" "$site"
fi

export PYTHONPATH="$repository:$site" PYTHONDONTWRITEBYTECODE=1 MPLBACKEND=Agg
export MNISTLAB_CACHE_DIR="$folder/cache" MNISTLAB_RUNS_DIR="$folder/runs"
cd "$repository"
echo "== the machine"
"$python" -c 'import platform; print(platform.machine(), platform.python_version())'
echo "== the quick start"
time "$python" -m mnistlab train configs/quickstart.yaml --no-plots --json | tee "$folder/quickstart.json"
echo "== tests of kernels"
time "$python" -m pytest -q -n 0 -p no:cacheprovider tests/runtime/test_vectors.py tests/blocks/test_dense.py \
    tests/blocks/test_activations.py tests/blocks/test_losses.py
