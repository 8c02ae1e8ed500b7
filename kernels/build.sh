#!/bin/sh
# Compiles kernels/*.cu to the PTX that ships. `--check` compiles into a temporary folder and compares instead.
# Needs nvcc: from PATH, or from CUDA_HOME/bin. Where ptxas is found as well, each file is assembled for a check.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$here/../src/main/resources/io/culvert/ptx
check=false
case "${1:-}" in
    '') ;;
    --check) check=true ;;
    *) echo "usage: kernels/build.sh [--check]" >&2; exit 2 ;;
esac

tool() {
    command -v "$1" 2>/dev/null && return
    [ -n "${CUDA_HOME:-}" ] && [ -x "$CUDA_HOME/bin/$1" ] && echo "$CUDA_HOME/bin/$1"
}
nvcc=$(tool nvcc) || { echo "kernels/build.sh: no nvcc on PATH or in CUDA_HOME/bin" >&2; exit 1; }
ptxas=$(tool ptxas) || ptxas=

# nvcc names what is local to a file after a hash of the file's path: everybody compiles at the same one.
place=/tmp/culvert-kernels
if command -v flock >/dev/null; then
    # One at a time: another's sources would be compiled here.
    exec 9>"$place.lock"
    flock 9
fi
work=$(mktemp -d)
trap 'rm -rf "$work" "$place"' EXIT
rm -rf "$place"
mkdir "$place"
cp "$here"/*.cu "$here"/*.cuh "$place"
mkdir -p "$out"

# nvcc 13 writes PTX 9.0, which only drivers of CUDA 13 load; nothing here is newer than 8.0. In the .file lines a path
# becomes relative to the repository: the name alone where the file is ours, the toolkit's headers by their base name.
portable() {
    sed -e 's/^\.version [0-9.]*$/.version 8.0/' \
        -e 's|^\([[:space:]]*\.file[[:space:]]*[0-9]* \)"'"$place"'/|\1"kernels/|' \
        -e 's|^\([[:space:]]*\.file[[:space:]]*[0-9]* \)"/.*/\([^/"]*\)"|\1"toolkit/\2"|' \
        -e 's|^\([[:space:]]*\.file[[:space:]]*[0-9]* "[^"]*"\),.*$|\1|'
}

status=0
for source in "$here"/*.cu; do
    name=$(basename "$source" .cu)
    "$nvcc" -arch=compute_80 -lineinfo --ptx -O3 -o "$work/$name.raw" "$place/$name.cu"
    portable <"$work/$name.raw" >"$work/$name.ptx"
    if grep -n '"/' "$work/$name.ptx" >&2; then
        echo "$name.ptx: a path of this machine is left" >&2
        status=1
    fi
    if grep -n 'call\.\|^\.func' "$work/$name.ptx" >&2; then
        echo "$name.ptx: calls a function" >&2
        status=1
    fi
    if [ -n "$ptxas" ]; then
        "$ptxas" -arch=sm_80 -o /dev/null "$work/$name.ptx" || status=1
    fi
    if $check; then
        cmp "$work/$name.ptx" "$out/$name.ptx" || status=1
    else
        cmp -s "$work/$name.ptx" "$out/$name.ptx" || cp "$work/$name.ptx" "$out/$name.ptx"
    fi
done
if $check; then
    for built in "$out"/*.ptx; do
        [ -f "$here/$(basename "$built" .ptx).cu" ] || { echo "$built: has no source" >&2; status=1; }
    done
fi
exit $status
