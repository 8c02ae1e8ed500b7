package io.culvert.ops.attention;

import static io.culvert.device.cpu.Simd.get;
import static io.culvert.device.cpu.Simd.set;

import io.culvert.device.CpuDevice;
import io.culvert.device.cpu.Workers;
import io.culvert.ops.OpKernel;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** A head at a time, and of its matrix one row at a time, in double precision. */
final class CpuAttention implements OpKernel {
    private final Workers workers;
    private final AttentionOp op;
    private final int heads;
    private final int n;
    private final int d;
    private final double[][] row;
    private final double[][] gradientRow;
    private final double[][] dk;
    private final double[][] dv;
    private final Workers.Range forwardTask = this::attend;
    private final Workers.Range backwardTask = this::differentiate;

    CpuAttention(CpuDevice cpu, AttentionOp op) {
        this.op = op;
        workers = cpu.workers();
        heads = op.heads();
        n = op.tokens();
        d = op.headDim();
        row = new double[workers.threads()][n];
        gradientRow = new double[workers.threads()][d];
        int gradients = op.dy == null ? 0 : n * d;
        dk = new double[workers.threads()][gradients];
        dv = new double[workers.threads()][gradients];
    }

    @Override
    public void forward() {
        workers.run(heads, 1, forwardTask);
    }

    @Override
    public void backward() {
        workers.run(heads, 1, backwardTask);
    }

    private static double dot(MemorySegment a, long atA, MemorySegment b, long atB, int count) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += (double) get(a, atA + i) * get(b, atB + i);
        }
        return sum;
    }

    private void attend(int worker, int from, int to) {
        double[] p = row[worker];
        double[] sums = gradientRow[worker];
        for (int head = from; head < to; head++) {
            long base = (long) head * n * d;
            for (int i = 0; i < n; i++) {
                long at = base + (long) i * d;
                double max = Double.NEGATIVE_INFINITY;
                for (int j = 0; j < n; j++) {
                    p[j] = op.scale * dot(op.q.data(), at, op.k.data(), base + (long) j * d, d);
                    max = Math.max(max, p[j]);
                }
                double sum = 0;
                Arrays.fill(sums, 0);
                for (int j = 0; j < n; j++) {
                    double weight = Math.exp(p[j] - max);
                    sum += weight;
                    for (int c = 0; c < d; c++) {
                        sums[c] += weight * get(op.v.data(), base + (long) j * d + c);
                    }
                }
                for (int c = 0; c < d; c++) {
                    set(op.y.data(), at + c, (float) (sums[c] / sum));
                }
                set(op.logSum.data(), (long) head * n + i, (float) (max + Math.log(sum)));
            }
        }
    }

    /** With P the softmax and D = rows of (y . dy): dv = P^T dy, dS = P (dy v^T - D), dq = scale dS k, dk = scale dS^T q. */
    private void differentiate(int worker, int from, int to) {
        double[] p = row[worker];
        double[] sums = gradientRow[worker];
        for (int head = from; head < to; head++) {
            long base = (long) head * n * d;
            Arrays.fill(dk[worker], 0);
            Arrays.fill(dv[worker], 0);
            for (int i = 0; i < n; i++) {
                long at = base + (long) i * d;
                double logSum = get(op.logSum.data(), (long) head * n + i);
                double delta = dot(op.y.data(), at, op.dy.data(), at, d);
                Arrays.fill(sums, 0);
                for (int j = 0; j < n; j++) {
                    long other = base + (long) j * d;
                    p[j] = Math.exp(op.scale * dot(op.q.data(), at, op.k.data(), other, d) - logSum);
                    double ds = p[j] * (dot(op.dy.data(), at, op.v.data(), other, d) - delta) * op.scale;
                    for (int c = 0; c < d; c++) {
                        sums[c] += ds * get(op.k.data(), other + c);
                        dk[worker][j * d + c] += ds * get(op.q.data(), at + c);
                        dv[worker][j * d + c] += p[j] * get(op.dy.data(), at + c);
                    }
                }
                for (int c = 0; c < d; c++) {
                    set(op.dq.data(), at + c, (float) sums[c]);
                }
            }
            for (int i = 0; i < n * d; i++) {
                set(op.dk.data(), base + i, (float) dk[worker][i]);
                set(op.dv.data(), base + i, (float) dv[worker][i]);
            }
        }
    }
}
