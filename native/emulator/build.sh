#!/bin/sh
# Builds the simulated libcuda, libcublasLt, libcublas, libcudnn, libnccl and libcupti that `--device emulator` loads
# instead of NVIDIA's:
#   build.sh FOLDER      writes FOLDER/linux-<machine>/lib*.so*
# Every function of native/symbols/*.txt is exported under NVIDIA's name and jumps through a table, which the emulator
# (io.culvert.emulator) fills with Java functions of the same signature. A jump leaves registers and stack alone, so one
# line serves every signature. Needs a C compiler; without one it says so and builds nothing, and tests that need the
# emulator say that they are skipped.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
folder=${1:?usage: build.sh FOLDER}

compiler=
for candidate in ${CC:-} cc gcc clang; do
    if command -v "$candidate" >/dev/null; then
        compiler=$candidate
        break
    fi
done
if [ -z "$compiler" ]; then
    echo "emulator: no C compiler found (cc, gcc or clang): its libraries are not built" >&2
    exit 0
fi
case $(uname -s)-$(uname -m) in
    Linux-x86_64) machine=x86_64 ;;
    Linux-aarch64) machine=aarch64 ;;
    *)
        echo "emulator: no trampolines for $(uname -s) on $(uname -m): its libraries are not built" >&2
        exit 0
        ;;
esac
out=$folder/linux-$machine
mkdir -p "$out"

trampoline() { # name, slot
    printf '.globl %s\n.type %s, %%function\n%s:\n' "$1" "$1" "$1"
    if [ $machine = x86_64 ]; then
        printf '    jmp *.Ltable+%d(%%rip)\n' $((8 * $2))
    else
        printf '    adrp x16, .Ltable+%d\n    ldr x16, [x16, #:lo12:.Ltable+%d]\n    br x16\n' $((8 * $2)) $((8 * $2))
    fi
}

library() { # symbol list, file name
    newest=$(ls -t "$here/build.sh" "$here/../symbols/$1.txt" | head -n 1)
    if [ -e "$out/$2" ] && [ "$out/$2" -nt "$newest" ]; then
        return
    fi
    names=$(sed -n 's/^--include-function //p' "$here/../symbols/$1.txt")
    {
        echo '.text'
        slot=0
        for name in $names; do
            trampoline "$name" $slot
            slot=$((slot + 1))
        done
        # The names in the order of the table, one NUL-terminated string after the other, then an empty one.
        printf '.section .rodata\n.globl culvert_names\nculvert_names:\n'
        for name in $names; do
            printf '    .asciz "%s"\n' "$name"
        done
        printf '    .byte 0\n.bss\n.balign 8\n.globl culvert_table\nculvert_table:\n.Ltable:\n    .skip %d\n' $((8 * slot))
        printf '.section .note.GNU-stack,"",%%progbits\n'
    } >"$out/$1.s"
    "$compiler" -shared -nostdlib -Wl,-soname,"$2" -o "$out/$2.partial" "$out/$1.s"
    rm "$out/$1.s"
    mv "$out/$2.partial" "$out/$2"
}

library cuda libcuda.so.1
library cublaslt libcublasLt.so.13
library cublas libcublas.so.13
library cudnn libcudnn.so.9
library nccl libnccl.so.2
library cupti libcupti.so.13
