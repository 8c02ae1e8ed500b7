#!/bin/sh
# Packs Culvert for a GPU machine that has no JDK, no Maven and no network:
#
#   bench/gpu/pack.sh [--out FOLDER] [--vectors FOLDER|none] [--vectors-mib N]
#
# FOLDER (bench/gpu/target/culvert-gpu) then holds run.sh, which see, and one archive: a Java runtime, the jars with PTX
# and emulator inside, conformance vectors, configurations and the scripts of the comparison with PyTorch. At most 60 MiB.
#
# Vectors are those of src/test/resources, and as many of a bigger set as fit into N MiB (6), the smallest first: of
# --vectors FOLDER, or of tools/vectors/make.py where python3 has what it needs; none leaves them out.
# The archive is compressed with xz, which a machine without xz reads with Python. Needs a JDK of 22 or later, and Maven if
# Culvert is not built yet.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
out=$here/target/culvert-gpu
vectors=
budget=6
limit_mib=60

fail() { echo "pack: error: $*" >&2; exit 1; }
say() { echo "pack: $*" >&2; }

while [ $# -gt 0 ]; do
    case $1 in
        --out) out=${2:?--out needs a folder}; shift 2 ;;
        --vectors) vectors=${2:?--vectors needs a folder, or none}; shift 2 ;;
        --vectors-mib) budget=${2:?--vectors-mib needs a number}; shift 2 ;;
        -h | --help) sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) fail "unknown argument $1; see --help" ;;
    esac
done
command -v xz >/dev/null || fail "no xz on PATH: install it"

# The launcher builds what is stale, finds the JDK and knows the class path.
command_line=$("$root/culvert" --show-command)
eval "set -- $command_line"
jdk=$(dirname "$(dirname "$1")")
while [ "$1" != -cp ]; do shift; done
class_path=$2
for tool in jlink jar javac; do
    [ -x "$jdk/bin/$tool" ] || fail "$jdk has no $tool: a full JDK is needed, set JAVA_HOME to one"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
content=$work/content
mkdir -p "$content/lib" "$content/bench/gpu" "$content/bench/peers" "$content/configs" "$content/vectors"

# java.desktop reads and writes JPEG; nothing is compressed twice: the archive does it once and better.
say "runtime"
"$jdk/bin/jlink" --add-modules java.desktop,java.management,java.logging,jdk.incubator.vector,jdk.jfr,jdk.management,jdk.unsupported \
    --strip-debug --no-header-files --no-man-pages --compress zip-0 --output "$content/runtime" 2>"$work/jlink.log" ||
    { cat "$work/jlink.log" >&2; fail "jlink failed"; }
if command -v strip >/dev/null; then
    strip --strip-unneeded "$content/runtime/lib/server/libjvm.so"
fi

# A jar anew, uncompressed, without what only a C compiler or JavaCPP could use.
repack() { # jar
    rm -rf "$work/jar"
    mkdir "$work/jar"
    (cd "$work/jar" && "$jdk/bin/jar" --extract --file "$1")
    find "$work/jar" \( -path '*/linux-x86_64/include' -o -path '*/linux-x86_64/lib' -o -path '*/linux-x86_64/share' \) \
        -prune -exec rm -rf {} +
    find "$work/jar" \( -name 'libjni*.so' -o -name '*.a' \) -exec rm -f {} +
    manifest=
    if [ -f "$work/jar/META-INF/MANIFEST.MF" ]; then
        mv "$work/jar/META-INF/MANIFEST.MF" "$work/manifest"
        manifest="--manifest $work/manifest"
    fi
    # shellcheck disable=SC2086
    "$jdk/bin/jar" --create --no-compress --file "$content/lib/$(basename "$1")" $manifest -C "$work/jar" .
}

say "jars"
old_ifs=$IFS
IFS=:
for entry in $class_path; do
    IFS=$old_ifs
    # Nobody is to be told of these runs over a network.
    case $entry in */mlflow-client-* | */duckdb_jdbc-*) continue ;; esac
    repack "$entry"
done
IFS=$old_ifs
"$jdk/bin/javac" -nowarn -d "$work/bench" -cp "$class_path" -sourcepath "$root/bench/java" \
    "$root"/bench/java/io/culvert/bench/step/DeviceStep.java "$root"/bench/java/io/culvert/bench/step/StepPlan.java \
    "$root"/bench/java/io/culvert/bench/op/DeviceOp.java
"$jdk/bin/jar" --create --no-compress --file "$content/lib/culvert-bench.jar" -C "$work/bench" .

cp "$root"/configs/*.yaml "$content/configs"
cp "$here/run.sh" "$here"/*.py "$here/step.yaml" "$content/bench/gpu"
cp "$root/bench/peers/step.py" "$root/bench/peers/ops.py" "$content/bench/peers"
cp "$root"/src/test/resources/vectors/*.safetensors "$content/vectors"

# The bigger set, the smallest files first.
if [ -z "$vectors" ] && python3 -c 'import torch, torchvision, timm, scipy, sklearn' 2>/dev/null; then
    say "vectors: tools/vectors/make.py writes about 1 GB first"
    vectors=$work/vectors
    python3 "$root/tools/vectors/make.py" "$vectors" >&2
elif [ -z "$vectors" ]; then
    say "vectors: only those of the source tree (python3 lacks torch, torchvision, timm, scipy or sklearn)"
    vectors=none
fi
if [ "$vectors" != none ]; then
    left=$((budget * 1024 * 1024))
    find "$vectors" -name '*.safetensors' -exec wc -c {} + | grep -v ' total$' | sort -n >"$work/sizes"
    while read -r bytes file; do
        [ ! -e "$content/vectors/$(basename "$file")" ] || continue
        left=$((left - bytes))
        [ $left -ge 0 ] || break
        cp "$file" "$content/vectors"
    done <"$work/sizes"
fi
say "$(find "$content/vectors" -name '*.safetensors' | wc -l) vectors"

{
    echo "culvert $(git -C "$root" describe --always --dirty 2>/dev/null || echo 'without git')"
    sed -n 's/^JAVA_RUNTIME_VERSION=/java /p' "$jdk/release"
} >"$content/VERSION"

say "archive"
rm -rf "$out"
mkdir -p "$out"
cp "$here/run.sh" "$out"
tar -C "$content" -cf - . | xz -6 -T0 >"$out/culvert.tar.xz"
bytes=$(cat "$out"/* | wc -c)
[ "$bytes" -le $((limit_mib * 1024 * 1024)) ] ||
    fail "$out takes $((bytes / 1024 / 1024)) MiB, more than $limit_mib: lower --vectors-mib"
say "$out, $((bytes / 1024 / 1024)) MiB"
