#!/bin/sh
# Regenerates bindings/java/io/culvert/bindings/NAME from the C headers with jextract.
#
#   native/generate-bindings.sh [--check] [NAME...]     NAME: dnnl omp leptonica cuda cublas cublaslt cudnn nccl nvtx cupti
#
# For each NAME, native/headers/NAME.h includes what to parse and native/symbols/NAME.txt lists what to keep; to bind
# one more C function, add its line there (sorted) and run this. --check writes nothing: it compares, and exits with 1
# if what is committed differs from what the headers give, or the headers from native/toolchain.lock.
#
# jextract is found on PATH or in JEXTRACT_HOME (https://jdk.java.net/jextract/). It must use libclang 14 with that
# version's own builtin headers: later ones write Java that does not compile where a header has anonymous structs.
# Also needed: a JDK of 22 or later (JAVA_HOME or PATH), a C compiler, unzip.
#
# Headers: oneDNN's and leptonica's come out of the Maven repository (MAVEN_REPO, default ~/.m2/repository);
# CUDA's are in CUDA_HOME (default /usr/local/cuda); cuBLAS's, cuDNN's and NCCL's there too, or in CUBLAS_INCLUDE,
# CUDNN_INCLUDE and NCCL_INCLUDE (pip's wheels nvidia-cublas, nvidia-cudnn-cu13 and nvidia-nccl-cu13 hold them).
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
java_dir=$root/bindings/java
all="dnnl omp leptonica cuda cublas cublaslt cudnn nccl nvtx cupti"
maven_repo=${MAVEN_REPO:-$HOME/.m2/repository}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "generate-bindings: $*" >&2; exit 1; }

check=false
if [ "${1:-}" = --check ]; then check=true; shift; fi
names=${*:-$all}

if [ -n "${JEXTRACT_HOME:-}" ]; then PATH=$JEXTRACT_HOME/bin:$PATH; fi
command -v jextract >/dev/null || fail "no jextract on PATH and JEXTRACT_HOME is not set"

# The include folder of a Maven artifact's native jar.
jar_headers() { # artifact
    version=$(sed -n "s|.*<$1.version>\(.*\)</$1.version>.*|\1|p" "$root/pom.xml")
    jar=$maven_repo/org/bytedeco/$1/$version/$1-$version-linux-x86_64.jar
    [ -f "$jar" ] || fail "no $jar: run 'mvn dependency:resolve' first"
    unzip -qo "$jar" "org/bytedeco/$1/linux-x86_64/include/*" -d "$work/$1"
    echo "$work/$1/org/bytedeco/$1/linux-x86_64/include"
}

# The include folders of NAME, one a line.
include_folders() { # name
    cuda=${CUDA_HOME:-/usr/local/cuda}/include
    case $1 in
        dnnl|leptonica) jar_headers "$1" ;;
        omp) ;;
        cuda|nvtx|cupti) echo "$cuda" ;;
        cublas|cublaslt) echo "${CUBLAS_INCLUDE:-$cuda}"; echo "$cuda" ;;
        nccl) echo "${NCCL_INCLUDE:-$cuda}"; echo "$cuda" ;;
        cudnn) echo "${CUDNN_INCLUDE:-$cuda}"; echo "$cuda" ;;
        *) fail "unknown name $1, known are: $all" ;;
    esac
}

# The headers that NAME is parsed from, as toolchain.lock holds them: sha256, NAME, path inside the include folder.
# The system's own (stdint.h ...) are left out: they differ from machine to machine and change nothing here.
header_sums() { # name
    cc -M $(sed 's/^/-I/' "$work/folders") "$root/native/headers/$1.h" | tr -d '\\\n' | tr -s ' ' '\n' >"$work/parsed"
    sort -u "$work/folders" | while read -r folder; do
        grep "^$folder/" "$work/parsed" | while read -r header; do
            echo "$(sha256sum "$header" | cut -d' ' -f1) $1 ${header#"$folder"/}"
        done
    done | LC_ALL=C sort -k2
}

# A function with a body in the header (static inline) gets a binding that fails when called: the object file of a
# program that takes the address of each must leave all of them undefined.
check_linkage() { # name
    sed -n 's/^--include-function //p' "$root/native/symbols/$1.txt" >"$work/functions"
    {
        echo "#include \"$root/native/headers/$1.h\""
        echo 'void *const addresses[] = {'
        sed 's/.*/(void *) &,/' "$work/functions"
        echo '};'
    } >"$work/linkage.c"
    cc -c -w $(sed 's/^/-I/' "$work/folders") -o "$work/linkage.o" "$work/linkage.c" || fail "$1: a listed function is not declared"
    nm -u "$work/linkage.o" | sed 's/^ *U //' | LC_ALL=C sort >"$work/extern"
    LC_ALL=C sort "$work/functions" | LC_ALL=C comm -23 - "$work/extern" >"$work/inline"
    [ ! -s "$work/inline" ] || fail "$1: not exported by any library, but inline in the header: $(tr '\n' ' ' <"$work/inline")"
}

# Every line of the list must have made something: jextract drops a name that matches nothing without a word.
check_symbols() { # name
    sed -nE -e 's/^    (private|public) static class ([A-Za-z0-9_]+) \{$/--include-function \2/p' \
        -e 's/^    public static [A-Za-z.]+ ([A-Za-z0-9_]+)\(\) \{$/--include-constant \1/p' \
        -e 's/^    public static final [A-Za-z.]+ ([A-Za-z0-9_]+) = .*/--include-typedef \1/p' \
        -e 's/^public (final )?class ([A-Za-z0-9_]+) .*/--include-struct \2\n--include-union \2\n--include-typedef \2/p' \
        "$work/out/io/culvert/bindings/$1"/*.java | LC_ALL=C sort -u >"$work/declared"
    LC_ALL=C comm -23 "$root/native/symbols/$1.txt" "$work/declared" >"$work/unmatched"
    [ ! -s "$work/unmatched" ] || { cat "$work/unmatched" >&2; fail "native/symbols/$1.txt: these lines match nothing in the headers"; }
}

generate() { # name
    LC_ALL=C sort -cu "$root/native/symbols/$1.txt" || fail "native/symbols/$1.txt is not sorted"
    include_folders "$1" >"$work/folders"
    # shellcheck disable=SC2046
    jextract "@$root/native/symbols/$1.txt" $(sed 's/^/-I /' "$work/folders") -t "io.culvert.bindings.$1" --output "$work/out" \
        "$root/native/headers/$1.h" 2>"$work/log" || { cat "$work/log" >&2; fail "$1: jextract failed"; }
    if grep -e 'has been excluded' "$work/log" >&2; then fail "$1: add the excluded names to native/symbols/$1.txt"; fi
    check_symbols "$1"
    check_linkage "$1"
    header_sums "$1" >"$work/$1.lock"
    library=io.culvert.bindings.load.NativeLibrary
    constant=$(echo "$1" | tr '[:lower:]' '[:upper:]')
    # Libraries are opened by our loader, at the first call; findOrThrow is of Java 23 and says nothing of the cause.
    for file in "$work/out/io/culvert/bindings/$1"/*.java; do
        sed -i -z -e "s/static final SymbolLookup SYMBOL_LOOKUP = SymbolLookup\.loaderLookup()[[:space:]]*\.or(Linker\.nativeLinker()\.defaultLookup());/static final $library SYMBOL_LOOKUP = $library.$constant;/" \
            -e 's/SYMBOL_LOOKUP\.findOrThrow(/SYMBOL_LOOKUP.symbol(/g' "$file"
        ! grep -qe 'loaderLookup\|findOrThrow' "$file" || fail "$1: $file looks up symbols in a way this script does not know"
    done
}

javac_bin=${JAVA_HOME:+$JAVA_HOME/bin/}javac
for name in $names; do
    generate "$name"
    "$javac_bin" --release 22 -nowarn -proc:none -d "$work/classes" -sourcepath "$java_dir" \
        "$work/out/io/culvert/bindings/$name"/*.java || fail "$name: the generated Java does not compile"
done

lock=$root/native/toolchain.lock
status=0
for name in $names; do
    made=$work/out/io/culvert/bindings/$name
    kept=$java_dir/io/culvert/bindings/$name
    if $check; then
        grep "^[0-9a-f]* $name " "$lock" | diff - "$work/$name.lock" >"$work/diff" \
            || { cat "$work/diff"; echo "$name: the headers are not those of native/toolchain.lock"; status=1; }
        diff -r "$kept" "$made" >"$work/diff" && echo "$name: as generated" \
            || { head -40 "$work/diff"; echo "$name: differs from what the headers give"; status=1; }
    else
        rm -rf "$kept"
        cp -r "$made" "$kept"
        { grep -v "^[0-9a-f]* $name " "$lock"; cat "$work/$name.lock"; } >"$work/lock"
        cp "$work/lock" "$lock"
        echo "$name: $(cat "$kept"/*.java | wc -l) lines"
    fi
done
exit $status
