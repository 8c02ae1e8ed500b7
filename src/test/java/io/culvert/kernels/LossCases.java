package io.culvert.kernels;

import static io.culvert.kernels.KernelCase.Type.F32;
import static io.culvert.kernels.KernelCase.Type.F64;
import static io.culvert.kernels.KernelCase.Type.I32;

import io.culvert.kernels.KernelCase.Tolerance;
import io.culvert.reference.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The kernels of the losses beside NT-Xent. */
final class LossCases {
    private static final Tolerance TOLERANCE = new Tolerance(4e-6, 1e-6);

    /** Rows, width, threads along a row, rows of a block, blocks: a warp to a row, and a block to a row. */
    private static final int[][] TEAMS = {
        {2, 1, 32, 8, 1}, {4, 3, 32, 8, 1}, {18, 37, 32, 8, 2}, {10, 33, 32, 2, 2}, {6, 131, 64, 1, 2}, {4, 1100, 256, 1, 2}
    };

    private final List<KernelCase> cases = new ArrayList<>();

    static List<KernelCase> all() {
        LossCases all = new LossCases();
        for (int count : new int[] {1, 33, 1003}) {
            all.sum(count);
            all.bce(count);
        }
        for (int[] shape : TEAMS) {
            all.crossEntropy(shape);
            all.byol(shape);
            all.dino(shape);
            all.barlowRows(shape);
        }
        // Images, patches down and across, the side of a patch, channels.
        for (int[] shape : new int[][] {{1, 1, 1, 1, 2}, {2, 2, 3, 4, 3}, {3, 1, 2, 5, 1}}) {
            all.mae(shape, true);
            all.mae(shape, false);
        }
        for (int[] shape : new int[][] {{1, 1}, {11, 37}, {33, 64}}) {
            all.barlowColumns(shape[0], shape[1]);
        }
        return all.cases;
    }

    private KernelCase add(String module, String kernel) {
        KernelCase made = new KernelCase(module, kernel + "_f32");
        cases.add(made);
        return made;
    }

    private KernelCase teams(String module, String kernel, int[] shape) {
        return add(module, kernel).grid(shape[4]).block(shape[2], shape[3]);
    }

    private void sum(int count) {
        double[] x = F32.normal(1, count);
        double want = 0.5 * Arrays.stream(x).sum();
        add("loss", "loss_sum").out(F32, new double[] {want}).in(F32, x).value(count).value(0.5f);
    }

    private void bce(int count) {
        double[] x = F32.round(Arrays.stream(F32.normal(2, count)).map(v -> 5 * v).toArray());
        double[] y = Arrays.stream(F32.normal(3, count)).map(v -> v > 0 ? 1 : 0).toArray();
        double[] dx = new double[count];
        for (int i = 0; i < count; i++) {
            dx[i] = ((1 - y[i]) / (1 + Math.exp(-x[i])) - 3.5 * y[i] / (1 + Math.exp(x[i]))) / count;
        }
        double[] loss = {Reference.binaryCrossEntropy(x, y, 3.5)};
        add("bce", "bce_forward").out(F32, loss).in(F32, x).in(F32, y).value(count).value(3.5f);
        add("bce", "bce_backward").grid(2).out(F32, dx, TOLERANCE).in(F32, x).in(F32, y).value(count).value(3.5f);
    }

    private void crossEntropy(int[] shape) {
        int rows = shape[0];
        int width = shape[1];
        double[] x = F32.normal(4, rows * width);
        double[] labels = new double[rows];
        double[] loss = new double[rows];
        double[] max = new double[rows];
        double[] others = new double[rows];
        double[] dx = Reference.softmax(x, width);
        for (int row = 0; row < rows; row++) {
            labels[row] = row % width;
            double[] one = Arrays.copyOfRange(x, row * width, (row + 1) * width);
            loss[row] = Reference.crossEntropy(one, width, new double[] {labels[row]});
            max[row] = Arrays.stream(one).max().orElseThrow();
            double top = max[row];
            others[row] = Arrays.stream(one).map(v -> Math.exp(v - top)).sum() - 1;
            dx[row * width + row % width] -= 1;
        }
        dx = Arrays.stream(dx).map(v -> v / rows).toArray();
        teams("crossentropy", "crossentropy_forward", shape)
                .out(F32, loss, TOLERANCE).out(F32, max, Tolerance.EXACT).out(F32, others, TOLERANCE)
                .in(F32, x).in(I32, labels).value(rows, width);
        teams("crossentropy", "crossentropy_backward", shape)
                .out(F32, dx, TOLERANCE).in(F32, x).in(I32, labels).in(F32, max).in(F32, F32.round(others))
                .value(rows, width);
    }

    private void byol(int[] shape) {
        int rows = shape[0];
        int width = shape[1];
        double[] p = F32.normal(5, rows * width);
        double[] z = F32.normal(6, rows * width);
        double[] loss = new double[rows];
        double[] dp = new double[rows * width];
        for (int row = 0; row < rows; row++) {
            int at = row * width;
            int pair = (row + rows / 2) % rows * width;
            double pp = 0;
            double zz = 0;
            double pz = 0;
            for (int i = 0; i < width; i++) {
                pp += p[at + i] * p[at + i];
                zz += z[pair + i] * z[pair + i];
                pz += p[at + i] * z[pair + i];
            }
            loss[row] = 2 - 2 * pz / Math.sqrt(pp * zz);
            for (int i = 0; i < width; i++) {
                dp[at + i] = -2 * (z[pair + i] - p[at + i] * pz / pp) / Math.sqrt(pp * zz) / rows;
            }
        }
        // In one dimension 2 - 2 cos is 0 or 4 and the gradient nothing but rounding.
        Tolerance tolerance = width == 1 ? new Tolerance(0, 1e-6) : TOLERANCE;
        teams("byol", "byol_forward", shape).out(F32, loss, tolerance).in(F32, p).in(F32, z).value(rows, width);
        if (width > 1) {
            teams("byol", "byol_backward", shape).out(F32, dp, TOLERANCE).in(F32, p).in(F32, z).value(rows, width);
        }
    }

    /** Rows of half certain and half flat distributions; the first entry of a certain one is told by its sign. */
    private void dino(int[] shape) {
        int batch = shape[0] / 2;
        int width = shape[1];
        int crops = 3;
        double[] teacher = F32.normal(7, 2 * batch * width);
        double[] center = F32.normal(8, width);
        double[] scaled = new double[teacher.length];
        for (int i = 0; i < teacher.length; i++) {
            scaled[i] = 2 * (teacher[i] - center[i % width]);
        }
        double[] p = Reference.softmax(scaled, width);
        double[] code = Arrays.stream(p).map(v -> v > 0.5 ? v == 1 ? -0.0 : v - 1 : v).toArray();
        teams("dino", "dino_teacher", shape).out(F32, code, TOLERANCE).in(F32, teacher).in(F32, center).in(F32, 2)
                .value(2 * batch, width);
        double[] rounded = F32.round(code);
        double[] x = F32.normal(9, crops * batch * width);
        double[] q = Reference.softmax(Arrays.stream(x).map(v -> 4 * v).toArray(), width);
        double[] loss = new double[crops * batch];
        double[] dx = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            int row = i / width;
            for (int t = 0; t < 2; t++) {
                double c = rounded[(t * batch + row % batch) * width + i % width];
                double target = Math.signum(c) < 0 || Double.doubleToRawLongBits(c) < 0 ? 1 + c : c;
                if (row / batch != t) {
                    loss[row] -= target * Math.log(q[i]);
                    dx[i] += (q[i] - target) * 0.25;
                }
            }
        }
        teams("dino", "dino_student", shape).out(F32, loss, TOLERANCE).out(F32, dx, TOLERANCE).in(F32, x)
                .in(F32, rounded).value(crops * batch, batch, width).value(4f, 0.25f);
        teams("dino", "dino_student", shape).out(F32, loss, TOLERANCE).none().in(F32, x)
                .in(F32, rounded).value(crops * batch, batch, width).value(4f, 0.25f);
        double[] moved = new double[width];
        for (int c = 0; c < width; c++) {
            double mean = 0;
            for (int row = 0; row < 2 * batch; row++) {
                mean += teacher[row * width + c] / (2 * batch);
            }
            moved[c] = 0.75 * center[c] + 0.25 * mean;
        }
        add("dino", "dino_center").grid((width + 31) / 32).inout(F32, center, moved, TOLERANCE).in(F32, teacher)
                .value(2 * batch, width).value(0.75f, 0.25f);
    }

    private void mae(int[] shape, boolean normalised) {
        int patch = shape[3];
        int channels = shape[4];
        int h = shape[1] * patch;
        int w = shape[2] * patch;
        int patches = shape[0] * shape[1] * shape[2];
        int pixels = patch * patch * channels;
        double[] image = F32.normal(10, patches * pixels);
        double[] pred = F32.normal(11, patches * pixels);
        double[] mask = new double[patches];
        Arrays.setAll(mask, i -> i % 3 == 1 ? 0 : 1);
        double removed = Arrays.stream(mask).sum();
        double[] loss = new double[patches];
        double[] dpred = new double[pred.length];
        for (int i = 0; i < patches; i++) {
            double[] only = new double[patches];
            only[i] = 1;
            loss[i] = mask[i] * Reference.mae(pred, image, only, h, w, channels, patch, normalised);
        }
        double all = Arrays.stream(loss).sum() / removed;
        for (int i = 0; i < pred.length; i++) {
            // The loss is quadratic in each prediction: its central difference is exact for any step.
            double kept = pred[i];
            pred[i] = kept + 1;
            double up = Reference.mae(pred, image, mask, h, w, channels, patch, normalised);
            pred[i] = kept - 1;
            dpred[i] = (up - Reference.mae(pred, image, mask, h, w, channels, patch, normalised)) / 2;
            pred[i] = kept;
        }
        int flag = normalised ? 1 : 0;
        add("mae", "mae_forward").grid(2).block(32, 2).out(F32, loss, TOLERANCE).in(F32, pred).in(F32, image)
                .in(F32, mask).value(patches, shape[2], patch, channels, flag);
        add("mae", "mae_forward").grid(2).block(64, 1).out(F32, loss, TOLERANCE).in(F32, pred).in(F32, image)
                .in(F32, mask).value(patches, shape[2], patch, channels, flag);
        add("mae", "mae_mean").out(F32, new double[] {all}).out(F32, new double[] {removed}).in(F32, F32.round(loss))
                .in(F32, mask).value(patches);
        add("mae", "mae_backward").grid(2).block(32, 2).out(F32, dpred, TOLERANCE).in(F32, pred).in(F32, image)
                .in(F32, mask).in(F32, removed).value(patches, shape[2], patch, channels, flag);
    }

    private void barlowRows(int[] shape) {
        int width = shape[1];
        double[] c = F32.normal(12, width * width);
        double[] statistics = F64.normal(13, 5 * width);
        double[] loss = new double[width];
        double[] off = c.clone();
        for (int i = 0; i < width; i++) {
            off[i * width + i] = 0;
            loss[i] = Math.pow(statistics[4 * width + i], 2);
            for (int j = 0; j < width; j++) {
                loss[i] += 0.25 * off[i * width + j] * off[i * width + j];
            }
        }
        if (width < 1000) {
            teams("barlow", "barlow_rows", shape).out(F32, loss).inout(F32, c, off, Tolerance.EXACT)
                    .in(F64, statistics).value(width).value(0.25f);
        }
    }

    private void barlowColumns(int batch, int width) {
        float eps = 0x1p-10f;
        double slope = 0.5;
        int half = batch * width;
        double[] z = F32.normal(14, 2 * half);
        double[] du = F32.normal(15, 2 * half);
        double[] one = new double[width];
        Arrays.fill(one, 1);
        double[] u = Reference.batchNorm(z, width, one, new double[width], null, eps, false, 2);
        double[] statistics = new double[5 * width];
        double[] dz = new double[2 * half];
        for (int c = 0; c < width; c++) {
            for (int row = 0; row < batch; row++) {
                statistics[4 * width + c] += u[row * width + c] * u[half + row * width + c] / batch;
            }
            statistics[4 * width + c] -= 1;
            for (int view = 0; view < 2; view++) {
                double mean = 0;
                double variance = 0;
                double sum = 0;
                double along = 0;
                double[] g = new double[batch];
                for (int row = 0; row < batch; row++) {
                    mean += z[view * half + row * width + c] / batch;
                }
                for (int row = 0; row < batch; row++) {
                    int at = view * half + row * width + c;
                    variance += Math.pow(z[at] - mean, 2) / batch;
                    g[row] = du[at] + slope * statistics[4 * width + c] * u[(1 - view) * half + row * width + c];
                    sum += g[row] / batch;
                    along += g[row] * u[at] / batch;
                }
                double inverse = 1 / Math.sqrt(variance + eps);
                statistics[2 * view * width + c] = mean;
                statistics[(2 * view + 1) * width + c] = inverse;
                for (int row = 0; row < batch; row++) {
                    int at = view * half + row * width + c;
                    dz[at] = (g[row] - sum - u[at] * along) * inverse;
                }
            }
        }
        int tiles = (width + 31) / 32;
        add("barlow", "barlow_normalise").grid(tiles).out(F32, u).out(F64, statistics, new Tolerance(1e-12, 1e-12))
                .in(F32, z).value(batch, width).value(eps);
        add("barlow", "barlow_backward").grid(tiles).out(F32, dz, TOLERANCE).in(F32, du).in(F32, z)
                .in(F64, statistics).value(batch, width).value((float) slope);
    }
}
