package io.culvert.device.cuda;

import io.culvert.CulvertException;
import java.lang.foreign.MemorySegment;

/**
 * Work that is recorded and then repeated by one call, a CUDA graph: the driver launches all its kernels without the host.
 * The first runs are made as they are, because libraries set themselves up in their first calls.
 */
final class CudaGraph implements Runnable, AutoCloseable {
    private static final int WARM_UP = 2;

    private final CudaStream stream;
    private final String name;
    private final NvtxRanges ranges;
    private final Runnable work;
    private int runs;
    private MemorySegment executable;
    private CudaMarks marks;

    /** @param name of the range that NVIDIA's profilers show each launch as: they do not see what is inside */
    CudaGraph(CudaStream stream, String name, NvtxRanges ranges, Runnable work) {
        this.stream = stream;
        this.name = name;
        this.ranges = ranges;
        this.work = work;
    }

    @Override
    public void run() {
        if (runs < WARM_UP) {
            runs++;
            work.run();
            return;
        }
        if (executable == null) {
            executable = record();
        }
        mark();
        ranges.push(name);
        Driver.graphLaunch(executable, stream.handle());
        ranges.pop();
        mark();
    }

    /** Makes a mark before and after each launch from now on. */
    void mark(CudaMarks around) {
        marks = around;
    }

    private void mark() {
        if (marks != null) {
            marks.mark();
        }
    }

    private MemorySegment record() {
        Driver.streamBeginCapture(stream.handle());
        try {
            work.run();
        } catch (CulvertException e) {
            // What broke the work broke the recording: the stream must leave it, whatever it says.
            Driver.abandonCapture(stream.handle());
            throw e;
        }
        MemorySegment graph = Driver.streamEndCapture(stream.handle());
        try {
            return Driver.graphInstantiate(graph);
        } finally {
            Driver.graphDestroy(graph);
        }
    }

    @Override
    public void close() {
        if (executable != null) {
            Driver.graphExecDestroy(executable);
            executable = null;
        }
    }
}
