package io.culvert.cli;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.culvert.CulvertException;
import io.culvert.emulator.ptx.DeviceMemory;
import io.culvert.emulator.ptx.PtxKernel;
import io.culvert.safetensors.SafetensorsFile;
import io.culvert.safetensors.StoredTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Model.UsageMessageSpec;

/** A kernel's arguments as the command line writes them, placed in simulated memory. */
final class KernelArguments {
    /** The grammar, for {@code --help}. */
    private static final String[] HELP = {
        "",
        "ARG, one for each parameter of the kernel, in its order:",
        "  5   0.5   i32:-5   f32:-0.5   a number, of the parameter's type or as named",
        "  null                          the address 0",
        "  buf:f32:1024                  unwritten elements: to read one is a fault",
        "  zero:f32:1024                 zeros",
        "  iota:i32:100                  0, 1, 2, ...",
        "  rand:f32:1024[:SEED]          from [-1, 1); integers from [0, 128)",
        "  values:f32:1,2,3              these; integers may be 0x3f800000",
        "  file:PATH[:TYPE]              a file's bytes; TYPE is for --print",
        "  PATH.safetensors#NAME         a tensor of a file",
        "  same:0                        the buffer of argument 0 once more",
        "  bytes:0a0b...   file:PATH     a structure passed by value",
        "TYPE: u8 i8 u16 i16 u32 i32 u64 i64 f16 bf16 f32 f64",
    };

    /** Shows the grammar in the help of the commands that run a kernel. */
    static void explain(CommandLine kernels) {
        for (String command : List.of("run", "profile")) {
            UsageMessageSpec usage = kernels.getSubcommands().get(command).getCommandSpec().usageMessage();
            usage.footer(Stream.concat(Arrays.stream(HELP), Arrays.stream(usage.footer())).toArray(String[]::new));
        }
    }

    /**
     * Memory that was made for an argument.
     *
     * @param text as the user wrote it
     * @param before its bytes before the kernel ran
     */
    record Buffer(String text, long address, ElementType type, long bytes, byte[] before) {
        long count() {
            return bytes / type.bytes;
        }
    }

    private final DeviceMemory memory;
    private final byte[] packed;
    private final List<Buffer> buffers = new ArrayList<>();

    /**
     * Reads one text for each parameter.
     *
     * @throws CulvertException (usage) for a text that is malformed or does not fit its parameter
     */
    KernelArguments(PtxKernel kernel, List<String> texts, DeviceMemory memory) {
        this.memory = memory;
        packed = new byte[kernel.parameterBytes()];
        List<PtxKernel.Parameter> parameters = kernel.parameters();
        if (texts.size() != parameters.size()) {
            throw CulvertException.usage(
                    "%s takes %d arguments (%s), got %d",
                    kernel.name(),
                    parameters.size(),
                    parameters.stream().map(PtxKernel.Parameter::type).collect(Collectors.joining(" ")),
                    texts.size());
        }
        for (int i = 0; i < texts.size(); i++) {
            try {
                place(parameters.get(i), texts.get(i));
            } catch (CulvertException e) {
                if (e.kind() != CulvertException.Kind.USAGE) {
                    throw e;
                }
                throw CulvertException.usage(
                        "argument %d of %s, '%s': %s", i, kernel.name(), texts.get(i), e.getMessage());
            }
        }
    }

    /** The parameter block. */
    byte[] packed() {
        return packed;
    }

    /** One for each argument; null for those that are no buffer. */
    List<Buffer> buffers() {
        return buffers;
    }

    private void place(PtxKernel.Parameter parameter, String text) {
        boolean structure = parameter.type().equals("b8") && parameter.bytes() > 1;
        String kind = text.contains(":") ? text.substring(0, text.indexOf(':')) : "";
        Buffer buffer = null;
        if (structure || kind.equals("bytes")) {
            structure(parameter, text);
        } else if (text.equals("null")) {
            requirePointer(parameter);
            put(parameter, 0);
        } else if (kind.isEmpty() && !text.contains("#")) {
            put(parameter, typeOf(parameter, text).bits(text));
        } else if (ElementType.named(kind) != null) {
            scalar(parameter, ElementType.named(kind), text.substring(kind.length() + 1));
        } else {
            requirePointer(parameter);
            buffer = buffer(kind, text);
            put(parameter, buffer.address);
        }
        buffers.add(buffer);
    }

    private static void requirePointer(PtxKernel.Parameter parameter) {
        if (!parameter.type().endsWith("64") || parameter.type().startsWith("f")) {
            throw CulvertException.usage("the parameter is a .%s, not an address", parameter.type());
        }
    }

    /** The type that a bare number has: the parameter's; of untyped bits as it is written. */
    private static ElementType typeOf(PtxKernel.Parameter parameter, String text) {
        String type = parameter.type();
        boolean real = type.startsWith("f") || type.startsWith("b") && text.matches("[-+.0-9eE]*[.eE][-+.0-9eE]*");
        String width = type.replaceAll("\\D", "");
        return ElementType.named((real ? "f" : text.startsWith("-") ? "i" : "u") + width);
    }

    private void scalar(PtxKernel.Parameter parameter, ElementType type, String number) {
        boolean untyped = parameter.type().startsWith("b");
        if (type.bytes != parameter.bytes() || !untyped && type.real() != parameter.type().startsWith("f")) {
            throw CulvertException.usage("the parameter is a .%s", parameter.type());
        }
        put(parameter, type.bits(number));
    }

    private void put(PtxKernel.Parameter parameter, long bits) {
        for (int i = 0; i < parameter.bytes(); i++) {
            packed[parameter.offset() + i] = (byte) (bits >>> Byte.SIZE * i);
        }
    }

    private void structure(PtxKernel.Parameter parameter, String text) {
        byte[] bytes;
        if (text.startsWith("bytes:")) {
            try {
                bytes = HexFormat.of().parseHex(text.substring("bytes:".length()).toLowerCase(Locale.ROOT));
            } catch (IllegalArgumentException e) {
                throw CulvertException.usage("two hexadecimal digits a byte are wanted: %s", e.getMessage());
            }
        } else if (text.startsWith("file:")) {
            bytes = read(text.substring("file:".length()));
        } else {
            throw CulvertException.usage(
                    "the parameter is a structure of %d bytes: give bytes:HEX or file:PATH", parameter.bytes());
        }
        if (bytes.length != parameter.bytes()) {
            throw CulvertException.usage("%d bytes, the parameter has %d", bytes.length, parameter.bytes());
        }
        System.arraycopy(bytes, 0, packed, parameter.offset(), bytes.length);
    }

    private static byte[] read(String path) {
        try {
            return Files.readAllBytes(Path.of(path));
        } catch (IOException e) {
            throw CulvertException.data(e, "%s: cannot read: %s", path, e.getMessage());
        }
    }

    private Buffer buffer(String kind, String text) {
        String[] parts = text.split(":", -1);
        return switch (kind) {
            case "buf", "zero", "iota", "rand" -> generated(kind, text, parts);
            case "values" -> values(text, parts);
            case "file" -> file(text);
            case "same" -> same(parts);
            default -> {
                if (!text.contains(".safetensors#")) {
                    throw CulvertException.usage(
                            "neither a number nor one of buf zero iota rand values file same bytes null; see --help");
                }
                yield tensor(text);
            }
        };
    }

    private Buffer generated(String kind, String text, String[] parts) {
        boolean random = kind.equals("rand");
        if (parts.length != 3 && !(random && parts.length == 4)) {
            throw CulvertException.usage("%s:TYPE:COUNT%s is wanted", kind, random ? "[:SEED]" : "");
        }
        ElementType type = type(parts[1]);
        int count = number(parts[2], "count");
        if (kind.equals("buf")) {
            return new Buffer(text, allocate(text, (long) count * type.bytes), type, (long) count * type.bytes, null);
        }
        SplittableRandom from = new SplittableRandom(parts.length == 4 ? number(parts[3], "seed") : 1);
        long[] bits = new long[count];
        for (int i = 0; i < count; i++) {
            bits[i] = random ? type.random(from) : kind.equals("iota") ? type.bits((double) i) : 0;
        }
        return filled(text, type, bits);
    }

    private Buffer values(String text, String[] parts) {
        if (parts.length != 3) {
            throw CulvertException.usage("values:TYPE:A,B,C is wanted");
        }
        ElementType type = type(parts[1]);
        return filled(
                text, type, Arrays.stream(parts[2].split(",", -1)).mapToLong(type::bits).toArray());
    }

    private Buffer filled(String text, ElementType type, long[] bits) {
        MemorySegment data = MemorySegment.ofArray(new byte[Math.multiplyExact(bits.length, type.bytes)]);
        for (int i = 0; i < bits.length; i++) {
            type.set(data, i, bits[i]);
        }
        return written(text, type, data);
    }

    private Buffer file(String text) {
        String rest = text.substring("file:".length());
        int colon = rest.lastIndexOf(':');
        ElementType type = colon < 0 ? null : ElementType.named(rest.substring(colon + 1));
        byte[] bytes = read(type == null ? rest : rest.substring(0, colon));
        return written(text, type == null ? ElementType.U8 : type, MemorySegment.ofArray(bytes));
    }

    private Buffer tensor(String text) {
        int mark = text.lastIndexOf('#');
        try (Arena call = Arena.ofConfined()) {
            StoredTensor tensor = SafetensorsFile.map(Path.of(text.substring(0, mark)), call)
                    .tensor(text.substring(mark + 1));
            ElementType named = ElementType.named(tensor.type().name().toLowerCase(Locale.ROOT));
            return written(text, named == null ? ElementType.U8 : named, tensor.data());
        }
    }

    private Buffer same(String[] parts) {
        int index = parts.length == 2 ? number(parts[1], "argument") : -1;
        if (index < 0 || index >= buffers.size() || buffers.get(index) == null) {
            throw CulvertException.usage("same:I is wanted, with I an earlier argument that is a buffer");
        }
        return buffers.get(index);
    }

    private Buffer written(String text, ElementType type, MemorySegment data) {
        long address = allocate(text, data.byteSize());
        memory.write(address, data);
        return new Buffer(text, address, type, data.byteSize(), data.toArray(JAVA_BYTE));
    }

    private long allocate(String text, long bytes) {
        if (bytes <= 0 || bytes > Integer.MAX_VALUE) {
            throw CulvertException.usage("%d bytes; 1 to %d can be had", bytes, Integer.MAX_VALUE);
        }
        return memory.allocate(bytes, "argument " + buffers.size() + ", " + text);
    }

    private static ElementType type(String name) {
        ElementType type = ElementType.named(name);
        if (type == null) {
            throw CulvertException.usage("'%s' is none of %s", name, Arrays.toString(ElementType.values()));
        }
        return type;
    }

    private static int number(String text, String what) {
        try {
            return Integer.parseUnsignedInt(text);
        } catch (NumberFormatException e) {
            throw CulvertException.usage("'%s' is no %s", text, what);
        }
    }

    /** Whether the kernel wrote something new into the buffer. */
    boolean changed(Buffer buffer) {
        MemorySegment now = memory.segment(buffer.address, buffer.bytes);
        if (buffer.before == null) {
            for (long i = 0; i < buffer.count(); i++) {
                if (isWritten(buffer, i)) {
                    return true;
                }
            }
            return false;
        }
        return now.mismatch(MemorySegment.ofArray(buffer.before)) >= 0;
    }

    private boolean isWritten(Buffer buffer, long index) {
        return memory.firstUnwritten(buffer.address + index * buffer.type.bytes, buffer.type.bytes) < 0;
    }

    /** The first {@code most} elements as text; {@code -} for one that nothing has written. */
    String text(Buffer buffer, long most) {
        MemorySegment data = memory.segment(buffer.address, buffer.bytes);
        StringBuilder line = new StringBuilder();
        for (long i = 0; i < Math.min(most, buffer.count()); i++) {
            line.append(i == 0 ? "" : " ").append(isWritten(buffer, i) ? buffer.type.text(data, i) : "-");
        }
        return line.append(most < buffer.count() ? " ..." : "").toString();
    }

    /** A copy of a buffer's bytes. */
    byte[] bytes(Buffer buffer) {
        return memory.segment(buffer.address, buffer.bytes).toArray(JAVA_BYTE);
    }
}
