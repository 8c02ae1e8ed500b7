package io.culvert.reference;

import java.util.Arrays;

/** The formulas of the ops as plain loops in double precision, for tests alone. Maps are {@code N H W C}. */
public final class Reference {
    private Reference() {}

    /** x {@code [n, h, w, in]}, weight {@code [out, in, k, k]}. */
    public static double[] conv2d(
            double[] x, int n, int h, int w, int in, double[] weight, int out, int k, int stride, int padding) {
        int oh = (h + 2 * padding - k) / stride + 1;
        int ow = (w + 2 * padding - k) / stride + 1;
        double[] y = new double[n * oh * ow * out];
        for (int b = 0; b < n; b++) {
            for (int i = 0; i < oh; i++) {
                for (int j = 0; j < ow; j++) {
                    for (int o = 0; o < out; o++) {
                        double sum = 0;
                        for (int p = 0; p < k; p++) {
                            for (int q = 0; q < k; q++) {
                                int r = i * stride - padding + p;
                                int s = j * stride - padding + q;
                                if (r < 0 || r >= h || s < 0 || s >= w) {
                                    continue;
                                }
                                for (int c = 0; c < in; c++) {
                                    sum += x[((b * h + r) * w + s) * in + c] * weight[((o * in + c) * k + p) * k + q];
                                }
                            }
                        }
                        y[((b * oh + i) * ow + j) * out + o] = sum;
                    }
                }
            }
        }
        return y;
    }

    /** x {@code [rows, c]}; batch statistics of each of {@code groups} equal parts; residual may be null. */
    public static double[] batchNorm(
            double[] x, int c, double[] weight, double[] bias, double[] residual, double eps, boolean relu, int groups) {
        int rows = x.length / c / groups;
        double[] y = new double[x.length];
        for (int g = 0; g < groups; g++) {
            int start = g * rows;
            for (int j = 0; j < c; j++) {
                double mean = 0;
                for (int i = start; i < start + rows; i++) {
                    mean += x[i * c + j] / rows;
                }
                double variance = 0;
                for (int i = start; i < start + rows; i++) {
                    variance += (x[i * c + j] - mean) * (x[i * c + j] - mean) / rows;
                }
                for (int i = start; i < start + rows; i++) {
                    double v = weight[j] * (x[i * c + j] - mean) / Math.sqrt(variance + eps) + bias[j];
                    v += residual == null ? 0 : residual[i * c + j];
                    y[i * c + j] = relu ? Math.max(0, v) : v;
                }
            }
        }
        return y;
    }

    /** As {@link #batchNorm} with given statistics. */
    public static double[] affine(
            double[] x, int c, double[] weight, double[] bias, double[] mean, double[] variance, double eps) {
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            int j = i % c;
            y[i] = weight[j] * (x[i] - mean[j]) / Math.sqrt(variance[j] + eps) + bias[j];
        }
        return y;
    }

    /** x {@code [rows, in]}, weight {@code [out, in]}, bias {@code [out]} or null. */
    public static double[] linear(double[] x, int in, double[] weight, double[] bias) {
        int rows = x.length / in;
        int out = weight.length / in;
        double[] y = new double[rows * out];
        for (int i = 0; i < rows; i++) {
            for (int o = 0; o < out; o++) {
                double sum = bias == null ? 0 : bias[o];
                for (int j = 0; j < in; j++) {
                    sum += x[i * in + j] * weight[o * in + j];
                }
                y[i * out + o] = sum;
            }
        }
        return y;
    }

    public static double[] relu(double[] x) {
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = Math.max(0, x[i]);
        }
        return y;
    }

    public static double[] maxPool(double[] x, int n, int h, int w, int c, int k, int stride, int padding) {
        int oh = (h + 2 * padding - k) / stride + 1;
        int ow = (w + 2 * padding - k) / stride + 1;
        double[] y = new double[n * oh * ow * c];
        for (int o = 0; o < y.length; o++) {
            int ch = o % c;
            int j = o / c % ow;
            int i = o / c / ow % oh;
            int b = o / c / ow / oh;
            double best = Double.NEGATIVE_INFINITY;
            for (int r = Math.max(0, i * stride - padding); r < Math.min(h, i * stride - padding + k); r++) {
                for (int s = Math.max(0, j * stride - padding); s < Math.min(w, j * stride - padding + k); s++) {
                    best = Math.max(best, x[((b * h + r) * w + s) * c + ch]);
                }
            }
            y[o] = best;
        }
        return y;
    }

    public static double[] globalAvgPool(double[] x, int n, int pixels, int c) {
        double[] y = new double[n * c];
        for (int i = 0; i < x.length; i++) {
            y[i / (pixels * c) * c + i % c] += x[i] / pixels;
        }
        return y;
    }

    public static double[] l2Normalize(double[] x, int width) {
        double[] y = new double[x.length];
        for (int row = 0; row < x.length / width; row++) {
            double squares = 0;
            for (int i = 0; i < width; i++) {
                squares += x[row * width + i] * x[row * width + i];
            }
            double length = Math.max(Math.sqrt(squares), 1e-12);
            for (int i = 0; i < width; i++) {
                y[row * width + i] = x[row * width + i] / length;
            }
        }
        return y;
    }

    /** Rows of v, one for each element of g, scaled to that length. */
    public static double[] weightNorm(double[] v, double[] g) {
        int width = v.length / g.length;
        double[] w = l2Normalize(v, width);
        for (int i = 0; i < w.length; i++) {
            w[i] *= g[i / width];
        }
        return w;
    }

    /** z {@code [2b, width]}; Chen et al. 2020, equation 1, averaged over all rows. */
    public static double ntXent(double[] z, int width, double temperature) {
        double[] u = l2Normalize(z, width);
        int rows = z.length / width;
        double loss = 0;
        for (int i = 0; i < rows; i++) {
            double sum = 0;
            double positive = 0;
            for (int k = 0; k < rows; k++) {
                double s = 0;
                for (int j = 0; j < width; j++) {
                    s += u[i * width + j] * u[k * width + j] / temperature;
                }
                if (k != i) {
                    sum += Math.exp(s);
                }
                if (k == (i + rows / 2) % rows) {
                    positive = s;
                }
            }
            loss += (Math.log(sum) - positive) / rows;
        }
        return loss;
    }

    public static double[] softmax(double[] x, int width) {
        double[] y = new double[x.length];
        for (int at = 0; at < x.length; at += width) {
            double sum = 0;
            for (int i = at; i < at + width; i++) {
                sum += Math.exp(x[i]);
            }
            for (int i = at; i < at + width; i++) {
                y[i] = Math.exp(x[i]) / sum;
            }
        }
        return y;
    }

    /** The normal distribution by Simpson's rule over its density: slow, and of another kind than what it checks. */
    public static double[] gelu(double[] x) {
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            int intervals = 2000;
            double h = x[i] / intervals;
            double sum = 0;
            for (int j = 0; j <= intervals; j++) {
                int weight = j == 0 || j == intervals ? 1 : j % 2 == 1 ? 4 : 2;
                sum += weight * Math.exp(-0.5 * j * h * j * h);
            }
            y[i] = x[i] * (0.5 + sum * h / 3 / Math.sqrt(2 * Math.PI));
        }
        return y;
    }

    public static double[] layerNorm(double[] x, int width, double[] weight, double[] bias, double eps) {
        double[] y = new double[x.length];
        for (int at = 0; at < x.length; at += width) {
            double mean = 0;
            for (int i = 0; i < width; i++) {
                mean += x[at + i] / width;
            }
            double variance = 0;
            for (int i = 0; i < width; i++) {
                variance += (x[at + i] - mean) * (x[at + i] - mean) / width;
            }
            for (int i = 0; i < width; i++) {
                y[at + i] = weight[i] * (x[at + i] - mean) / Math.sqrt(variance + eps) + bias[i];
            }
        }
        return y;
    }

    /** With the whole matrix: q, k, v {@code [heads, n, d]}. */
    public static double[] attention(double[] q, double[] k, double[] v, int heads, int n, int d, double scale) {
        double[] y = new double[q.length];
        for (int head = 0; head < heads; head++) {
            double[] scores = new double[n * n];
            for (int i = 0; i < n * n; i++) {
                for (int c = 0; c < d; c++) {
                    scores[i] += scale * q[(head * n + i / n) * d + c] * k[(head * n + i % n) * d + c];
                }
            }
            double[] p = softmax(scores, n);
            for (int i = 0; i < n * n; i++) {
                for (int c = 0; c < d; c++) {
                    y[(head * n + i / n) * d + c] += p[i] * v[(head * n + i % n) * d + c];
                }
            }
        }
        return y;
    }

    /** Goodfellow et al. 2016, equation 6.31, averaged over rows; labels hold whole numbers. */
    public static double crossEntropy(double[] logits, int width, double[] labels) {
        double[] p = softmax(logits, width);
        double loss = 0;
        for (int i = 0; i < labels.length; i++) {
            loss -= Math.log(p[i * width + (int) labels[i]]) / labels.length;
        }
        return loss;
    }

    /** The mean of {@code -w y log(sigmoid(x)) - (1 - y) log(1 - sigmoid(x))}. */
    public static double binaryCrossEntropy(double[] logits, double[] labels, double weight) {
        double loss = 0;
        for (int i = 0; i < logits.length; i++) {
            double positive = Math.log(1 / (1 + Math.exp(-logits[i])));
            double negative = Math.log(1 / (1 + Math.exp(logits[i])));
            loss -= (weight * labels[i] * positive + (1 - labels[i]) * negative) / logits.length;
        }
        return loss;
    }

    /** p, z {@code [2b, width]}; Grill et al. 2020, equation 2, averaged over all rows. */
    public static double byol(double[] p, double[] z, int width) {
        double[] a = l2Normalize(p, width);
        double[] b = l2Normalize(z, width);
        double loss = 0;
        for (int i = 0; i < a.length; i++) {
            double off = a[i] - b[(i + a.length / 2) % a.length];
            loss += off * off * width / a.length;
        }
        return loss;
    }

    /** pred {@code [n, h w / patch^2, patch^2 c]}, image {@code [n, h, w, c]}; one value of pred after the other. */
    public static double mae(
            double[] pred, double[] image, double[] mask, int h, int w, int c, int patch, boolean normalised) {
        int pixels = patch * patch * c;
        int tokens = h * w / patch / patch;
        double[] targets = new double[pred.length];
        for (int i = 0; i < image.length; i++) {
            int channel = i % c;
            int x = i / c % w;
            int y = i / c / w % h;
            int n = i / c / w / h;
            int token = y / patch * (w / patch) + x / patch;
            int place = (y % patch * patch + x % patch) * c + channel;
            targets[(n * tokens + token) * pixels + place] = image[i];
        }
        double loss = 0;
        double removed = 0;
        for (int p = 0; p < mask.length; p++) {
            double mean = 0;
            double variance = 0;
            for (int i = 0; i < pixels; i++) {
                mean += targets[p * pixels + i] / pixels;
            }
            for (int i = 0; i < pixels; i++) {
                variance += Math.pow(targets[p * pixels + i] - mean, 2) / (pixels - 1);
            }
            for (int i = 0; i < pixels; i++) {
                double target = targets[p * pixels + i];
                target = normalised ? (target - mean) / Math.sqrt(variance + 1e-6) : target;
                loss += mask[p] * Math.pow(pred[p * pixels + i] - target, 2) / pixels;
            }
            removed += mask[p];
        }
        return loss / removed;
    }

    /** z {@code [2b, width]}; Zbontar et al. 2021, equations 1 and 2. */
    public static double barlowTwins(double[] z, int width, double lambda, double scale, double eps) {
        double[] one = new double[width];
        double[] zero = new double[width];
        Arrays.fill(one, 1);
        double[] u = batchNorm(z, width, one, zero, null, eps, false, 2);
        int batch = z.length / width / 2;
        double loss = 0;
        for (int i = 0; i < width; i++) {
            for (int j = 0; j < width; j++) {
                double c = 0;
                for (int row = 0; row < batch; row++) {
                    c += u[row * width + i] * u[(batch + row) * width + j] / batch;
                }
                loss += scale * (i == j ? (c - 1) * (c - 1) : lambda * c * c);
            }
        }
        return loss;
    }

    /** student {@code [crops * b, k]}, teacher {@code [2 b, k]}; Caron et al. 2021, algorithm 1. */
    public static double dino(
            double[] student, double[] teacher, double[] center, int crops, double studentT, double teacherT) {
        int k = center.length;
        int image = student.length / crops;
        double[] sharpened = new double[teacher.length];
        for (int i = 0; i < teacher.length; i++) {
            sharpened[i] = (teacher[i] - center[i % k]) / teacherT;
        }
        double[] divided = new double[student.length];
        for (int i = 0; i < student.length; i++) {
            divided[i] = student[i] / studentT;
        }
        double[] target = softmax(sharpened, k);
        double[] p = softmax(divided, k);
        double loss = 0;
        for (int t = 0; t < 2; t++) {
            for (int s = 0; s < crops; s++) {
                for (int i = 0; i < (s == t ? 0 : image); i++) {
                    loss -= target[t * image + i] * Math.log(p[s * image + i]);
                }
            }
        }
        return loss / ((2 * crops - 2) * (image / k));
    }

    /** qkv {@code [batch, n, 3, heads, d]}; y {@code [batch, n, heads, d]}. */
    public static double[] packedAttention(double[] qkv, int batch, int n, int heads, int d, double scale) {
        double[][] parts = new double[3][batch * heads * n * d];
        for (int i = 0; i < parts[0].length; i++) {
            int token = i / d % n;
            int head = i / d / n % heads;
            int image = i / d / n / heads;
            for (int part = 0; part < 3; part++) {
                parts[part][i] = qkv[(((image * n + token) * 3 + part) * heads + head) * d + i % d];
            }
        }
        double[] apart = attention(parts[0], parts[1], parts[2], batch * heads, n, d, scale);
        double[] y = new double[apart.length];
        for (int i = 0; i < y.length; i++) {
            int token = i / d % n;
            int head = i / d / n % heads;
            int image = i / d / n / heads;
            y[((image * n + token) * heads + head) * d + i % d] = apart[i];
        }
        return y;
    }

    /** The first token's rows of {@link #packedAttention} of {@code x weight^T + bias}. */
    public static double[] classAttention(
            double[] x, double[] weight, double[] bias, int batch, int n, int heads, double scale) {
        int out = bias.length / 3;
        double[] qkv = linear(x, x.length / batch / n, weight, bias);
        double[] all = packedAttention(qkv, batch, n, heads, out / heads, scale);
        double[] y = new double[batch * out];
        for (int image = 0; image < batch; image++) {
            System.arraycopy(all, image * n * out, y, image * out, out);
        }
        return y;
    }

    /** x {@code [..., bias.length]}. */
    public static double[] addBias(double[] x, double[] bias) {
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = x[i] + bias[i % bias.length];
        }
        return y;
    }

    /** x {@code [n, length, width]} with a token before each image's rows, and positions added. */
    public static double[] tokens(double[] x, int n, double[] token, double[] position) {
        double[] y = new double[n * position.length];
        int rest = position.length - token.length;
        for (int i = 0; i < y.length; i++) {
            int at = i % position.length;
            int image = i / position.length;
            y[i] = position[at] + (at < token.length ? token[at] : x[image * rest + at - token.length]);
        }
        return y;
    }

    /** {@code a b}, a {@code [rows, inner]}, b {@code [inner, columns]}. */
    public static double[] product(double[] a, double[] b, int inner) {
        int columns = b.length / inner;
        double[] c = new double[a.length / inner * columns];
        for (int i = 0; i < c.length; i++) {
            for (int k = 0; k < inner; k++) {
                c[i] += a[i / columns * inner + k] * b[k * columns + i % columns];
            }
        }
        return c;
    }

    /** The first {@code width} of each of {@code n} equal parts. */
    public static double[] firstRows(double[] x, int n, int width) {
        double[] y = new double[n * width];
        for (int i = 0; i < y.length; i++) {
            y[i] = x[i / width * (x.length / n) + i % width];
        }
        return y;
    }

    /**
     * He et al. 2022, section 3, patch by patch: x {@code [n, h, w, c]} to {@code [n, kept, patch^2 c]}; visible holds whole
     * numbers, the places that stay.
     */
    public static double[] visiblePatches(double[] x, int h, int w, int c, int patch, double[] visible) {
        int images = x.length / h / w / c;
        int kept = visible.length / images;
        int pixels = patch * patch * c;
        double[] y = new double[visible.length * pixels];
        for (int row = 0; row < visible.length; row++) {
            int top = (int) visible[row] / (w / patch) * patch;
            int left = (int) visible[row] % (w / patch) * patch;
            for (int i = 0; i < pixels; i++) {
                int line = row / kept * h + top + i / c / patch;
                y[row * pixels + i] = x[(line * w + left + i / c % patch) * c + i % c];
            }
        }
        return y;
    }

    /** As {@link #tokens}, where only the patches at the places {@code visible} are there: x {@code [n, kept, width]}. */
    public static double[] placedTokens(double[] x, int n, double[] token, double[] position, double[] visible) {
        int width = token.length;
        int kept = visible.length / n;
        double[] y = new double[n * (1 + kept) * width];
        for (int i = 0; i < y.length; i++) {
            int d = i % width;
            int at = i / width % (1 + kept);
            int patch = i / width / (1 + kept) * kept + at - 1;
            y[i] = at == 0
                    ? token[d] + position[d]
                    : x[patch * width + d] + position[(1 + (int) visible[patch]) * width + d];
        }
        return y;
    }

    /** x {@code [n, 1 + kept, width]} to {@code [n, 1 + places, width]}: slots holds whole numbers, -1 for a mask token. */
    public static double[] unshuffle(double[] x, int n, double[] mask, double[] position, double[] slots) {
        int width = mask.length;
        int places = slots.length / n;
        int seen = x.length / n / width;
        double[] y = new double[n * position.length];
        for (int image = 0; image < n; image++) {
            for (int i = 0; i < position.length; i++) {
                int at = i / width;
                int slot = at == 0 ? 0 : 1 + (int) slots[image * places + at - 1];
                boolean masked = at > 0 && slot == 0;
                y[image * position.length + i] =
                        position[i] + (masked ? mask[i % width] : x[(image * seen + slot) * width + i % width]);
            }
        }
        return y;
    }

    /** All but the first {@code width} of each of {@code n} equal parts. */
    public static double[] laterRows(double[] x, int n, int width) {
        int part = x.length / n;
        double[] y = new double[x.length - n * width];
        for (int i = 0; i < y.length; i++) {
            y[i] = x[i / (part - width) * part + width + i % (part - width)];
        }
        return y;
    }

    /** m + (relu(m) + gelu(g)) with g = gelu(x) and m = x + g. */
    public static double[] residual(double[] x) {
        double[] inner = gelu(x);
        double[] y = gelu(inner);
        for (int i = 0; i < x.length; i++) {
            double middle = x[i] + inner[i];
            y[i] += middle + Math.max(0, middle);
        }
        return y;
    }
}
