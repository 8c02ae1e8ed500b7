package io.culvert.ops;

import static org.assertj.core.api.Assertions.assertThat;

import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.RunArena;
import io.culvert.emulator.TestEmulator;
import io.culvert.tensor.DType;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.SplittableRandom;

/** A loss on one of the devices by itself: feed its inputs, run it, read value and gradients. */
public final class LossRig implements AutoCloseable {
    private final Device device;
    private final RunArena arena;
    public final Tape tape = new Tape(true);
    private boolean compiled;

    /** @param name {@code cpu} or {@code emulator} */
    public LossRig(String name) {
        if (name.equals("cpu")) {
            device = CpuDevice.open(2);
        } else {
            TestEmulator.install();
            device = CudaDevice.open(0, Precision.FP32);
        }
        arena = new RunArena(device);
    }

    /** An input that gets a gradient. */
    public Tensor input(String name, float[] values, int... shape) {
        return tape.differentiate(data(name, values, shape));
    }

    /** An input that gets none. */
    public Tensor data(String name, float[] values, int... shape) {
        Tensor tensor = bound(Tensor.f32(name, shape));
        tensor.set(values);
        return tensor;
    }

    public Tensor labels(String name, int... values) {
        Tensor tensor = bound(new Tensor(name, Shape.of(values.length), DType.I32));
        tensor.setInts(values);
        return tensor;
    }

    private Tensor bound(Tensor tensor) {
        tensor.bind(arena.allocate(tensor.name(), tensor.bytes()), 0);
        return tape.input(tensor);
    }

    /** Forward and backward; the scalar that the tape ends in. */
    public float run() {
        if (!compiled) {
            tape.compile(arena);
            compiled = true;
        }
        tape.forward();
        tape.backward();
        return ((Loss) tape.ops().getLast()).loss().toFloats()[0];
    }

    /** What {@link #run} has left of the input's gradient. */
    public float[] gradient(Tensor input) {
        return tape.gradients(input).getFirst().peek();
    }

    /** Normal values times {@code scale}, the same for the same seed. */
    public static float[] normal(long seed, int count, double scale) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (scale * random.nextGaussian());
        }
        return values;
    }

    /** Asserts that every value is NaN. */
    public static void assertNaN(float... values) {
        for (float value : values) {
            assertThat(value).isNaN();
        }
    }

    @Override
    public void close() {
        arena.close();
        device.close();
    }
}
