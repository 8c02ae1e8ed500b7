package io.culvert.train;

import io.culvert.CulvertException;
import io.culvert.data.Dataset;
import io.culvert.data.Feed;
import io.culvert.data.LoaderConfig;
import io.culvert.device.CpuDevice;
import io.culvert.device.CudaDevice;
import io.culvert.device.Device;
import io.culvert.device.Precision;
import io.culvert.device.RunArena;
import io.culvert.emulator.Emulator;
import io.culvert.method.BarlowTwins;
import io.culvert.method.Byol;
import io.culvert.method.Dino;
import io.culvert.method.Mae;
import io.culvert.method.Method;
import io.culvert.method.MomentumCosine;
import io.culvert.method.SimClr;
import io.culvert.method.Supervised;
import io.culvert.method.Teacher;
import io.culvert.method.TeacherTemperature;
import io.culvert.model.Backbone;
import io.culvert.model.DinoHead;
import io.culvert.model.Init;
import io.culvert.model.MaeDecoder;
import io.culvert.model.Mlp;
import io.culvert.model.ResNet18;
import io.culvert.model.VitTiny;
import io.culvert.ops.barlow.BarlowTwinsOp;
import io.culvert.optim.AdamW;
import io.culvert.optim.GradientScale;
import io.culvert.optim.Groups;
import io.culvert.optim.Lars;
import io.culvert.optim.Optimizer;
import io.culvert.optim.Sgd;
import io.culvert.optim.WarmupCosine;
import io.culvert.ranks.Launch;
import io.culvert.tensor.Parameter;
import io.culvert.tensor.ParameterStore;
import io.culvert.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a configuration names, built: device, data, network, method, optimiser, schedule. */
public final class Run implements AutoCloseable {
    private static final double ADAM_EPS = 1e-8;
    private static final double BATCH_NORM_EPS = 1e-5;
    private static final double LAYER_NORM_EPS = 1e-6;
    /** In the decoder of the study's published code. */
    private static final double STUDY_DECODER_EPS = 1e-5;

    private final RunConfig config;
    private final Device device;
    private final RunArena arena;
    private final ParameterStore store = new ParameterStore();
    private final Backbone backbone;
    private final Method method;
    private final Plan plan;
    /** Processes that share this machine. */
    private final int localSize;

    /**
     * What a method must know of the training data.
     *
     * @param steps of the whole run
     * @param stepsPerEpoch of each epoch
     * @param positiveWeight normals / defects
     * @param labelled whether there are labels of both kinds
     */
    public record Plan(int steps, int stepsPerEpoch, double positiveWeight, boolean labelled) {
        /** What {@link #of(Map)} reads. */
        Map<String, String> metadata() {
            return Map.of(
                    "plan.steps", Integer.toString(steps),
                    "plan.steps_per_epoch", Integer.toString(stepsPerEpoch),
                    "plan.positive_weight", Double.toString(positiveWeight),
                    "plan.labelled", Boolean.toString(labelled));
        }

        static Plan of(Map<String, String> metadata) {
            return new Plan(
                    Integer.parseInt(metadata.get("plan.steps")),
                    Integer.parseInt(metadata.get("plan.steps_per_epoch")),
                    Double.parseDouble(metadata.get("plan.positive_weight")),
                    Boolean.parseBoolean(metadata.get("plan.labelled")));
        }

        /** For a network that is not trained. */
        static final Plan NONE = new Plan(1, 1, 1, false);

        /**
         * The plan of a run on this data.
         *
         * @throws CulvertException (data) if the method needs labels that are not there
         */
        static Plan of(RunConfig config, Dataset dataset) {
            int stepsPerEpoch = dataset.size() / config.batchSize();
            int steps = stepsPerEpoch * config.schedule().epochs();
            int defects = dataset.labelled() ? dataset.defectCount() : 0;
            if (defects == 0 || defects == dataset.size()) {
                if (!config.method().name().equals("supervised")) {
                    return new Plan(steps, stepsPerEpoch, 1, false);
                }
                throw CulvertException.data(
                        "%s: method supervised needs labels of both kinds, found %d defects in %d images",
                        config.data().csv(), defects, dataset.size());
            }
            return new Plan(steps, stepsPerEpoch, (dataset.size() - defects) / (double) defects, true);
        }
    }

    /** A network that is not trained: opens the device for the calling thread and sets initial values. */
    public Run(RunConfig config) {
        this(config, Plan.NONE);
    }

    /** Opens the device for the calling thread and sets the network to its initial values. */
    public Run(RunConfig config, Plan plan) {
        this(config, plan, Launch.ALONE);
    }

    /** As the other, as one of several processes that train together; waits for them. */
    public Run(RunConfig config, Plan plan, Launch launch) {
        this.config = config;
        this.plan = plan;
        localSize = launch.localSize();
        backbone = backbone(config, store);
        method = method(config.method(), plan);
        if (config.passSize() % launch.size() != 0) {
            throw CulvertException.usage(
                    "%d ranks do not share %d images%s evenly: set batch_size to a multiple of %d",
                    launch.size(), config.passSize(), config.optim().accumulate() > 1 ? " a pass" : " a batch",
                    launch.size() * config.optim().accumulate());
        }
        device = open(config.device(), config.threads(), config.precision(), launch, config.trainingYaml());
        arena = new RunArena(device);
        store.allocate(arena);
        method.allocate(arena);
        initialise();
    }

    /** Whether this process writes and speaks for all that train together. */
    boolean leads() {
        return device.group().rank() == 0;
    }

    /** Images that this process has on its device at a time. */
    int images() {
        return config.passSize() / device.group().size();
    }

    /** Sets every parameter to the value that the run's seed gives it. */
    void initialise() {
        Init init = new Init(config.seed());
        backbone.initialise(init);
        method.initialise(init);
        store.valuesChanged();
        method.teacher().ifPresent(Teacher::copyStudent);
    }

    /**
     * Starts from the weights that the configuration names, if it does.
     *
     * @param allowMissing whether parameters that the file lacks keep their initial values
     * @param ignoreUnknown whether tensors that the backbone does not have are passed over
     */
    void loadWeights(boolean allowMissing, boolean ignoreUnknown) {
        if (config.model().hasWeights()) {
            EncoderFile weights = new EncoderFile(config.model().weights(), allowMissing, ignoreUnknown);
            weights.requireThere();
            weights.load(backbone);
            method.teacher().ifPresent(Teacher::copyStudent);
        }
    }

    private static Backbone backbone(RunConfig config, ParameterStore store) {
        RunConfig.Model model = config.model();
        int side = config.data().imageSize();
        return switch (model.name()) {
            case "resnet18" -> new ResNet18(store, model.zeroInitResidual());
            case "vit_tiny" -> {
                VitTiny.Sizes tiny = VitTiny.Sizes.TINY;
                VitTiny.Sizes sizes = new VitTiny.Sizes(tiny.width(), tiny.depth(), model.heads());
                VitTiny.Start start = config.method().name().equals("mae") ? VitTiny.Start.MAE : VitTiny.Start.TIMM;
                yield new VitTiny(store, side, side, model.patch(), sizes, start);
            }
            default -> throw CulvertException.usage(
                    "model.name: unknown '%s'; known: resnet18, vit_tiny", model.name());
        };
    }

    private Method method(RunConfig.Method keys, Plan plan) {
        return switch (keys.name()) {
            case "simclr" -> new SimClr(backbone, keys.hidden(), keys.dim(), keys.temperature());
            case "barlow_twins" -> new BarlowTwins(
                    backbone, keys.hidden(), keys.dim(),
                    new BarlowTwinsOp.Config(keys.lambda(), keys.scale(), BATCH_NORM_EPS));
            case "byol" -> new Byol(
                    backbone, this::anotherBackbone, keys.hidden(), keys.dim(), momentum(keys, plan));
            case "dino" -> new Dino(backbone, this::anotherBackbone, dino(keys, plan), momentum(keys, plan));
            case "mae" -> mae(keys);
            case "supervised" -> new Supervised(backbone, plan.positiveWeight);
            default -> throw CulvertException.usage(
                    "method.name: unknown '%s'; known: simclr, barlow_twins, byol, dino, mae, supervised", keys.name());
        };
    }

    private Mae mae(RunConfig.Method keys) {
        if (!(backbone instanceof VitTiny encoder)) {
            throw CulvertException.usage(
                    "method mae removes patches and needs a vision transformer: set model.name=vit_tiny, now it is %s",
                    config.model().name());
        }
        double eps = keys.asPublished() ? STUDY_DECODER_EPS : LAYER_NORM_EPS;
        MaeDecoder decoder = new MaeDecoder(
                encoder, new MaeDecoder.Sizes(keys.decoderDim(), keys.decoderDepth(), keys.decoderHeads(), eps));
        return new Mae(
                encoder, decoder, new Mae.Settings(keys.maskRatio(), keys.normPix(), keys.asPublished()), config.seed());
    }

    private Backbone anotherBackbone(ParameterStore other) {
        return backbone(config, other);
    }

    private static MomentumCosine momentum(RunConfig.Method keys, Plan plan) {
        return new MomentumCosine(keys.momentum(), keys.finalMomentum(), plan.steps);
    }

    private static Dino.Config dino(RunConfig.Method keys, Plan plan) {
        Mlp.Activation activation = switch (keys.activation()) {
            case "relu" -> Mlp.Activation.RELU;
            case "gelu" -> Mlp.Activation.GELU;
            default -> throw CulvertException.usage(
                    "method.activation: unknown '%s'; known: relu, gelu", keys.activation());
        };
        return new Dino.Config(
                new DinoHead.Config(
                        keys.hidden(), keys.dim(), keys.prototypes(), activation, keys.headBatchNorm(), keys.normLastLayer()),
                keys.studentTemperature(),
                new TeacherTemperature(
                        keys.teacherTemperatureStart(), keys.teacherTemperature(), keys.teacherTemperatureEpochs(),
                        plan.stepsPerEpoch),
                keys.centerMomentum(),
                keys.localCrops());
    }

    /**
     * Opens a device by its name in configurations and on the command line.
     *
     * @param threads of the CPU; 0 takes all processors
     * @param precision by its name: fp32, tf32 or bf16; the CPU computes in fp32 alone
     */
    public static Device open(String name, int threads, String precision) {
        return open(name, threads, precision, Launch.ALONE, "");
    }

    /** As the other, as one of several processes, which must agree in {@code same} line by line; waits for the others. */
    private static Device open(String name, int threads, String precision, Launch launch, String same) {
        Precision how = Precision.of(precision)
                .orElseThrow(() -> CulvertException.usage("unknown precision '%s'; known: fp32, tf32, bf16", precision));
        return switch (name) {
            case "cpu" -> {
                if (how != Precision.FP32) {
                    throw CulvertException.usage(
                            "the CPU computes in fp32, not in %s: leave precision=fp32, or set device=cuda", precision);
                }
                yield CpuDevice.open(threads, launch, same);
            }
            case "cuda" -> CudaDevice.open(launch.localRank(), how, launch, same);
            case "emulator" -> {
                Emulator.install();
                yield CudaDevice.open(0, how, launch, same);
            }
            default -> throw CulvertException.usage("unknown device '%s'; known: cpu, cuda, emulator", name);
        };
    }

    private Optimizer optimizer(int stepsPerEpoch) {
        RunConfig.Optim keys = config.optim();
        List<Parameter> last = method.lastLayer();
        if (keys.freezeLastLayerEpochs() > 0 && last.isEmpty()) {
            throw CulvertException.usage(
                    "optim.freeze_last_layer_epochs: method %s has no last layer to freeze: leave it at 0", method.name());
        }
        Groups groups = new Groups(
                keys.decayVectors(), keys.vectorLr().orElse(keys.lr()) / keys.lr(), last,
                keys.freezeLastLayerEpochs() * stepsPerEpoch);
        Optimizer optimizer = switch (keys.name()) {
            case "sgd" -> new Sgd(arena, store, groups, keys.momentum(), keys.weightDecay(), keys.nesterov());
            case "lars" -> new Lars(
                    arena, store, groups, keys.momentum(), keys.weightDecay(), keys.trustCoefficient(), larsForm(keys.lars()));
            case "adamw" -> new AdamW(arena, store, groups, keys.momentum(), keys.beta2(), ADAM_EPS, keys.weightDecay());
            default -> throw CulvertException.usage("optim.name: unknown '%s'; known: sgd, lars, adamw", keys.name());
        };
        keys.finalWeightDecay()
                .ifPresent(decay -> optimizer.decayTo(decay, config.schedule().epochs() * stepsPerEpoch));
        return optimizer;
    }

    private static Lars.Form larsForm(String key) {
        return switch (key) {
            case "barlow" -> Lars.Form.BARLOW;
            case "lightly" -> Lars.Form.LIGHTLY;
            default -> throw CulvertException.usage("optim.lars: unknown '%s'; known: barlow, lightly", key);
        };
    }

    /** Null if nothing is clipped. */
    private GradientScale.Clip clip() {
        RunConfig.Optim keys = config.optim();
        boolean global = switch (keys.clipBy()) {
            case "global" -> true;
            case "tensor" -> false;
            default -> throw CulvertException.usage("optim.clip_by: unknown '%s'; known: global, tensor", keys.clipBy());
        };
        return keys.clip().isEmpty()
                ? null
                : new GradientScale.Clip(
                        keys.clip().getAsDouble(), global, keys.clipHeads() ? store.parameters() : backbone.parameters());
    }

    /** What makes a step of several passes another than one on the whole batch; empty if nothing does. */
    Optional<String> accumulationDiffers() {
        if (config.optim().accumulate() == 1) {
            return Optional.empty();
        }
        boolean compares = method.comparesImages();
        boolean normalises = store.buffers().keySet().stream().anyMatch(name -> name.endsWith(".running_mean"));
        if (!compares && !normalises) {
            return Optional.empty();
        }
        return Optional.of((compares ? "the loss of " + method.name() + " compares the images of a batch" : "")
                + (compares && normalises ? ", and " : "")
                + (normalises ? "batch normalisation takes its statistics from a batch" : ""));
    }

    /** What log lines say of a step; to be made before the trainer, so that its batch is held to the memory that is left. */
    Diagnostics diagnostics() {
        return new Diagnostics(arena, store, method, config.log().norms());
    }

    /** Records and compiles the training step. */
    public Trainer trainer(int stepsPerEpoch) {
        return trainer(stepsPerEpoch, false);
    }

    /** @param keepAll whether every operation's output stays readable after a step */
    Trainer trainer(int stepsPerEpoch, boolean keepAll) {
        RunConfig.Schedule keys = config.schedule();
        WarmupCosine schedule = new WarmupCosine(
                config.peakLr(),
                config.warmupStartLr(),
                keys.minLr(),
                keys.warmupEpochs() * stepsPerEpoch,
                keys.epochs() * stepsPerEpoch);
        return new Trainer(
                arena,
                store,
                method,
                optimizer(stepsPerEpoch),
                schedule,
                images(),
                new int[] {config.data().imageSize(), config.data().localSize()},
                new Trainer.Extras(config.optim().accumulate(), clip(), probe(), keepAll));
    }

    private OnlineProbe probe() {
        RunConfig.Log keys = config.log();
        return keys.probe() && plan.labelled
                ? new OnlineProbe(
                        arena, backbone.features(), method.views(), plan.positiveWeight, keys.probeBeta2(), config.seed())
                : null;
    }

    /** The images to train on, drawn as the configuration says. */
    public static Dataset trainingData(RunConfig config) {
        return TrainingSet.of(config);
    }

    /** How the loader serves augmented views from the given step on. */
    public LoaderConfig training(int epoch, int stepInEpoch) {
        RunConfig.Data keys = config.data();
        LoaderConfig loading = withThreads(LoaderConfig.training(
                                Recipes.of(config.augment(), method.views()),
                                keys.imageSize(),
                                images(),
                                config.seed(),
                                config.schedule().epochs())
                        .withStart(epoch, stepInEpoch * config.optim().accumulate())
                        .withPasses(config.optim().accumulate())
                        .withPart(device.group().rank(), device.group().size())
                        .withDepth(keys.ring()))
                .withCacheBytes((long) keys.cacheMb() << 20);
        return method.localViews() == 0
                ? loading
                : loading.withCrops(Recipes.local(config.augment(), method.localViews()), keys.localSize());
    }

    /** Opens what brings batches into a network's inputs. */
    Feed feed(Dataset dataset, LoaderConfig loading, List<Tensor> pixels) {
        return Feed.open(dataset, loading, device, pixels, augmentOn());
    }

    private Feed.Place augmentOn() {
        String key = config.data().augmentOn();
        return switch (key) {
            case "auto" -> device.readsHostMemory() ? Feed.Place.HOST : Feed.Place.DEVICE;
            case "host" -> Feed.Place.HOST;
            case "device" -> Feed.Place.DEVICE;
            default -> throw CulvertException.usage("data.augment_on: unknown '%s'; known: auto, host, device", key);
        };
    }

    LoaderConfig withThreads(LoaderConfig loader) {
        int threads = config.data().loaderThreads();
        int share = Math.max(1, Runtime.getRuntime().availableProcessors() / localSize);
        return loader.withThreads(threads > 0 ? threads : share);
    }

    Plan plan() {
        return plan;
    }

    public RunConfig config() {
        return config;
    }

    public Device device() {
        return device;
    }

    public RunArena arena() {
        return arena;
    }

    public ParameterStore store() {
        return store;
    }

    public Backbone backbone() {
        return backbone;
    }

    public Method method() {
        return method;
    }

    @Override
    public void close() {
        // A device that broke refuses to free single blocks, and must still be closed.
        try {
            arena.close();
        } finally {
            device.close();
        }
    }
}
