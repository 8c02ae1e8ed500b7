package io.culvert.kernels;

import static io.culvert.kernels.KernelCase.Type.F32;
import static io.culvert.kernels.KernelCase.Type.F64;
import static io.culvert.kernels.KernelCase.Type.I32;

import io.culvert.kernels.KernelCase.Tolerance;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The kernels of the losses but NT-Xent, each on inputs of its own. */
final class LossCases {
    /** Rows, width, threads along a row, rows of a block, blocks: a warp to a row, and a block to a row. */
    private static final int[][] TEAMS = {
        {2, 1, 32, 8, 1}, {6, 37, 32, 2, 2}, {18, 197, 32, 8, 1}, {6, 131, 64, 1, 2}, {10, 521, 128, 1, 2}, {4, 1000, 256, 1, 1}
    };

    private static final Tolerance SINGLE = new Tolerance(4e-6, 2e-6);

    private final List<KernelCase> cases = new ArrayList<>();

    static List<KernelCase> all() {
        LossCases all = new LossCases();
        for (int n : new int[] {1, 33, 1000, 1100}) {
            all.sum(n);
            all.binary(n);
        }
        for (int[] shape : TEAMS) {
            all.crossEntropy(shape);
            all.byol(shape);
            all.dino(shape);
            all.barlowRows(shape);
        }
        for (int[] shape : new int[][] {{2, 1, 1}, {9, 33, 1}, {40, 70, 2}, {75, 31, 1}, {32, 37, 2}, {21, 5, 1}}) {
            all.barlow(shape[0], shape[1], shape[2]);
            all.center(shape[0], shape[1], shape[2]);
        }
        // Images, patches down and across, pixels of a side, channels, threads, rows of a block, blocks.
        int[][] patches = {
            {1, 1, 2, 1, 3, 32, 4, 1}, {2, 3, 5, 4, 3, 32, 8, 1}, {1, 2, 3, 7, 3, 64, 1, 2}, {1, 2, 2, 16, 3, 256, 1, 1},
            {1, 3, 2, 13, 1, 128, 1, 2}
        };
        for (int[] shape : patches) {
            all.mae(shape, false);
            all.mae(shape, true);
        }
        for (int count : new int[] {1, 37, 1100}) {
            all.maeMean(count);
        }
        return all.cases;
    }

    private KernelCase teams(String module, String kernel, int[] shape) {
        return new KernelCase(module, kernel).grid(shape[4]).block(shape[2], shape[3]);
    }

    private void sum(int n) {
        double[] x = F32.normal(1, n);
        for (int threads : new int[] {128, 256}) {
            cases.add(new KernelCase("loss", "loss_sum_f32").block(threads)
                    .out(F32, new double[] {0.3f * Arrays.stream(x).sum()}, new Tolerance(1e-6, 1e-6))
                    .in(F32, x).value(n).value(0.3f));
        }
    }

    private static double softplus(double x) {
        return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    }

    private void binary(int n) {
        float weight = 2.5f;
        double[] x = F32.normal(1, n);
        double[] y = F32.normal(2, n);
        double loss = 0;
        double[] dx = new double[n];
        for (int i = 0; i < n; i++) {
            x[i] = F32.round(3 * x[i]);
            y[i] = y[i] > 0 ? 1 : 0;
            loss += (weight * y[i] * softplus(-x[i]) + (1 - y[i]) * softplus(x[i])) / n;
            double sigmoid = 1 / (1 + Math.exp(-x[i]));
            dx[i] = ((1 - y[i]) * sigmoid - weight * y[i] * (1 - sigmoid)) / n;
        }
        for (int threads : new int[] {128, 256}) {
            cases.add(new KernelCase("bce", "bce_forward_f32").block(threads)
                    .out(F32, new double[] {loss}).in(F32, x).in(F32, y).value(n).value(weight));
        }
        cases.add(new KernelCase("bce", "bce_backward_f32").grid(n > 1000 ? 1 : 2).block(32)
                .out(F32, dx).in(F32, x).in(F32, y).value(n).value(weight));
    }

    private void crossEntropy(int[] shape) {
        int rows = shape[0];
        int width = shape[1];
        double[] x = F32.normal(1, rows * width);
        double[] labels = new double[rows];
        double[] loss = new double[rows];
        double[] max = new double[rows];
        double[] others = new double[rows];
        double[] dx = new double[rows * width];
        for (int row = 0; row < rows; row++) {
            int at = row * width;
            int top = at;
            for (int i = at; i < at + width; i++) {
                top = x[i] > x[top] ? i : top;
            }
            // Now and then the label has the maximum, or is none of the classes.
            labels[row] = row % 3 == 0 ? top - at : row % 5 == 4 ? width : row * 7 % width;
            max[row] = x[top];
            for (int i = at; i < at + width; i++) {
                others[row] += i == top ? 0 : Math.exp(x[i] - max[row]);
            }
            boolean known = labels[row] < width;
            loss[row] = known ? Math.log1p(others[row]) + max[row] - x[at + (int) labels[row]] : Double.NaN;
            double rounded = F32.round(others[row]);
            for (int i = at; i < at + width; i++) {
                double p = Math.exp(x[i] - max[row]) / (1 + rounded);
                boolean isLabel = i - at == labels[row];
                double g = !isLabel ? p : i == top ? -rounded / (1 + rounded) : p - 1;
                dx[i] = known ? g / rows : Double.NaN;
            }
        }
        cases.add(teams("crossentropy", "crossentropy_forward_f32", shape)
                .out(F32, loss, SINGLE).out(F32, max, Tolerance.EXACT).out(F32, others, SINGLE)
                .in(F32, x).in(I32, labels).value(rows, width));
        cases.add(teams("crossentropy", "crossentropy_backward_f32", shape)
                .out(F32, dx, SINGLE).in(F32, x).in(I32, labels).in(F32, max).in(F32, F32.round(others))
                .value(rows, width));
    }

    private void byol(int[] shape) {
        int rows = shape[0];
        int width = shape[1];
        double[] p = F32.normal(1, rows * width);
        double[] z = F32.normal(2, rows * width);
        // A prediction of zeros, whose length is held to be 1e-12.
        Arrays.fill(p, 0, width, rows > 4 ? 0 : p[0]);
        double[] loss = new double[rows];
        double[] dp = new double[rows * width];
        for (int row = 0; row < rows; row++) {
            int pair = (row + rows / 2) % rows * width;
            double pp = 0;
            double zz = 0;
            double pz = 0;
            for (int c = 0; c < width; c++) {
                pp += p[row * width + c] * p[row * width + c];
                zz += z[pair + c] * z[pair + c];
                pz += p[row * width + c] * z[pair + c];
            }
            double length = Math.max(1e-12, Math.sqrt(pp));
            double other = Math.max(1e-12, Math.sqrt(zz));
            double cosine = pz / length / other;
            loss[row] = 2 - 2 * cosine;
            for (int c = 0; c < width; c++) {
                double along = pp > 0 ? cosine * p[row * width + c] / length : 0;
                dp[row * width + c] = -2 * (z[pair + c] / other - along) / length / rows;
            }
        }
        Tolerance relative = new Tolerance(1e-6, width == 1 ? 1e-12 : 1e-7);
        cases.add(teams("byol", "byol_forward_f32", shape)
                .out(F32, loss, relative).in(F32, p).in(F32, z).value(rows, width));
        cases.add(teams("byol", "byol_backward_f32", shape)
                .out(F32, dp, new Tolerance(1e-6, 1e-10)).in(F32, p).in(F32, z).value(rows, width));
    }

    private void barlow(int batch, int width, int blocks) {
        float eps = 1e-3f;
        float slope = 0.7f;
        double[] z = F32.normal(1, 2 * batch * width);
        double[] dunit = F32.normal(2, 2 * batch * width);
        double[] unit = new double[z.length];
        double[] statistics = new double[5 * width];
        for (int c = 0; c < width; c++) {
            for (int view = 0; view < 2; view++) {
                double mean = 0;
                double variance = 0;
                for (int r = 0; r < batch; r++) {
                    mean += z[(view * batch + r) * width + c] / batch;
                }
                for (int r = 0; r < batch; r++) {
                    variance += Math.pow(z[(view * batch + r) * width + c] - mean, 2) / batch;
                }
                statistics[2 * view * width + c] = mean;
                statistics[(2 * view + 1) * width + c] = 1 / Math.sqrt(variance + eps);
                for (int r = 0; r < batch; r++) {
                    int i = (view * batch + r) * width + c;
                    unit[i] = (z[i] - mean) / Math.sqrt(variance + eps);
                }
            }
            double diagonal = 0;
            for (int r = 0; r < batch; r++) {
                diagonal += unit[r * width + c] * unit[(batch + r) * width + c] / batch;
            }
            statistics[4 * width + c] = diagonal - 1;
        }
        double[] dz = new double[z.length];
        for (int c = 0; c < width; c++) {
            for (int view = 0; view < 2; view++) {
                double sum = 0;
                double along = 0;
                double[] g = new double[batch];
                for (int r = 0; r < batch; r++) {
                    int i = (view * batch + r) * width + c;
                    g[r] = dunit[i] + slope * statistics[4 * width + c] * unit[((1 - view) * batch + r) * width + c];
                    sum += g[r] / batch;
                    along += g[r] * unit[i] / batch;
                }
                for (int r = 0; r < batch; r++) {
                    int i = (view * batch + r) * width + c;
                    dz[i] = (g[r] - sum - unit[i] * along) * statistics[(2 * view + 1) * width + c];
                }
            }
        }
        cases.add(new KernelCase("barlow", "barlow_normalise_f32").grid(blocks)
                .out(F32, unit).out(F64, statistics, new Tolerance(1e-12, 1e-12)).in(F32, z)
                .value(batch, width).value(eps));
        cases.add(new KernelCase("barlow", "barlow_backward_f32").grid(blocks)
                .out(F32, dz).in(F32, dunit).in(F32, z).in(F64, statistics).value(batch, width).value(slope));
    }

    private void barlowRows(int[] shape) {
        int width = Math.min(131, shape[1]);
        float lambda = 0.05f;
        double[] c = F32.normal(1, width * width);
        double[] cleared = c.clone();
        double[] statistics = F64.normal(2, 5 * width);
        double[] loss = new double[width];
        for (int row = 0; row < width; row++) {
            for (int i = 0; i < width; i++) {
                loss[row] += i == row ? 0 : lambda * c[row * width + i] * c[row * width + i];
            }
            loss[row] += statistics[4 * width + row] * statistics[4 * width + row];
            cleared[row * width + row] = 0;
        }
        cases.add(teams("barlow", "barlow_rows_f32", shape)
                .out(F32, loss).inout(F32, c, cleared, Tolerance.EXACT).in(F64, statistics).value(width).value(lambda));
    }

    /** p as the kernels keep it: where it is 1 less a small number, that number with its minus sign. */
    private static double encode(double below, double others) {
        return below == 0 && others < 1 ? -others / (1 + others) : Math.exp(below) / (1 + others);
    }

    private static double value(double code) {
        return Double.doubleToRawLongBits(code) < 0 ? 1 + code : code;
    }

    /** The sum of exp((x - max) sharpness) over all but the maximum. */
    private static double others(double[] x, int at, int width, double max, double sharpness) {
        double sum = -1;
        for (int i = at; i < at + width; i++) {
            sum += Math.exp((x[i] - max) * sharpness);
        }
        return sum;
    }

    private static double max(double[] x, int at, int width) {
        return Arrays.stream(x, at, at + width).max().orElseThrow();
    }

    private void dino(int[] shape) {
        int width = shape[1];
        int batch = Math.max(1, shape[0] / 4);
        int crops = 4;
        double sharp = F32.round(7.5);
        float sharpness = 3.5f;
        float scale = 0.2f;
        double[] teacher = F32.normal(1, 2 * batch * width);
        double[] center = F32.normal(2, width);
        double[] student = F32.normal(3, crops * batch * width);
        double[] probabilities = new double[teacher.length];
        double[] entropy = new double[2 * batch];
        for (int at = 0; at < teacher.length; at += width) {
            double[] shifted = new double[width];
            for (int c = 0; c < width; c++) {
                shifted[c] = teacher[at + c] - center[c];
            }
            double max = max(shifted, 0, width);
            double others = others(shifted, 0, width, max, sharp);
            for (int c = 0; c < width; c++) {
                double below = (shifted[c] - max) * sharp;
                probabilities[at + c] = encode(below, others);
                entropy[at / width] += Math.exp(below) / (1 + others) * (Math.log1p(others) - below);
            }
        }
        cases.add(teams("dino", "dino_teacher_f32", shape)
                .out(F32, probabilities, new Tolerance(4e-6, 4e-6)).out(F32, entropy, new Tolerance(4e-6, 4e-6))
                .in(F32, teacher).in(F32, center).in(F32, sharp)
                .value(2 * batch, width));
        double[] rounded = F32.round(probabilities);
        double[] loss = new double[crops * batch];
        double[] gradient = new double[student.length];
        for (int row = 0; row < loss.length; row++) {
            int crop = row / batch;
            int image = row % batch;
            int at = row * width;
            double max = max(student, at, width);
            double others = others(student, at, width, max, sharpness);
            for (int c = 0; c < width; c++) {
                double below = (student[at + c] - max) * sharpness;
                for (int of = 0; of < 2; of++) {
                    if (of == crop) {
                        continue;
                    }
                    double target = value(rounded[(of * batch + image) * width + c]);
                    loss[row] -= target * (below - Math.log1p(others));
                    gradient[at + c] += scale * (Math.exp(below) / (1 + others) - target);
                }
            }
        }
        Tolerance tolerance = new Tolerance(4e-6, width == 1 ? 1e-6 : 4e-6);
        cases.add(teams("dino", "dino_student_f32", shape)
                .out(F32, loss, tolerance).out(F32, gradient, tolerance).in(F32, student).in(F32, rounded)
                .value(crops * batch, batch, width).value(sharpness, scale));
        cases.add(teams("dino", "dino_student_f32", shape)
                .out(F32, loss, tolerance).none().in(F32, student).in(F32, rounded)
                .value(crops * batch, batch, width).value(sharpness, scale));
    }

    private void center(int rows, int width, int blocks) {
        double[] center = F32.normal(1, width);
        double[] teacher = F32.normal(2, rows * width);
        double[] sums = ElementwiseCases.rowSums(teacher, width);
        double[] moved = new double[width];
        for (int c = 0; c < width; c++) {
            moved[c] = 0.9f * center[c] + 0.2f * sums[c] / rows;
        }
        cases.add(new KernelCase("dino", "dino_center_f32").grid(blocks)
                .inout(F32, center, moved).in(F32, teacher).value(rows, width).value(0.9f, 0.2f));
    }

    private void mae(int[] s, boolean normalised) {
        int down = s[1];
        int across = s[2];
        int side = s[3];
        int channels = s[4];
        int count = s[0] * down * across;
        int pixels = side * side * channels;
        double[] image = F32.normal(1, count * pixels);
        for (int i = 0; i < image.length && normalised && side == 7; i++) {
            // So little contrast that the 1e-6 under the root counts.
            image[i] = F32.round(image[i] / 1000);
        }
        double[] pred = F32.normal(2, count * pixels);
        double[] mask = new double[count];
        double[] loss = new double[count];
        double[] dpred = new double[pred.length];
        float removed = 3;
        for (int p = 0; p < count; p++) {
            mask[p] = p % 3 == 1 ? 0 : p % 3 == 2 ? 0.5 : 1;
            double[] target = new double[pixels];
            double mean = 0;
            double variance = 0;
            for (int i = 0; i < pixels; i++) {
                int row = p / across * side + i / (side * channels);
                target[i] = image[row * across * side * channels + p % across * side * channels + i % (side * channels)];
                mean += target[i] / pixels;
            }
            for (int i = 0; i < pixels; i++) {
                variance += (target[i] - mean) * (target[i] - mean) / (pixels - 1);
            }
            for (int i = 0; i < pixels; i++) {
                double wanted = normalised ? (target[i] - mean) / Math.sqrt(variance + 1e-6) : target[i];
                double off = pred[p * pixels + i] - wanted;
                loss[p] += mask[p] * off * off / pixels;
                dpred[p * pixels + i] = 2 * mask[p] * off / (pixels * (double) removed);
            }
        }
        int[] sizes = {count, across, side, channels, normalised ? 1 : 0};
        cases.add(new KernelCase("mae", "mae_forward_f32").grid(s[7]).block(s[5], s[6])
                .out(F32, loss).in(F32, pred).in(F32, image).in(F32, mask).value(sizes));
        cases.add(new KernelCase("mae", "mae_backward_f32").grid(s[7]).block(s[5], s[6])
                .out(F32, dpred).in(F32, pred).in(F32, image).in(F32, mask).in(F32, removed).value(sizes));
    }

    private void maeMean(int count) {
        double[] loss = F32.normal(1, count);
        double[] mask = new double[count];
        for (int i = 0; i < count; i++) {
            mask[i] = i % 4 == 0 ? 1 : 0;
        }
        double weight = Arrays.stream(mask).sum();
        for (int threads : new int[] {128, 256}) {
            cases.add(new KernelCase("mae", "mae_mean_f32").block(threads)
                    .out(F32, new double[] {Arrays.stream(loss).sum() / weight}).out(F32, new double[] {weight})
                    .in(F32, loss).in(F32, mask).value(count));
        }
    }
}
