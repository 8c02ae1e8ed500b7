package io.culvert.train;

import io.culvert.CulvertException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * Everything that decides a run: one YAML file, one record. The component names in snake_case are the file's keys.
 * {@link #reference()} prints them all with their meaning.
 */
public record RunConfig(
        @Key(value = "''", doc = "name of the run, its folder under `runs`; empty: the configuration file's own name")
        String name,

        @Key(value = "runs", doc = "folder that holds the runs' folders")
        Path runs,

        @Key(value = "42", doc = "decides the initial weights, the order of the images and every augmentation")
        long seed,

        @Key(value = "cpu", doc = "device to compute on: cpu, cuda, emulator") String device,

        @Key(value = "fp32", doc = "fp32; on cuda also tf32 (products on tensor cores) or bf16 (mixed precision)")
                String precision,
        @Key(value = "0", min = 0, doc = "threads that compute; 0: all cores")
        int threads,

        @Key(value = "256", min = 2, doc = "images a step")
        int batchSize,
        @Key(doc = "the images") Data data,
        @Key(doc = "the backbone") Model model,
        @Key(doc = "the self-supervised method") Method method,
        @Key(doc = "the optimiser") Optim optim,

        @Key(doc = "learning rate over the steps: linear warm-up, then cosine")
        Schedule schedule,

        @Key(doc = "random views of an image; a key left out keeps the preset's value")
        Augment augment,

        @Key(doc = "checkpoints") Checkpoint checkpoint,
        @Key(doc = "what a run tells of itself while it trains") Log log,
        @Key(doc = "the probes on frozen features") Probe probe) {
    public RunConfig {
        if (batchSize % optim.accumulate() != 0 || batchSize / optim.accumulate() < 2) {
            throw CulvertException.usage(
                    "optim.accumulate: %d passes do not part batch_size, %d, into equal ones of at least 2 images",
                    optim.accumulate(), batchSize);
        }
    }

    /** The images. */
    public record Data(
            @Key(value = Key.REQUIRED, doc = "annotations in Sewer-ML's CSV form")
            Path csv,

            @Key(value = Key.REQUIRED, doc = "folder of the images that the CSV names")
            Path images,

            @Key(value = "''", doc = "annotations to validate on; empty: no validation set")
            Path valCsv,

            @Key(value = "''", doc = "folder of the validation images; empty: the same as `images`")
            Path valImages,

            @Key(value = "224", min = 8, doc = "side of the square views, pixels")
            int imageSize,

            @Key(value = "96", min = 8, doc = "side of the small views that method.local_crops asks for, pixels")
            int localSize,

            @Key(value = "0", min = 0, doc = "threads that decode and augment; 0: as many as compute")
            int loaderThreads,

            @Key(
                            value = "auto",
                            doc = "where views are made: host (loader threads), device (GPU's kernels), auto (device on a GPU)")
                    String augmentOn,

            @Key(value = "3", min = 2, doc = "batches in the loader's ring")
            int ring,
            @Key(value = "512", min = 0, doc = "memory for decoded images, MiB: those that fit are decoded once")
                    int cacheMb,

            @Key(value = "0", min = 0, doc = "use at most so many images, drawn by seed; 0: all")
            int limit,

            @Key(
                            value = "1", positive = true, max = 1,
                            doc = "share of the CSV's images to draw by seed, before defect_share and limit; the study takes 0.5")
                    double sampleShare,

            @Key(min = 0, max = 1, doc = "share of defects to draw, 0..1; left out: the share that the CSV has")
            OptionalDouble defectShare,

            @Key(
                            value = "published",
                            doc = "how defect_share is reached: published (keep normal images, thin defects: the set shrinks"
                                    + " with the share) or fixed_size")
                    String sampling,

            @Key(value = "0", min = 0, doc = "images of the set with sampling=fixed_size, the same at all shares")
            int size,

            @Key(
                            value = "''",
                            doc = "regular expression whose first group, found in a file's name, is its pipe or video: no split"
                                    + " parts its images; empty: none")
                    String groupBy,

            @Key(value = "false", doc = "go on where images of one group lie in both csv and val_csv")
            boolean allowSharedGroups) {
        /** Whether a validation set is named. */
        public boolean hasValidation() {
            return !valCsv.toString().isEmpty();
        }

        /** The folder of the validation images. */
        public Path validationImages() {
            return valImages.toString().isEmpty() ? images : valImages;
        }
    }

    /** The backbone. */
    public record Model(
            @Key(value = "resnet18", doc = "resnet18 or vit_tiny, with timm's parameter names")
            String name,

            @Key(value = "16", min = 1, doc = "vit_tiny: side of a patch, pixels; it divides data.image_size")
            int patch,

            @Key(value = "3", min = 1, doc = "vit_tiny: heads that share a width of 192; timm has 3, the study's mae 12")
            int heads,

            @Key(value = "false", doc = "resnet18: start the last batch norm of each residual block at 0, as timm does")
            boolean zeroInitResidual,

            @Key(value = "''", doc = "encoder to start from, of a run or of timm's (.safetensors); empty: random weights")
            Path weights) {
        /** Whether training starts from another's weights. */
        public boolean hasWeights() {
            return !weights.toString().isEmpty();
        }
    }

    /** The self-supervised method and its projection head. */
    public record Method(
            @Key(value = "simclr", doc = "simclr, barlow_twins, byol, dino, mae or supervised") String name,

            @Key(value = "0.2", positive = true, doc = "temperature of NT-Xent")
            double temperature,

            @Key(value = "2048", min = 1, doc = "width of the hidden layers of projector and predictor")
            int hidden,

            @Key(value = "256", min = 1, doc = "width of the projection; dino: before the prototypes")
            int dim,

            @Key(value = "0.0051", min = 0, doc = "barlow_twins: weight of what is off the diagonal")
            double lambda,

            @Key(value = "0.024", positive = true, doc = "barlow_twins: factor of the loss")
            double scale,

            @Key(value = "0.996", min = 0, max = 1, doc = "byol, dino: share that the teacher keeps of itself in the first step")
            double momentum,

            @Key(value = "0.999", min = 0, max = 1, doc = "byol, dino: the same in the last step, on a cosine between")
            double finalMomentum,

            @Key(value = "8192", min = 1, doc = "dino: prototypes, which images are distributed over")
            int prototypes,

            @Key(value = "relu", doc = "dino: between the head's layers, relu or gelu")
            String activation,

            @Key(value = "false", doc = "dino: normalise the batch before the head's activations")
            boolean headBatchNorm,

            @Key(value = "false", doc = "dino: keep the length of each prototype's weight at 1")
            boolean normLastLayer,

            @Key(value = "0", min = 0, doc = "dino: small views of an image that the student alone sees, of data.local_size")
            int localCrops,

            @Key(value = "0.1", positive = true, doc = "dino: temperature of the student's softmax")
            double studentTemperature,

            @Key(value = "0.07", positive = true, doc = "dino: temperature of the teacher's softmax after its warm-up")
            double teacherTemperature,

            @Key(value = "0.04", positive = true, doc = "dino: the same in the first epoch")
            double teacherTemperatureStart,

            @Key(
                            value = "15",
                            min = 0,
                            doc = "dino: epochs of this warm-up, linear from epoch to epoch, the last of which has the full value")
                    int teacherTemperatureEpochs,

            @Key(value = "0.9", min = 0, max = 1, doc = "dino: share of itself that the teacher's centre keeps in a step")
            double centerMomentum,

            @Key(value = "0.75", min = 0, max = 1, doc = "mae: share of the patches that are removed")
            double maskRatio,

            @Key(value = "true", doc = "mae: standardise each patch of the target")
            boolean normPix,

            @Key(value = "192", min = 4, doc = "mae: width of the decoder, a multiple of 4")
            int decoderDim,

            @Key(value = "12", min = 1, doc = "mae: blocks of the decoder")
            int decoderDepth,

            @Key(value = "12", min = 1, doc = "mae: heads of the decoder, which share its width")
            int decoderHeads,

            @Key(value = "false", doc = "mae: keep the study's bug: no gradient reaches encoder or decoder, both stay as initialised")
            boolean asPublished) {}

    /** The optimiser. */
    public record Optim(
            @Key(value = "lars", doc = "sgd, lars or adamw") String name,

            @Key(value = "0.3", positive = true, doc = "peak learning rate, for 256 images a step if scale_lr")
            double lr,

            @Key(value = "true", doc = "multiply lr and warmup_start_lr by batch_size / 256")
            boolean scaleLr,

            @Key(value = "0.9", min = 0, max = 1, doc = "momentum; adamw: beta1")
            double momentum,

            @Key(value = "0.999", min = 0, max = 1, doc = "adamw: decay of the squared gradients")
            double beta2,

            @Key(value = "1e-6", min = 0, doc = "weight decay")
            double weightDecay,

            @Key(min = 0, doc = "weight decay of the last step, on a cosine from weight_decay; left out: constant")
            OptionalDouble finalWeightDecay,

            @Key(
                            value = "true",
                            doc = "decay biases and gains of normalisations too; lars never does, whatever this says")
                    boolean decayVectors,

            @Key(min = 0, doc = "peak learning rate of biases and gains, scaled as lr is; left out: lr")
            OptionalDouble vectorLr,

            @Key(value = "0.001", positive = true, doc = "lars: ratio of a step to the norm of its parameter")
            double trustCoefficient,

            @Key(
                            value = "barlow",
                            doc = "lars: divide by |g + decay p| (barlow) or |g| + decay |p| + 1e-8 (lightly)")
                    String lars,

            @Key(value = "false", doc = "sgd: Nesterov's momentum")
            boolean nesterov,

            @Key(positive = true, doc = "greatest norm of a gradient; left out: no clipping")
            OptionalDouble clip,

            @Key(value = "global", doc = "what clip bounds: the norm of all gradients together (global) or each one's (tensor)")
            String clipBy,

            @Key(value = "true", doc = "clip the heads' gradients too; false: the backbone's alone")
            boolean clipHeads,

            @Key(value = "0", min = 0, doc = "epochs in which the method's last layer stays as it is")
            int freezeLastLayerEpochs,

            @Key(
                            value = "1",
                            min = 1,
                            doc = "passes a step, of batch_size / accumulate images each, whose gradients are averaged")
                    int accumulate) {}

    /** The learning rate's course. */
    public record Schedule(
            @Key(value = "45", min = 1, doc = "epochs") int epochs,

            @Key(value = "10", min = 0, doc = "epochs of linear warm-up")
            int warmupEpochs,

            @Key(value = "0.15", min = 0, doc = "learning rate of the first step, scaled as lr is")
            double warmupStartLr,

            @Key(value = "1e-6", min = 0, doc = "learning rate that the cosine ends at, never scaled")
            double minLr) {
        public Schedule {
            if (warmupEpochs > epochs) {
                throw CulvertException.usage(
                        "schedule.warmup_epochs: %d is more than schedule.epochs, %d", warmupEpochs, epochs);
            }
        }
    }

    /** The random views. */
    public record Augment(
            @Key(value = "study", doc = "study (arXiv 2410.04289), simclr, barlow, byol, mae or dino")
            String preset,

            @Key(positive = true, max = 1, doc = "least share of the image's area in the crop")
            OptionalDouble scaleMin,

            @Key(positive = true, max = 1, doc = "greatest share of the image's area in the crop")
            OptionalDouble scaleMax,

            @Key(positive = true, max = 1, doc = "scale_min of the small views; left out: 0.05")
            OptionalDouble localScaleMin,

            @Key(positive = true, max = 1, doc = "scale_max of the small views; left out: 0.4")
            OptionalDouble localScaleMax,

            @Key(min = 0, max = 1, doc = "probability of a horizontal flip")
            OptionalDouble flip,

            @Key(min = 0, max = 1, doc = "probability of colour jitter")
            OptionalDouble jitter,

            @Key(min = 0, doc = "brightness factor drawn from 1 -+ this")
            OptionalDouble brightness,

            @Key(min = 0, doc = "contrast factor drawn from 1 -+ this")
            OptionalDouble contrast,

            @Key(min = 0, doc = "saturation factor drawn from 1 -+ this")
            OptionalDouble saturation,

            @Key(min = 0, max = 0.5, doc = "hue shift drawn from -+ this, in turns")
            OptionalDouble hue,

            @Key(min = 0, max = 1, doc = "probability of dropping the colour")
            OptionalDouble grey,

            @Key(min = 0, max = 1, doc = "probability of Gaussian blur")
            OptionalDouble blur,

            @Key(positive = true, doc = "least sigma of the blur, pixels")
            OptionalDouble blurSigmaMin,

            @Key(positive = true, doc = "greatest sigma of the blur, pixels")
            OptionalDouble blurSigmaMax,

            @Key(min = 0, max = 1, doc = "probability of solarisation")
            OptionalDouble solarize,

            @Key(min = 0, max = 1, doc = "values from here up are inverted")
            OptionalDouble solarizeThreshold) {}

    /** When checkpoints are written. */
    public record Checkpoint(
            @Key(value = "0", min = 0, doc = "steps between checkpoints; 0: at the end of each epoch")
            int everySteps) {}

    /** When metrics are written. */
    public record Log(
            @Key(value = "10", min = 1, doc = "steps between lines")
            int everySteps,

            @Key(value = "100", min = 0, doc = "steps between RankMe and histograms, in the next line; 0: never")
            int rankEverySteps,

            @Key(value = "true", doc = "gradient norm and update-to-weight ratio, for one more copy of the weights")
            boolean norms,

            @Key(value = "true", doc = "where images have labels: a linear probe that learns beside the encoder")
            boolean probe,

            @Key(value = "0.999", min = 0, max = 1, doc = "that probe's AdamW: decay of the squared gradients")
            double probeBeta2,

            @Key(value = "true", doc = "write events.out.tfevents.* for TensorBoard")
            boolean tensorboard,

            @Key(value = "false", doc = "histograms of every parameter for TensorBoard too")
            boolean weightHistograms,

            @Key(value = "''", doc = "address of an MLflow server to send the run to, as http://localhost:5000; empty: none")
            String mlflow) {}

    /** What reads frozen features out. */
    public record Probe(
            @Key(value = "0.2", positive = true, max = 0.9, doc = "share held out to choose penalty and threshold")
            double validationShare,

            @Key(value = "64", min = 1, doc = "images encoded at a time")
            int batchSize,

            @Key(value = "true", doc = "weigh defects by normals / defects in the loss")
            boolean balanced,

            @Key(value = "20", min = 0, doc = "neighbours that vote, beside the linear probe; 0: none are asked")
            int knn,

            @Key(value = "0.07", positive = true, doc = "a neighbour counts exp(cosine / this) times")
            double knnTemperature,

            @Key(value = "45", min = 0, doc = "epochs of the study's probe, trained by batches on frozen features; 0: without")
            int sgdEpochs,

            @Key(value = "1e-3", positive = true, doc = "its peak learning rate, for batches of 256")
            double sgdLr,

            @Key(value = "0.999", min = 0, max = 1, doc = "its decay of the squared gradients; 0 in the published code")
            double sgdBeta2,

            @Key(value = "false", doc = "in studies: a linear probe for each defect code too, judged by F2-CIW and F1-Normal")
            boolean multiLabel,

            @Key(value = "1000", min = 0, doc = "training images that label-free scores are computed from; 0: without")
            int scoresImages,

            @Key(value = "500", min = 0, doc = "how many of these are augmented as well, as in training")
            int scoresViewed,

            @Key(value = "4", min = 0, doc = "augmented views of each of those")
            int scoresViews) {}

    /** Learning rates of one run, scaled to its batch size where the configuration asks for it. */
    public double peakLr() {
        return optim.lr() * lrScale();
    }

    /** Images that are on the device at a time. */
    public int passSize() {
        return batchSize / optim.accumulate();
    }

    /** Learning rate of the first step, scaled as {@link #peakLr()} is. */
    public double warmupStartLr() {
        return schedule.warmupStartLr() * lrScale();
    }

    private double lrScale() {
        return optim.scaleLr() ? batchSize / 256.0 : 1;
    }

    /** The run's folder. */
    public Path folder() {
        return runs.resolve(name);
    }

    /**
     * Reads a configuration.
     *
     * @param file YAML; a key left out has its default
     * @param overrides {@code key=value}, dotted for keys of a section, as {@code optim.lr=0.1}; the later wins
     * @throws CulvertException (usage) that names the file or override, the key and what was expected; (data) if the
     *     file is missing
     */
    public static RunConfig load(Path file, List<String> overrides) {
        return ConfigSource.read(file, overrides);
    }

    /** As {@link #load}, of text that {@link #toYaml} wrote into another file. */
    public static RunConfig parse(Path file, String yaml, List<String> overrides) {
        return ConfigSource.parse(file, "", yaml, overrides);
    }

    /** The whole configuration as YAML that {@link #load} reads back to the same record. */
    public String toYaml() {
        return ConfigText.resolved(this);
    }

    /** {@link #toYaml} of what decides the trained network: without names, and the keys that matter once training is over. */
    public String trainingYaml() {
        return ConfigText.resolved(this, Set.of("name", "runs", "probe"));
    }

    /** The keys of how a trained network is judged. */
    public String probeYaml() {
        return ConfigText.resolved(probe);
    }

    /** Every key with its meaning and default, as a commented YAML file. */
    public static String reference() {
        return ConfigText.reference(RunConfig.class);
    }
}
