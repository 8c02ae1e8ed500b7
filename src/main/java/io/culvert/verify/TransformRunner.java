package io.culvert.verify;

import io.culvert.CulvertException;
import io.culvert.data.augment.TransformCase;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.RunArena;
import io.culvert.safetensors.StoredTensor;
import io.culvert.safetensors.StoredType;
import java.util.List;
import java.util.Map;

/** Image transforms. */
final class TransformRunner implements CaseRunner {
    @Override
    public Map<String, Computed> run(VectorCase vector, RunArena arena) {
        StoredTensor image = vector.tensor("in/image", 3);
        if (image.type() != StoredType.U8 || image.shape().get(2) != 3) {
            throw vector.fault("in/image must be U8 [H, W, 3], is %s %s", image.type(), image.shape());
        }
        int[] extents = TapeRun.extents(image.shape());
        try {
            TransformCase.Planes y = switch (arena.device()) {
                case CpuDevice cpu ->
                    TransformCase.apply(vector.name(), vector.params(), image.data(), extents[0], extents[1]);
                case CudaDevice cuda -> TransformCase.apply(
                        vector.name(), vector.params(), image.data(), extents[0], extents[1], cuda.context());
            };
            return Map.of("out/y", Computed.of(List.of(3L, (long) y.height(), (long) y.width()), y.values()));
        } catch (CulvertException e) {
            if (e.kind() == CulvertException.Kind.DEVICE) {
                throw e;
            }
            throw vector.fault("%s", e.getMessage());
        }
    }

    /** The reference computes in another order and, for blur and resize, in another precision. */
    @Override
    public double defaultTolerance() {
        return 5e-3;
    }
}
