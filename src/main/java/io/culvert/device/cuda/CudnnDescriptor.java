package io.culvert.device.cuda;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.culvert.bindings.cudnn.cudnn_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** An object of cuDNN's graph interface: its attributes are set, then it is finished and does not change any more. */
final class CudnnDescriptor implements AutoCloseable {
    private static final int MOST_NOTES = 32;

    private final String kind;
    private final MemorySegment address;

    /**
     * @param kind for messages
     * @param type one of {@code CUDNN_BACKEND_*_DESCRIPTOR}
     */
    CudnnDescriptor(String kind, int type) {
        this.kind = kind;
        address = Cudnn.create(
                out -> cudnn_h.cudnnBackendCreateDescriptor(type, out), "cudnnBackendCreateDescriptor(" + kind + ")");
    }

    MemorySegment address() {
        return address;
    }

    private CudnnDescriptor set(int attribute, int type, long count, MemorySegment values) {
        Cudnn.check(
                cudnn_h.cudnnBackendSetAttribute(address, attribute, type, count, values),
                "cudnnBackendSetAttribute(%s, %d)".formatted(kind, attribute));
        return this;
    }

    CudnnDescriptor longs(int attribute, long... values) {
        try (Arena call = Arena.ofConfined()) {
            return set(attribute, cudnn_h.CUDNN_TYPE_INT64(), values.length, call.allocateFrom(JAVA_LONG, values));
        }
    }

    /** One value of an enumeration, whose own type of attribute is {@code type}. */
    CudnnDescriptor choice(int attribute, int type, int value) {
        try (Arena call = Arena.ofConfined()) {
            return set(attribute, type, 1, call.allocateFrom(JAVA_INT, value));
        }
    }

    CudnnDescriptor yes(int attribute) {
        try (Arena call = Arena.ofConfined()) {
            return set(attribute, cudnn_h.CUDNN_TYPE_BOOLEAN(), 1, call.allocateFrom(JAVA_BYTE, (byte) 1));
        }
    }

    CudnnDescriptor addresses(int attribute, int type, long... values) {
        try (Arena call = Arena.ofConfined()) {
            return set(attribute, type, values.length, call.allocateFrom(JAVA_LONG, values));
        }
    }

    CudnnDescriptor parts(int attribute, List<CudnnDescriptor> parts) {
        long[] values = parts.stream().mapToLong(part -> part.address.address()).toArray();
        return addresses(attribute, cudnn_h.CUDNN_TYPE_BACKEND_DESCRIPTOR(), values);
    }

    CudnnDescriptor part(int attribute, CudnnDescriptor part) {
        return parts(attribute, List.of(part));
    }

    /** The library checks here that all attributes fit each other. */
    CudnnDescriptor finish() {
        Cudnn.check(tryFinish(), "cudnnBackendFinalize(" + kind + ")");
        return this;
    }

    /** As {@link #finish}; returns the library's status. */
    int tryFinish() {
        return cudnn_h.cudnnBackendFinalize(address);
    }

    long number(int attribute) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment value = call.allocate(JAVA_LONG);
            get(attribute, cudnn_h.CUDNN_TYPE_INT64(), 1, value);
            return value.get(JAVA_LONG, 0);
        }
    }

    /** Whether {@code value} is among the values of an enumeration that the library has set, of which there are few. */
    boolean has(int attribute, int type, int value) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment values = call.allocate(JAVA_INT, MOST_NOTES);
            long count = get(attribute, type, MOST_NOTES, values);
            return Arrays.stream(values.asSlice(0, count * Integer.BYTES).toArray(JAVA_INT)).anyMatch(one -> one == value);
        }
    }

    /** Objects that the library fills in: as many of {@code type} as it has, at most {@code most}. */
    List<CudnnDescriptor> results(int attribute, String name, int type, int most) {
        List<CudnnDescriptor> made = new ArrayList<>();
        for (int i = 0; i < most; i++) {
            made.add(new CudnnDescriptor(name, type));
        }
        try (Arena call = Arena.ofConfined()) {
            long[] addresses = made.stream().mapToLong(one -> one.address.address()).toArray();
            MemorySegment values = call.allocateFrom(JAVA_LONG, addresses);
            long count = get(attribute, cudnn_h.CUDNN_TYPE_BACKEND_DESCRIPTOR(), most, values);
            made.subList((int) count, most).forEach(CudnnDescriptor::close);
            return List.copyOf(made.subList(0, (int) count));
        }
    }

    private long get(int attribute, int type, long most, MemorySegment values) {
        return Cudnn.longOf(
                count -> cudnn_h.cudnnBackendGetAttribute(address, attribute, type, most, count, values),
                "cudnnBackendGetAttribute(%s, %d)".formatted(kind, attribute));
    }

    /** Runs a finished plan on the memory that a finished pack names; returns the library's status. */
    static int execute(MemorySegment handle, CudnnDescriptor plan, CudnnDescriptor pack) {
        return cudnn_h.cudnnBackendExecute(handle, plan.address, pack.address);
    }

    @Override
    public void close() {
        Cudnn.check(cudnn_h.cudnnBackendDestroyDescriptor(address), "cudnnBackendDestroyDescriptor(" + kind + ")");
    }
}
