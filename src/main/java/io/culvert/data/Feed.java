package io.culvert.data;

import io.culvert.CulvertException;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.tensor.Shape;
import io.culvert.tensor.Tensor;
import java.util.List;
import java.util.function.Supplier;

/**
 * Brings the batches of a loader of its own, one after another, into the tensors that a network reads. The thread that
 * computes makes all calls.
 */
public abstract sealed class Feed implements AutoCloseable permits HostFeed, CudaFeed {
    /** Where views are made of decoded images. */
    public enum Place {
        /** By the loader's threads. */
        HOST,
        /** By the device's kernels; the loader's threads decode only. */
        DEVICE
    }

    Feed() {}

    /**
     * Starts loading.
     *
     * @param pixels the network's inputs {@code [views * batch, H, W, 3]}, one for each size of the configuration's; bound,
     *     unless the device reads host memory
     * @throws CulvertException of kind DATA when the data set does not fill one batch; of kind USAGE when the device
     *     cannot make such views
     */
    public static Feed open(Dataset dataset, LoaderConfig config, Device device, List<Tensor> pixels, Place place) {
        return open(dataset, config, device, pixels, place, ImageDecoder::new);
    }

    static Feed open(Dataset dataset, LoaderConfig config, Device device, List<Tensor> pixels, Place place,
            Supplier<? extends Decoder> decoders) {
        requireFit(config, pixels);
        return switch (place) {
            case HOST -> new HostFeed(dataset, config, pixels, decoders);
            case DEVICE -> switch (device) {
                case CpuDevice cpu -> throw CulvertException.usage("the CPU has no kernels of its own for augmentation:"
                        + " set data.augment_on to auto or host");
                case CudaDevice cuda -> new CudaFeed(dataset, config, cuda.context(), pixels, decoders);
            };
        };
    }

    private static void requireFit(LoaderConfig config, List<Tensor> pixels) {
        boolean fit = config.crops().size() == pixels.size();
        for (int i = 0; fit && i < pixels.size(); i++) {
            Crops crops = config.crops().get(i);
            Shape shape = pixels.get(i).shape();
            fit = shape.at(0) == crops.views().size() * config.batchSize() && shape.at(1) == crops.size();
        }
        if (!fit) {
            throw new IllegalArgumentException(pixels + " do not take batches of " + config.batchSize() + " by " + config.crops());
        }
    }

    /**
     * Waits for the next batch and gives the tensors its views; all of view 0 first. Of a batch with fewer images the last
     * rows mean nothing.
     *
     * @return its images; 0 after the last batch
     * @throws CulvertException of kind DATA when an image of the batch cannot be decoded (naming its file)
     */
    public abstract int next();

    /** The indices in the data set of the images that {@link #next} has brought. */
    public abstract int[] samples();

    /** Time that {@link #next} has waited for the loader's threads so far. */
    public abstract long waitNanos();

    /** Batches an epoch has. */
    public abstract int stepsPerEpoch();

    /** Stops the loader and gives everything back. */
    @Override
    public abstract void close();
}
