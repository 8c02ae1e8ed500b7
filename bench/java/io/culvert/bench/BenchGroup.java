package io.culvert.bench;

import io.culvert.bench.conv.ConvBench;
import io.culvert.bench.ffm.DowncallBench;
import io.culvert.bench.gemm.GemmBench;
import io.culvert.bench.op.OpBench;
import io.culvert.bench.op.OpShape;
import io.culvert.bench.step.StepProcess;
import io.culvert.cli.BenchOptions;
import io.culvert.cli.BenchOptions.Peer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What can be measured, with its cases and its sides. */
enum BenchGroup {
    /** Calling a C function that does next to nothing: of the C library, of oneDNN; of PyTorch through JNI. */
    DOWNCALL(List.of()) {
        @Override
        List<Side> sides(Set<Peer> peers, Settings s) {
            List<Side> sides = new ArrayList<>();
            sides.add(jmh(DowncallBench.class, Map.of("culvert", "downcall"), "culvert", s));
            sides.add(jmh(DowncallBench.class, Map.of("culvertOneDnn", "downcall"), "culvert (oneDNN)", s));
            if (peers.contains(Peer.DJL)) {
                sides.add(jmh(DowncallBench.class, Map.of("djl", "downcall"), "djl", s));
            }
            return sides;
        }
    },

    /** Matrix products {@code m,k,n}: a square one, the projection head's two, a vision transformer's qkv. */
    GEMM(List.of("1024,1024,1024", "128,512,2048", "128,2048,256", "6304,192,576")) {
        @Override
        List<Side> sides(Set<Peer> peers, Settings s) {
            List<Side> sides = new ArrayList<>();
            sides.add(jmh(GemmBench.class, Map.of("culvert", "gemm"), "culvert", s));
            if (peers.contains(Peer.DJL)) {
                sides.add(jmh(GemmBench.class, Map.of("djl", "gemm"), "djl", s));
            }
            if (peers.contains(Peer.PYTORCH)) {
                sides.add(new PyTorchSide("ops.py", List.of(operations("--gemm", s)), s));
            }
            return sides;
        }
    },

    /** The distinct convolutions of ResNet-18 on 64x64 images, batch 128. */
    CONV(List.of(
            "128,64,16,16,64,3,1,1",
            "128,3,64,64,64,7,2,3",
            "128,64,16,16,128,3,2,1",
            "128,64,16,16,128,1,2,0",
            "128,128,8,8,128,3,1,1",
            "128,128,8,8,256,3,2,1",
            "128,256,4,4,256,3,1,1",
            "128,256,4,4,512,3,2,1",
            "128,512,2,2,512,3,1,1")) {
        @Override
        List<Side> sides(Set<Peer> peers, Settings s) {
            List<Side> sides = new ArrayList<>();
            sides.add(jmh(
                    ConvBench.class,
                    Map.of("culvertForward", "conv_forward", "culvertTrain", "conv_train"),
                    "culvert",
                    s));
            if (peers.contains(Peer.DJL)) {
                sides.add(
                        jmh(ConvBench.class, Map.of("djlForward", "conv_forward", "djlTrain", "conv_train"), "djl", s));
            }
            if (peers.contains(Peer.PYTORCH)) {
                List<String> eager = operations("--conv", s);
                List<String> channelsLast = new ArrayList<>(eager);
                channelsLast.add("--channels-last");
                sides.add(new PyTorchSide("ops.py", List.of(eager), s));
                sides.add(new PyTorchSide("ops.py", List.of(channelsLast), s));
            }
            return sides;
        }
    },

    /** Other operations, see {@link OpShape}: as in the steps on 64x64 images of batch 128, and with odd sizes. */
    OP(List.of(
            "batch_norm,128,16,16,64",
            "batch_norm,31,7,9,33",
            "layer_norm,16640,192",
            "layer_norm,197,191",
            "attention,256,65,3,64",
            "attention,128,65,12,16",
            "attention,3,33,5,17",
            "nt_xent,128,256",
            "nt_xent,31,33",
            "barlow_twins,128,2048",
            "byol,128,256",
            "dino,128,2,4096",
            "dino,5,4,1000",
            "mae,128,64,8",
            "mae,3,33,11")) {
        @Override
        List<Side> sides(Set<Peer> peers, Settings s) {
            List<Side> sides = new ArrayList<>();
            sides.add(jmh(
                    OpBench.class, Map.of("culvertForward", "op_forward", "culvertTrain", "op_train"), "culvert", s));
            if (peers.contains(Peer.DJL)) {
                sides.add(jmh(OpBench.class, Map.of("djlForward", "op_forward", "djlTrain", "op_train"), "djl", s));
            }
            if (peers.contains(Peer.PYTORCH)) {
                sides.add(new PyTorchSide("ops.py", List.of(operations("--op", s)), s));
            }
            return sides;
        }
    },

    /** Whole training steps, see {@link io.culvert.bench.step.StepShape}; DJL's zoo has the first model alone. */
    STEP(List.of(
            "resnet18,simclr,128,64",
            "resnet18,simclr,32,224",
            "vit_tiny,simclr,128,64,8",
            "vit_tiny,simclr,32,224,16",
            "vit_tiny,mae,128,64,8",
            "vit_tiny,mae,32,224,16")) {
        @Override
        List<Side> sides(Set<Peer> peers, Settings s) {
            List<Side> cases = new ArrayList<>();
            for (String shape : shapes(s)) {
                boolean resnet = shape.startsWith("resnet18");
                Map<String, List<String>> sides = new LinkedHashMap<>();
                sides.put(Table.CULVERT, java("culvert", shape, s));
                if (peers.contains(Peer.DJL) && resnet) {
                    sides.put("djl", java("djl", shape, s));
                }
                // Channels last is a layout of feature maps: the transformer has none.
                if (peers.contains(Peer.PYTORCH)) {
                    sides.put("pytorch eager", python(shape, s));
                    if (resnet) {
                        sides.put("pytorch channels_last", python(shape, s, "--channels-last"));
                    }
                    if (s.compiles()) {
                        sides.put("pytorch compile", python(shape, s, "--compile"));
                    }
                    if (s.compiles() && resnet) {
                        sides.put("pytorch compile channels_last", python(shape, s, "--compile", "--channels-last"));
                    }
                }
                cases.add(new TakingTurns(shape, sides, s.steps()));
            }
            return cases;
        }

        private List<String> java(String side, String shape, Settings s) {
            List<String> command = new ArrayList<>();
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.addAll(JmhSide.flags(s.threads()));
            command.addAll(List.of("-cp", System.getProperty("java.class.path"), StepProcess.class.getName()));
            command.addAll(List.of(side, shape, Integer.toString(s.warmupStepsOfJvm())));
            return command;
        }

        private List<String> python(String shape, Settings s, String... way) {
            String script = s.home().resolve("bench").resolve("peers").resolve("step.py").toString();
            List<String> command = new ArrayList<>(List.of(
                    s.python(), script, "--shape", shape, "--warmup", "" + s.warmupSteps(), "--threads", "" + s.threads(),
                    "--turns"));
            command.addAll(List.of(way));
            return command;
        }
    };

    private final List<String> allShapes;

    BenchGroup(List<String> allShapes) {
        this.allShapes = allShapes;
    }

    /** Every side in the order in which a round measures them. */
    abstract List<Side> sides(Set<Peer> peers, Settings settings);

    /** The cases; only the first one in a quick run, or the one that was asked for. */
    List<String> shapes(Settings settings) {
        if (!settings.only().isEmpty()) {
            return List.of(settings.only());
        }
        return settings.quick() && !allShapes.isEmpty() ? allShapes.subList(0, 1) : allShapes;
    }

    Side jmh(Class<?> benchmarks, Map<String, String> methods, String side, Settings settings) {
        return new JmhSide(benchmarks, methods, side, shapes(settings), settings);
    }

    List<String> operations(String option, Settings settings) {
        List<String> arguments = new ArrayList<>();
        shapes(settings).forEach(shape -> arguments.addAll(List.of(option, shape)));
        arguments.addAll(List.of("--rounds", "" + settings.samples(), "--seconds", "" + settings.secondsPerSample()));
        return arguments;
    }

    /** The group of an option. */
    static BenchGroup of(BenchOptions.Group group) {
        return switch (group) {
            case DOWNCALL -> DOWNCALL;
            case GEMM -> GEMM;
            case CONV -> CONV;
            case OP -> OP;
            case STEP -> STEP;
        };
    }
}
