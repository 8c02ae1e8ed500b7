package io.culvert.kernels;

import static io.culvert.kernels.KernelCase.Type.BF16;
import static io.culvert.kernels.KernelCase.Type.F32;
import static io.culvert.kernels.KernelCase.Type.I32;
import static io.culvert.kernels.KernelCase.Type.U8;

import io.culvert.kernels.KernelCase.Tolerance;
import io.culvert.kernels.KernelCase.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** The three passes of a view, each on what the twin of the pass before it gives. */
final class AugmentCases {
    private static final Tolerance SINGLE = new Tolerance(2e-6, 4e-6);
    private static final double[] NORMALIZATION =
            F32.round(new double[] {0.485, 0.456, 0.406, 0.229, 0.224, 0.225});

    private final List<KernelCase> cases = new ArrayList<>();
    private final ViewTwin[] views;
    private final int height;
    private final int width;
    private final double[] images;
    private final double[] records;

    private AugmentCases(int height, int width, double[] images, ViewTwin... views) {
        this.views = views;
        this.height = height;
        this.width = width;
        this.images = images;
        records = join(ViewTwin::record);
    }

    static List<KernelCase> all() {
        List<KernelCase> all = new ArrayList<>();
        double[] images = ViewTwin.pixels(1, 3 * (23 * 31 + 40 * 9));
        all.addAll(new AugmentCases(13, 17, images, first(), second(), third(), fourth()).every());
        all.addAll(new AugmentCases(5, 300, images, second(), first(), sixth()).every());
        all.addAll(new AugmentCases(30, 2, images, fifth(), first()).every());
        // A row of sources that is longer than what is staged at once.
        ViewTwin wide = new ViewTwin();
        wide.imageHeight = 2;
        wide.imageWidth = 2500;
        wide.cropHeight = 2;
        wide.cropWidth = 2499;
        wide.left = 1;
        wide.bicubic = true;
        AugmentCases staged = new AugmentCases(2, 70, ViewTwin.pixels(2, 3 * 2 * 2500), wide);
        staged.resize();
        all.addAll(staged.cases);
        // One source more than is staged at once, and a column so high that each lane makes several of its weights.
        ViewTwin odd = of(0, 2, 2500, 0, 1, 2, 2049);
        AugmentCases halved = new AugmentCases(2, 8, ViewTwin.pixels(3, 3 * 2 * 2500), odd);
        halved.resize();
        all.addAll(halved.cases);
        AugmentCases tall = new AugmentCases(2, 3, ViewTwin.pixels(4, 3 * 300 * 5), of(0, 300, 5, 2, 0, 290, 5));
        tall.resize();
        all.addAll(tall.cases);
        AugmentCases broad = new AugmentCases(2, 40, ViewTwin.pixels(5, 3 * 5 * 310), of(0, 5, 310, 0, 3, 5, 300));
        broad.resize();
        all.addAll(broad.cases);
        all.addAll(new AugmentCases(4, 1, images, sixth(), first()).every());
        return all;
    }

    private static ViewTwin of(long offset, int height, int width, int top, int left, int cropHeight, int cropWidth) {
        ViewTwin view = new ViewTwin();
        view.offset = offset;
        view.imageHeight = height;
        view.imageWidth = width;
        view.top = top;
        view.left = left;
        view.cropHeight = cropHeight;
        view.cropWidth = cropWidth;
        return view;
    }

    /** Shrunk, all colour steps, the contrast third; no blur; solarised and flipped. */
    private static ViewTwin first() {
        ViewTwin view = of(0, 23, 31, 1, 2, 20, 27);
        view.bicubic = true;
        view.steps = new int[] {ViewTwin.HUE, ViewTwin.BRIGHTNESS, ViewTwin.CONTRAST, ViewTwin.SATURATION};
        view.amounts = new float[] {0.3f, 1.2f, 0.7f, 1.6f};
        view.solarize = true;
        view.threshold = 0.4f;
        view.flip = true;
        return view;
    }

    /** The second image, enlarged by the bicubic filter, contrast first, blurred. */
    private static ViewTwin second() {
        ViewTwin view = of(3 * 23 * 31, 40, 9, 3, 0, 7, 9);
        view.bicubic = true;
        view.steps = new int[] {ViewTwin.CONTRAST, ViewTwin.SATURATION, ViewTwin.HUE};
        view.amounts = new float[] {1.5f, 1.4f, 0.4f};
        view.blurWidth = 5;
        view.blurHeight = 7;
        view.sigmaX = 0.9f;
        view.sigmaY = 1.3f;
        view.solarize = true;
        view.threshold = 0.55f;
        return view;
    }

    /** No antialiasing, no clamp, steps without a contrast, blurred beyond what weighs anything. */
    private static ViewTwin third() {
        ViewTwin view = of(0, 23, 31, 4, 3, 17, 11);
        view.bicubic = true;
        view.antialias = false;
        view.clamp = false;
        view.steps = new int[] {ViewTwin.SATURATION, ViewTwin.HUE};
        view.amounts = new float[] {0.6f, -0.45f};
        view.blurWidth = 33;
        view.blurHeight = 25;
        view.sigmaX = 2.2f;
        view.sigmaY = 0.3f;
        view.flip = true;
        return view;
    }

    /** Bilinear without antialiasing, the contrast last. */
    private static ViewTwin fourth() {
        ViewTwin view = of(3 * 23 * 31, 40, 9, 0, 1, 40, 8);
        view.antialias = false;
        view.steps = new int[] {ViewTwin.SATURATION, ViewTwin.HUE, ViewTwin.BRIGHTNESS, ViewTwin.CONTRAST};
        view.amounts = new float[] {1.7f, -0.3f, 0.9f, 1.3f};
        return view;
    }

    /** A narrow view: the blur's kernel along rows is as wide as it may be. */
    private static ViewTwin fifth() {
        ViewTwin view = of(0, 23, 31, 0, 0, 23, 31);
        view.grey = true;
        view.steps = new int[] {ViewTwin.HUE, ViewTwin.CONTRAST};
        view.amounts = new float[] {0.5f, 0};
        view.blurWidth = 3;
        view.blurHeight = 23;
        view.sigmaX = 1.1f;
        view.sigmaY = 4;
        return view;
    }

    /** Blurred by a kernel of one pixel, which changes nothing. */
    private static ViewTwin sixth() {
        ViewTwin view = of(0, 23, 31, 2, 5, 20, 20);
        view.blurWidth = 1;
        view.blurHeight = 1;
        view.solarize = true;
        view.threshold = 0.45f;
        return view;
    }

    private double[] join(Function<ViewTwin, double[]> of) {
        List<double[]> all = new ArrayList<>();
        int count = 0;
        for (ViewTwin view : views) {
            all.add(of.apply(view));
            count += all.getLast().length;
        }
        double[] joined = new double[count];
        int at = 0;
        for (double[] part : all) {
            System.arraycopy(part, 0, joined, at, part.length);
            at += part.length;
        }
        return joined;
    }

    private List<KernelCase> every() {
        resize();
        for (Type type : List.of(F32, BF16)) {
            colour(type, true);
            colour(type, false);
            blur(type, true);
            blur(type, false);
        }
        return cases;
    }

    private double[][][] planes(ViewTwin view) {
        double[][][] p = view.resized(images, height, width);
        view.adjust(p, 0, view.contrast() < 4 ? view.contrast() : 0);
        return p;
    }

    /** Grey of each row, from which the contrast takes its mean. */
    private double[] grey(ViewTwin view) {
        double[] grey = new double[height];
        double[][][] p = planes(view);
        for (int i = 0; view.contrast() < 4 && i < height * width; i++) {
            int y = i / width;
            int x = i % width;
            grey[y] += ViewTwin.greyOf(p[0][y][x], p[1][y][x], p[2][y][x]);
        }
        return grey;
    }

    private void resize() {
        cases.add(new KernelCase("augment", "augment_resize_f32").grid(height, views.length, 1)
                .out(F32, join(view -> ViewTwin.flat(planes(view))), SINGLE).out(F32, join(this::grey), SINGLE)
                .in(U8, images).in(I32, records).value(height, width));
    }

    private double[][][] coloured(ViewTwin view) {
        double[][][] p = planes(view);
        view.adjust(p, view.contrast() < 4 ? view.contrast() : 0, 4);
        view.toGrey(p);
        return p;
    }

    private double[] zeros() {
        return new double[3 * height * width];
    }

    private Tolerance tolerance(Type type) {
        return type == BF16 ? Tolerance.STORED_BF16 : SINGLE;
    }

    private void colour(Type type, boolean planar) {
        double[] out = join(view ->
                view.blurWidth > 0 ? zeros() : view.finished(coloured(view), NORMALIZATION, planar));
        double[] blurred = join(view ->
                view.blurWidth > 0 ? ViewTwin.flat(view.blurred(coloured(view), true)) : zeros());
        cases.add(new KernelCase("augment", "augment_colour_" + type.suffix()).grid(height, views.length, 1)
                .inout(type, join(view -> zeros()), out, tolerance(type))
                .inout(F32, join(view -> zeros()), blurred, SINGLE)
                .in(F32, F32.round(join(view -> ViewTwin.flat(planes(view)))))
                .in(F32, F32.round(join(this::grey)))
                .in(I32, records).in(F32, NORMALIZATION).value(height, width, planar ? 1 : 0));
    }

    private void blur(Type type, boolean planar) {
        double[] in = F32.round(join(view ->
                view.blurWidth > 0 ? ViewTwin.flat(view.blurred(coloured(view), true)) : zeros()));
        int[] index = {0};
        double[] out = join(view -> {
            int from = index[0];
            index[0] += zeros().length;
            if (view.blurWidth == 0) {
                return zeros();
            }
            double[][][] p = ViewTwin.planes(Arrays.copyOfRange(in, from, index[0]), height, width);
            return view.finished(view.blurred(p, false), NORMALIZATION, planar);
        });
        cases.add(new KernelCase("augment", "augment_blur_" + type.suffix()).grid(height, views.length, 1)
                .inout(type, join(view -> zeros()), out, tolerance(type))
                .in(F32, in).in(I32, records).in(F32, NORMALIZATION).value(height, width, planar ? 1 : 0));
    }
}
