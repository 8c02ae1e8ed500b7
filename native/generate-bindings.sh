#!/bin/sh
# Regenerates bindings/java/io/culvert/bindings/{dnnl,omp,...} from the C headers with jextract.
#
#   native/generate-bindings.sh [--check] [NAME...]     NAME: dnnl omp leptonica
#
# jextract is found on PATH or in JEXTRACT_HOME (https://jdk.java.net/jextract/; it must use libclang 14 with that
# version's own builtin headers: later ones write Java that does not compile where a header has anonymous structs).
# The headers of oneDNN and leptonica come out of the Maven repository (MAVEN_REPO, default ~/.m2/repository).
# --check writes nothing: it regenerates into a temporary folder and compares.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
java_dir=$root/bindings/java
all="dnnl omp leptonica"
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

includes() { # name
    case $1 in
        dnnl) echo "-I $(jar_headers dnnl)" ;;
        leptonica) echo "-I $(jar_headers leptonica)" ;;
        omp) ;;
        *) fail "unknown name $1, known are: $all" ;;
    esac
}

# Every line of the list must have made something: jextract drops a name that matches nothing without a word.
check_symbols() { # name
    while read -r kind symbol; do
        case $kind in
            --include-function) pattern="class $symbol {" ;;
            --include-constant) pattern=" $symbol()" ;;
            --include-struct|--include-union) pattern="^public class $symbol {" ;;
            --include-typedef) pattern="^    public static final [A-Za-z.]* $symbol = \\|^public class $symbol " ;;
            *) fail "native/symbols/$1.txt: cannot read '$kind $symbol'" ;;
        esac
        grep -rqe "$pattern" "$work/out/io/culvert/bindings/$1" || echo "native/symbols/$1.txt: $kind $symbol matched nothing"
    done <"$root/native/symbols/$1.txt" >"$work/unmatched"
    [ ! -s "$work/unmatched" ] || { cat "$work/unmatched" >&2; fail "$1: symbols that match nothing"; }
}

generate() { # name
    LC_ALL=C sort -cu "$root/native/symbols/$1.txt" || fail "native/symbols/$1.txt is not sorted"
    arguments=$(includes "$1")
    # shellcheck disable=SC2086
    jextract "@$root/native/symbols/$1.txt" $arguments -t "io.culvert.bindings.$1" --output "$work/out" \
        "$root/native/headers/$1.h" 2>"$work/log" || { cat "$work/log" >&2; fail "$1: jextract failed"; }
    if grep -e 'has been excluded' "$work/log" >&2; then fail "$1: add the excluded names to native/symbols/$1.txt"; fi
    check_symbols "$1"
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

status=0
for name in $names; do
    made=$work/out/io/culvert/bindings/$name
    kept=$java_dir/io/culvert/bindings/$name
    if $check; then
        diff -r "$kept" "$made" >"$work/diff" && echo "$name: as generated" \
            || { head -40 "$work/diff"; echo "$name: differs from what the headers give"; status=1; }
    else
        rm -rf "$kept"
        cp -r "$made" "$kept"
        echo "$name: $(cat "$kept"/*.java | wc -l) lines"
    fi
done
exit $status
