#!/bin/sh
# Tries Culvert on a GPU, all of it with one command:
#
#   bench/gpu/run.sh [--device NAME] [--pack FOLDER] [--out FOLDER] [--precisions "NAME ..."] [--models "NAME ..."]
#                    [--minutes N] [PART ...]
#
# The parts, all of them by default, in this order; one that fails does not keep the others from running:
#   doctor     what the machine has, and what it lacks
#   compare    three whole training steps against the CPU's
#   steps      times of our SimCLR steps, of ResNet-18 and ViT-Tiny
#   ops        attention and the losses: times by the GPU's clock, beside what the same GPU's copies and products reach, and PyTorch's
#   peers      times of PyTorch's steps, eager and compiled, if python3 has PyTorch for this GPU
#   verify     every packed vector, with the tolerances of the vectors
#   demo       pictures, pre-training, probe, report
#   memcheck racecheck initcheck    a vector of each op under compute-sanitizer, if there is one
#   ranks      where there are 2 GPUs or more: that N ranks train as one does, and times of a step on 1, 2, 4 and 8 of them, with the
#              same batch on each and with the same batch in all, in the first of --precisions
#   plan       what a step and each operation must do at least, how long that takes by the data sheets of an H100 SXM and an H200, and
#              how many launches a step is; takes no GPU
# Lines that begin with "ratio" and "op" at the end of summary.txt set ours beside PyTorch's.
#
# What tells most comes first: bf16 before tf32 and fp32, 256 images at 224 pixels before 128 at 64, PyTorch eager before compiled.
# Where a GPU is at hand for minutes only: --minutes 12 --precisions bf16 doctor compare steps ops peers. Parts that have not begun
# by then are skipped, one that runs is stopped. None of this ran on a GPU yet, so how long parts take there is not known; the longest to
# expect is PyTorch's max-autotune, minutes a model.
#
# In a checkout with JDK and Maven it packs first (see pack.sh), elsewhere it runs what is packed: in --pack FOLDER, beside
# this script, or in target/culvert-gpu. A machine needs NVIDIA's driver, cuBLAS and cuDNN, for ranks NCCL; no JDK, no network.
# --device emulator does the same without a GPU, at tiny sizes, to try this script; also as CULVERT_DEVICE.
# Results go to --out FOLDER, else $OUT, else results: summary.txt first, machine.txt, parts.jsonl, steps.jsonl, ops.jsonl, plan.txt,
# verify.json, log.txt (what each part printed), report.html.
# Exits with 0 if no part failed, with 1 if one did, with 2 if called wrongly.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
all_parts="doctor compare steps ops peers verify demo memcheck racecheck initcheck ranks plan"
device=${CULVERT_DEVICE:-cuda}
pack=
out=${OUT:-results}
precisions="bf16 tf32 fp32"
models="resnet18 vit_tiny"
deadline=
parts=

usage() { echo "run: error: $*; see --help" >&2; exit 2; }

while [ $# -gt 0 ]; do
    case $1 in
        --device) device=${2:?--device needs a name}; shift 2 ;;
        --pack) pack=${2:?--pack needs a folder}; shift 2 ;;
        --out) out=${2:?--out needs a folder}; shift 2 ;;
        --precisions) precisions=${2:?--precisions needs names}; shift 2 ;;
        --models) models=${2:?--models needs names}; shift 2 ;;
        --minutes)
            case ${2:?--minutes needs a number} in *[!0-9]*) usage "--minutes takes a whole number, not $2" ;; esac
            deadline=$(($(date +%s) + 60 * $2))
            shift 2
            ;;
        -h | --help) sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0" | sed '$d'; exit 0 ;;
        -*) usage "unknown option $1" ;;
        *)
            case " $all_parts " in
                *" $1 "*) parts="$parts $1" ;;
                *) usage "unknown part $1" ;;
            esac
            shift
            ;;
    esac
done
parts=${parts:-$all_parts}
case $device in
    cuda)
        demo_config=configs/demo.yaml
        pictures="--train 2000 --test 1000"
        compare_keys="batch_size=32 data.image_size=64"
        shapes="256,224 128,64"
        rank_shape=256,224
        warmup=10
        steps=30
        attention=attention,512,197,3,64
        losses="nt_xent,256,256 barlow_twins,256,256 byol,256,256 dino,256,2,8192 mae,256,224,16"
        calls=20
        rounds=20
        ;;
    emulator)
        demo_config=configs/demo-emulator.yaml
        pictures="--train 48 --test 24"
        compare_keys="batch_size=8 data.image_size=32"
        shapes="2,16"
        rank_shape=4,16
        warmup=1
        steps=1
        attention=attention,2,5,3,64
        losses="nt_xent,4,8 barlow_twins,4,8 byol,4,8 dino,4,2,40 mae,2,16,8"
        calls=1
        rounds=1
        ;;
    *) usage "unknown device $device; known: cuda, emulator" ;;
esac

archive_in() { # folder
    [ ! -f "$1/culvert.tar.xz" ] || echo "$1/culvert.tar.xz"
}

# Whether this is a checkout that can build: then what is packed must be newer than its sources.
if [ -z "$pack" ] && [ -z "$(archive_in "$here")" ]; then
    pack=$here/target/culvert-gpu
    archive=$(archive_in "$pack")
    root=$here/../..
    if [ -f "$root/pom.xml" ] && command -v mvn >/dev/null; then
        if [ -z "$archive" ] || [ -n "$(find "$root/pom.xml" "$root/bindings/java" "$root/bindings/load" "$root/src/main" \
            "$root/src/test/resources/vectors" "$root/native" "$root/configs" "$here"/*.* "$root/bench/peers" "$root/bench/java" \
            -newer "$archive" 2>/dev/null | head -n 1)" ]; then
            "$here/pack.sh" --out "$pack"
        fi
    fi
fi
pack=${pack:-$here}
archive=$(archive_in "$pack")
[ -n "$archive" ] || usage "$pack holds no culvert.tar.xz: run bench/gpu/pack.sh where there is a JDK, and bring its folder"

unpack() { # folder
    mkdir -p "$1"
    if command -v xz >/dev/null; then
        xz -dc "$archive" | tar -C "$1" -xf -
    elif command -v python3 >/dev/null; then
        python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), sys.stdout.buffer, 1 << 20)' \
            "$archive" | tar -C "$1" -xf -
    else
        usage "neither xz nor python3 is here to unpack $archive: install one of them"
    fi
}

# Unpacked beside the archive, once for each archive; where nothing can be written, into a folder that goes at the end.
temporary=
sum=$(cksum <"$archive" | tr ' ' '-')
content=$pack/content-$sum
if [ ! -f "$content/VERSION" ]; then
    rm -rf "$pack"/content-* 2>/dev/null || true
    if mkdir "$content.part" 2>/dev/null; then
        unpack "$content.part"
        mv "$content.part" "$content"
    else
        temporary=$(mktemp -d)
        trap 'rm -rf "$temporary"' EXIT
        content=$temporary
        unpack "$content"
    fi
fi

mkdir -p "$out"
out=$(cd "$out" && pwd -P)
content=$(cd "$content" && pwd -P)
rm -f "$out/summary.txt" "$out/machine.txt" "$out/parts.jsonl" "$out/steps.jsonl" "$out/ops.jsonl" "$out/plan.txt" "$out/verify.json" "$out/log.txt" \
    "$out/report.html"
work=$(mktemp -d)
trap 'rm -rf "$work" $temporary' EXIT
class_path=
for jar in "$content"/lib/*.jar; do
    class_path=$class_path${class_path:+:}$jar
done
CULVERT_CACHE=$content/cache
export CULVERT_CACHE

java() { # main class or JVM flag, arguments
    "$content/runtime/bin/java" --enable-native-access=ALL-UNNAMED --add-modules jdk.incubator.vector \
        -XX:+UseSerialGC -Xmx3g -Dculvert.home="$content" -cp "$class_path" "$@"
}
# As a command of its own, because timeout and compute-sanitizer start programs, not functions.
{
    echo '#!/bin/sh'
    echo "exec '$content/runtime/bin/java' --enable-native-access=ALL-UNNAMED --add-modules jdk.incubator.vector \\"
    echo "    -XX:+UseSerialGC -Xmx3g -Dculvert.home='$content' -cp '$class_path' \"\$@\""
} >"$work/java"
chmod +x "$work/java"

within() { # seconds, command: stopped when the time is over, where there is a timeout
    if command -v timeout >/dev/null; then
        timeout -k 10 "$@"
    else
        shift
        "$@"
    fi
}

json_string() { printf '"%s"' "$(printf %s "$1" | tr '\n\t' '  ' | sed 's/\\/\\\\/g; s/"/\\"/g')"; }

failed=0
# Runs one part, keeps what it prints, notes how it ended: 75 is skipped, 124 and 137 are time run out.
part() { # name, seconds, command
    name=$1
    limit=$2
    shift 2
    begun=$(date +%s)
    if [ -n "$deadline" ]; then
        if [ "$begun" -ge "$deadline" ]; then
            : >"$work/stdout"
            note "$name" skip 0 "the minutes are over"
            return
        fi
        [ $((deadline - begun)) -ge "$limit" ] || limit=$((deadline - begun))
    fi
    printf '%-10s ...\r' "$name" >&2
    status=0
    within "$limit" "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || status=$?
    took=$(($(date +%s) - begun))
    case $status in
        0) word=pass ;;
        75) word=skip ;;
        124 | 137) word="FAIL (stopped after $limit s)" failed=1 ;;
        *) word="FAIL (exit $status)" failed=1 ;;
    esac
    { echo "==== $name: $word, $took s"; cat "$work/stdout" "$work/stderr"; echo; } >>"$out/log.txt"
    note "$name" "$word" "$took" "$(gist "$word")"
}

# What the part that just ran comes to, in one line.
gist() { # word
    if [ "$1" != pass ]; then
        cat "$work/stdout" "$work/stderr" | grep -v '^[[:space:]]*$' | grep -v '^WARNING' | grep -v '^[[:space:]]*at ' | tail -n 1
    elif grep -q '"images_per_s"' "$work/stdout"; then
        sed -n -e 'h; s/.*"median_s": *\([0-9.eE-]*\).*"images_per_s": *\([0-9]*\.\{0,1\}[0-9]\{0,1\}\).*/\2 images\/s, a step \1 s/p' \
            -e 'g; s/.*"between_steps_s":\([0-9.eE-]*\).*/the device waits \1 s between steps/p' \
            -e 'g; s/.*"jvm_start_to_first_step_s":\([0-9.eE-]*\).*/the first step ends \1 s after the start/p' "$work/stdout" |
            paste -s -d , - | sed 's/,\([^ ]\)/, \1/g'
    elif grep -q '"launches"' "$work/stdout"; then
        sed -n 's/.*"launches":\([0-9]*\).*/\1 kernels, copies and fills/p' "$work/stdout"
    elif grep -q '^{"bench"' "$work/stdout"; then
        echo "$(grep -c '"median_s"' "$work/stdout") measurements"
    elif grep -q '^  "passed"' "$work/stdout"; then
        sed -n 's/^  "\(passed\|failed\|errors\)" : \([0-9]*\).*/\2 \1/p' "$work/stdout" | tr '\n' ' '
    elif grep -q '^{"check"' "$work/stdout"; then
        sed -n 's/.*"loss_error":\([^,]*\),"weight_error":\([^,]*\),.*/worst relative error: losses \1, weights \2/p' "$work/stdout"
    elif grep -q '^GPU ' "$work/stdout"; then
        sed -n 's/^GPU  *//p' "$work/stdout" | head -n 1
    elif grep -q '^AUROC' "$work/stdout"; then
        grep '^AUROC' "$work/stdout"
    else
        tail -n 1 "$work/stdout"
    fi
}

note() { # name, word, seconds, gist
    printf '%-34s %-6s %5s s  %s\n' "$1" "$2" "$3" "$(printf %s "$4" | cut -c 1-220)" | tee -a "$out/summary.txt" >&2
    printf '{"part": %s, "status": %s, "seconds": %s, "gist": %s}\n' \
        "$(json_string "$1")" "$(json_string "$2")" "$3" "$(json_string "$4")" >>"$out/parts.jsonl"
}

keep() { # file of the results
    grep '^{' "$work/stdout" >>"$out/$1" || true
}

machine() {
    echo "date      $(date -u +%Y-%m-%dT%H:%M:%SZ)"
    echo "system    $(uname -srm)"
    echo "processor $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1), $(nproc 2>/dev/null || echo '?') cores"
    sed 's/^/packed    /' "$content/VERSION"
    if command -v nvidia-smi >/dev/null; then
        nvidia-smi --query-gpu=name,driver_version,memory.total,memory.used,clocks.sm,clocks.max.sm,power.limit \
            --format=csv 2>&1 | sed 's/^/gpu       /'
    else
        echo "gpu       no nvidia-smi on PATH"
    fi
    echo "python    $(python3 -c 'import torch; print("torch", torch.__version__, "CUDA", torch.version.cuda, "cuDNN", torch.backends.cudnn.version())' 2>&1 | tail -n 1)"
}
machine >"$out/machine.txt"

# One vector of each operation: the sanitizers slow a kernel down a hundredfold.
one_of_each_op() {
    seen=
    for file in "$content"/vectors/op_*.safetensors "$content"/vectors/loss_*.safetensors "$content"/vectors/opt_*.safetensors; do
        [ -f "$file" ] || continue
        op=$(basename "$file" | sed 's/_[0-9].*//')
        case " $seen " in
            *" $op "*) ;;
            *) seen="$seen $op"; echo "$file" ;;
        esac
    done
}

find_sanitizer() {
    command -v compute-sanitizer || for file in /usr/local/cuda*/bin/compute-sanitizer /opt/nvidia/*/*/bin/compute-sanitizer; do
        [ ! -x "$file" ] || { echo "$file"; break; }
    done
}

sanitizer() { # tool
    tool=$(find_sanitizer)
    if [ "$device" = emulator ]; then
        note "$1" skip 0 "the emulator checks bounds, races and initialisation itself"
    elif [ -z "$tool" ]; then
        note "$1" skip 0 "no compute-sanitizer on PATH or in the CUDA toolkit"
    else
        # shellcheck disable=SC2046
        part "$1" 300 "$tool" --tool "$1" --error-exitcode 9 "$work/java" io.culvert.cli.Main verify --device "$device" \
            $(one_of_each_op)
    fi
}

verify() {
    part verify 420 "$work/java" io.culvert.cli.Main verify --device "$device" --json "$content/vectors"
    cp "$work/stdout" "$out/verify.json"
}

demo() {
    mkdir -p "$work/demo"
    printf 'cd "%s" && exec "%s" io.culvert.cli.Main demo --config "%s" %s device=%s\n' \
        "$work/demo" "$work/java" "$content/$demo_config" "$pictures" "$device" >"$work/demo.sh"
    part demo 420 sh "$work/demo.sh"
    find "$work/demo/runs" -name report.html -exec cp {} "$out" \; 2>/dev/null || true
}

# The side of a patch that suits pictures of a size: 197 tokens at 224 pixels.
patch() { # pixels
    if [ "$1" -ge 224 ]; then echo 16; else echo 8; fi
}

our_steps() {
    for precision in $precisions; do
        for shape in $shapes; do
            for model in $models; do
                part "step $model $shape $precision" 240 "$work/java" io.culvert.bench.step.DeviceStep time \
                    "$content/bench/gpu/step.yaml" $warmup $steps device="$device" precision="$precision" batch_size="${shape%,*}" \
                    data.image_size="${shape#*,}" model.name="$model" model.patch="$(patch "${shape#*,}")"
                keep steps.jsonl
            done
        done
    done
}

# Losses compute in single precision whatever the network does: once is enough.
ops() {
    cases="$attention $losses"
    for precision in $precisions; do
        # shellcheck disable=SC2086
        part "ops $precision" 180 "$work/java" io.culvert.bench.op.DeviceOp time "$device" "$precision" $calls $rounds $cases
        keep ops.jsonl
        if command -v python3 >/dev/null; then
            # shellcheck disable=SC2086
            part "ops PyTorch $precision" 180 python3 "$content/bench/gpu/peer_ops.py" --precision "$precision" \
                --calls $calls --rounds $rounds $cases
            keep ops.jsonl
        fi
        cases=$attention
    done
}

# With the data sheets' rates of an H100 SXM (989 dense bf16 and 67 fp32 TFLOP/s, 3.35 TB/s) and, of steps, an H200 (4.8 TB/s).
plan() {
    for model in $models; do
        for memory in 3.35 4.8; do
            part "plan of a step, $model, $memory TB/s" 120 "$work/java" io.culvert.bench.step.StepPlan \
                "$content/bench/gpu/step.yaml" 989 $memory device=emulator precision=bf16 batch_size=256 data.image_size=224 \
                model.name="$model"
            cat "$work/stdout" >>"$out/plan.txt"
        done
        # How many they are does not depend on the size; counted as they are launched on the emulator, at a tiny one.
        part "launches of a step, $model" 240 "$work/java" io.culvert.bench.step.DeviceStep launches "$content/bench/gpu/step.yaml" \
            1 1 device=emulator precision=bf16 batch_size=2 data.image_size=16 model.name="$model" model.patch=8
        cat "$work/stdout" >>"$out/plan.txt"
    done
    for rate in "bf16 989" "fp32 67"; do
        # shellcheck disable=SC2086
        part "plan of operations, ${rate% *}" 120 "$work/java" io.culvert.bench.op.DeviceOp plan $rate 3.35 attention,512,197,3,64 \
            nt_xent,256,256 barlow_twins,256,256 byol,256,256 dino,256,2,8192 mae,256,224,16
        cat "$work/stdout" >>"$out/plan.txt"
    done
}

# GPUs that this process may use; the emulator has as many as it is asked for.
gpus() {
    if [ "$device" = emulator ]; then
        echo 2
    elif [ -n "${CUDA_VISIBLE_DEVICES:-}" ]; then
        echo "$CUDA_VISIBLE_DEVICES" | tr ',' '\n' | grep -c . || true
    elif command -v nvidia-smi >/dev/null; then
        nvidia-smi -L 2>/dev/null | grep -c '^GPU ' || true
    else
        echo 0
    fi
}

# Times a step on some ranks; adds its images a second to $rates, or nan.
rank_step() { # ranks, images in all
    part "$1 ranks, batch $2 $rank_precision" 300 "$work/java" io.culvert.bench.step.DeviceStep time "$content/bench/gpu/step.yaml" \
        $warmup $steps --ranks "$1" device="$device" batch_size="$2" data.image_size="${rank_shape#*,}" precision="$rank_precision"
    keep steps.jsonl
    rate=$(sed -n 's/.*"images_per_s": *\([0-9.eE+-]*\).*/\1/p' "$work/stdout")
    rates="$rates ${rate:-nan}"
}

# One line: images a second of 1, 2, 4 ... ranks, and how many times one rank's that is.
scaling() { # name
    note "scaling, $1" pass 0 "$(echo "$rates" | awk '{
        for (i = 1; i <= NF; i++) {
            printf "%s%d: %s", (i > 1 ? ", " : "images/s of ranks "), 2 ^ (i - 1), ($i == "nan" ? "failed" : sprintf("%.1f", $i))
            if (i > 1 && $i != "nan" && $1 != "nan") printf " (%.2f times)", $i / $1
        }
    }')"
}

ranks() {
    most=$(gpus)
    if [ "$most" -lt 2 ]; then
        note ranks skip 0 "GPUs here: $most; ranks need one each, at least 2"
        return
    fi
    rank_precision=${precisions%% *}
    counts=
    for count in 2 4 8; do
        [ "$count" -gt "$most" ] || counts="$counts $count"
    done
    for count in $counts; do
        # shellcheck disable=SC2086
        part "$count ranks against one" 420 "$work/java" io.culvert.bench.step.DeviceStep compare "$content/bench/gpu/step.yaml" 1 2 \
            --ranks "$count" device="$device" $compare_keys
    done
    batch=${rank_shape%,*}
    rates=
    rank_step 1 "$batch"
    one=$rates
    for count in $counts; do
        rank_step "$count" $((count * batch))
    done
    scaling "batch $batch a rank"
    rates=$one
    for count in $counts; do
        rank_step "$count" "$batch"
    done
    scaling "batch $batch in all"
}

peers() {
    if ! command -v python3 >/dev/null; then
        note peers skip 0 "no python3"
        return
    fi
    for precision in $precisions; do
        for shape in $shapes; do
            for mode in "" --compile; do
                for model in $models; do
                    # shellcheck disable=SC2086
                    part "PyTorch $model $shape $precision $mode" 420 python3 "$content/bench/gpu/peer.py" --model "$model" \
                        --patch "$(patch "${shape#*,}")" --batch "${shape%,*}" --size "${shape#*,}" --precision "$precision" \
                        --warmup $warmup --steps $steps $mode
                    keep steps.jsonl
                done
            done
        done
    done
}

for wanted in $parts; do
    case $wanted in
        doctor) part doctor 60 "$work/java" io.culvert.cli.Main doctor --device "$device"
            sed 's/^/    /' "$work/stdout" >>"$out/machine.txt" ;;
        verify) verify ;;
        compare)
            # shellcheck disable=SC2086
            part compare 180 "$work/java" io.culvert.bench.step.DeviceStep compare "$content/bench/gpu/step.yaml" 1 2 \
                device="$device" $compare_keys ;;
        demo) demo ;;
        memcheck | racecheck | initcheck) sanitizer "$wanted" ;;
        steps) our_steps ;;
        ranks) ranks ;;
        ops) ops ;;
        peers) peers ;;
        plan) plan ;;
    esac
done
# Python was there if anything is to be set beside ours.
if command -v python3 >/dev/null; then
    python3 "$content/bench/gpu/ratios.py" "$out" | tee -a "$out/summary.txt" >&2
fi
if [ $failed = 0 ]; then
    echo "nothing failed" | tee -a "$out/summary.txt" >&2
else
    echo "SOMETHING FAILED: see log.txt" | tee -a "$out/summary.txt" >&2
fi
echo "run: $out/summary.txt" >&2
exit $failed
