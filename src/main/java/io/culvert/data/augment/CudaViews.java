package io.culvert.data.augment;

import io.culvert.device.cuda.CudaContext;
import io.culvert.device.cuda.CudaLaunch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * {@code kernels/augment.cu}: makes views of images that lie in the GPU's memory, on the context's stream. Views go
 * through a few at a time, so that what one kernel leaves for the next stays in the GPU's second-level cache.
 */
public final class CudaViews {
    private static final int THREADS = 256;
    private static final int CHANNELS = 3;
    private static final int NORMALIZATION = 6;

    /** Bytes of planes, and as many of blurred ones, that are on their way at once: both fit 50 MiB of cache. */
    private static final long CHUNK_BYTES = 16L << 20;

    /**
     * Shape and place of the views.
     *
     * @param address of floats {@code [count, height, width, 3]}, or {@code [count, 3, height, width]} if planar
     */
    public record Target(long address, int count, int height, int width, boolean planar) {
        long viewBytes() {
            return (long) CHANNELS * height * width * Float.BYTES;
        }
    }

    private final CudaLaunch[] sharp;
    private final CudaLaunch[] blurred;

    /**
     * Puts the launches together; addresses are the device's.
     *
     * @param records {@code target.count()} times {@link ViewRecord}
     * @param pixels what the records' offsets count from
     * @param normalization floats {@code [6]}, see {@link #normalization}
     */
    public CudaViews(CudaContext cuda, Target target, long records, long pixels, long normalization) {
        this(cuda, target, records, pixels, normalization, CHUNK_BYTES);
    }

    CudaViews(CudaContext cuda, Target target, long records, long pixels, long normalization, long chunkBytes) {
        int chunk = (int) Math.clamp(chunkBytes / target.viewBytes(), 1, target.count());
        int chunks = Math.ceilDiv(target.count(), chunk);
        long planes = cuda.workspace(2 * chunk * target.viewBytes() + (long) chunk * target.height() * Float.BYTES);
        long soft = planes + chunk * target.viewBytes();
        long grey = soft + chunk * target.viewBytes();
        sharp = new CudaLaunch[2 * chunks];
        blurred = new CudaLaunch[3 * chunks];
        for (int i = 0; i < chunks; i++) {
            int first = i * chunk;
            int count = Math.min(chunk, target.count() - first);
            long out = target.address() + first * target.viewBytes();
            long views = records + (long) first * ViewRecord.BYTES;
            CudaLaunch resize = launch(cuda, "augment_resize_f32", target, count)
                    .pointer(planes).pointer(grey).pointer(pixels).pointer(views)
                    .int32(target.height()).int32(target.width());
            CudaLaunch colour = launch(cuda, "augment_colour_f32", target, count)
                    .pointer(out).pointer(soft).pointer(planes).pointer(grey).pointer(views).pointer(normalization)
                    .int32(target.height()).int32(target.width()).int32(target.planar() ? 1 : 0);
            CudaLaunch blur = launch(cuda, "augment_blur_f32", target, count)
                    .pointer(out).pointer(soft).pointer(views).pointer(normalization)
                    .int32(target.height()).int32(target.width()).int32(target.planar() ? 1 : 0);
            sharp[2 * i] = resize;
            sharp[2 * i + 1] = colour;
            blurred[3 * i] = resize;
            blurred[3 * i + 1] = colour;
            blurred[3 * i + 2] = blur;
        }
    }

    private static CudaLaunch launch(CudaContext cuda, String kernel, Target target, int count) {
        return cuda.launch("augment", kernel).grid(target.height(), count, 1).block(THREADS);
    }

    /**
     * Queues the kernels.
     *
     * @param anyBlurred whether a record has a blur
     */
    public void run(boolean anyBlurred) {
        CudaLaunch.runAll(anyBlurred ? blurred : sharp);
    }

    /** Device memory with mean and std; the caller frees it. */
    public static long normalization(CudaContext cuda, Normalization normalization) {
        float[] values = new float[NORMALIZATION];
        System.arraycopy(normalization.meanArray(), 0, values, 0, CHANNELS);
        System.arraycopy(normalization.stdArray(), 0, values, CHANNELS, CHANNELS);
        long address = cuda.allocate("normalization", (long) NORMALIZATION * Float.BYTES);
        try (Arena call = Arena.ofConfined()) {
            cuda.stream().copyToDevice(address, call.allocateFrom(ValueLayout.JAVA_FLOAT, values));
        }
        return address;
    }

    /** One view {@code [3, outHeight, outWidth]} of one image on the host. */
    static float[] planes(CudaContext cuda, DrawnView drawn, MemorySegment image, int height, int width, int outHeight,
            int outWidth, Normalization normalization) {
        long bytes = (long) CHANNELS * outHeight * outWidth * Float.BYTES;
        long record = cuda.allocate("record", ViewRecord.BYTES);
        long pixels = cuda.allocate("image", image.byteSize());
        long out = cuda.allocate("view", bytes);
        long scale = normalization(cuda, normalization);
        try (Arena call = Arena.ofConfined()) {
            MemorySegment host = call.allocate(ViewRecord.BYTES, Long.BYTES);
            ViewRecord.write(host, 0, drawn, 0, height, width);
            cuda.stream().copyToDevice(record, host);
            cuda.stream().copyToDevice(pixels, image);
            new CudaViews(cuda, new Target(out, 1, outHeight, outWidth, true), record, pixels, scale)
                    .run(drawn.blurred());
            MemorySegment planes = call.allocate(bytes, Float.BYTES);
            cuda.stream().copyToHost(planes, out);
            return planes.toArray(ValueLayout.JAVA_FLOAT);
        } finally {
            cuda.free(record);
            cuda.free(pixels);
            cuda.free(out);
            cuda.free(scale);
        }
    }
}
