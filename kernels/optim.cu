// Optimisers over the whole parameter slab: values, gradients and state are slabs of one layout, so that one launch
// (two for LARS) moves every parameter. What changes from step to step (learning rate and what follows from it) is read
// from device memory, so that a captured CUDA graph stays valid.
//
// Launch: one dimension, any grid, any block (256 threads), except LARS: see there. n is the slab's length in floats.
// Bytes: sgd 20n, adamw 28n, lars 28n, ema 12n, slab_squares 12n. To clear gradients use fill_f32.
//
// A rate that is no number says that no update shall be made: see guard_f32.
#include "common.cuh"

// Cancels the update of a step whose loss is not finite, so that the weights stay as they were. grid 1, block 1.
KERNEL guard_f32(float *__restrict__ rates, const float *__restrict__ loss) {
    if (!isfinite(*loss)) rates[0] = nanf("");
}

// g += decay p; m = momentum m + g; p -= lr m, or p -= lr (g + momentum m) with Nesterov, as PyTorch.
INLINE void sgd(float &p, float &m, float g, float lr, float momentum, float decay, bool nesterov) {
    g += decay * p;
    m = momentum * m + g;
    p -= lr * (nesterov ? g + momentum * m : m);
}

// rates: float [1], the learning rate.
KERNEL sgd_f32(float *__restrict__ values, float *__restrict__ momenta, const float *__restrict__ gradients,
               const float *__restrict__ rates, int n, float momentum, float decay, int nesterov) {
    float lr = rates[0];
    if (isnan(lr)) return;
    for_elements<4>(
        n, aligned(values, momenta, gradients),
        [&](long i) {
            Floats<4> p = load<4>(values + i);
            Floats<4> m = load<4>(momenta + i);
            Floats<4> g = load<4>(gradients + i);
#pragma unroll
            for (int k = 0; k < 4; k++) sgd(p.at[k], m.at[k], g.at[k], lr, momentum, decay, nesterov);
            store(momenta + i, m);
            store(values + i, p);
        },
        [&](long i) { sgd(values[i], momenta[i], gradients[i], lr, momentum, decay, nesterov); });
}

// Loshchilov and Hutter 2019, algorithm 2, as PyTorch: step = lr / (1 - b1^t), scale = 1 / sqrt(1 - b2^t),
// shrink = 1 - lr decay.
INLINE void adamw(float &p, float &m, float &v, float g, float step, float scale, float shrink, float beta1,
                  float beta2, float rest1, float rest2, float eps) {
    m = beta1 * m + rest1 * g;
    v = beta2 * v + rest2 * (g * g);
    p = p * shrink - m * step / (sqrtf(v) * scale + eps);
}

// rates: float [3]: lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t), 1 - lr decay. rest1 = 1 - beta1 and rest2 = 1 - beta2,
// rounded once from double.
KERNEL adamw_f32(float *__restrict__ values, float *__restrict__ first, float *__restrict__ second,
                 const float *__restrict__ gradients, const float *__restrict__ rates, int n, float beta1, float beta2,
                 float rest1, float rest2, float eps) {
    float step = rates[0];
    float scale = rates[1];
    float shrink = rates[2];
    if (isnan(step)) return;
    for_elements<4>(
        n, aligned(values, first, second, gradients),
        [&](long i) {
            Floats<4> p = load<4>(values + i);
            Floats<4> m = load<4>(first + i);
            Floats<4> v = load<4>(second + i);
            Floats<4> g = load<4>(gradients + i);
#pragma unroll
            for (int k = 0; k < 4; k++) {
                adamw(p.at[k], m.at[k], v.at[k], g.at[k], step, scale, shrink, beta1, beta2, rest1, rest2, eps);
            }
            store(first + i, m);
            store(second + i, v);
            store(values + i, p);
        },
        [&](long i) {
            adamw(values[i], first[i], second[i], gradients[i], step, scale, shrink, beta1, beta2, rest1, rest2, eps);
        });
}

// LARS (You et al. 2017) in the form of the Barlow Twins and DINO code. segments: int [count, 3], for each parameter
// its first element in the slab, its length, and 1 where it is adapted and decayed (0 for vectors).
// Launch of both kernels: grid (parts, count), block 256. scratch: double [count, parts, 2], the sums of p^2 and
// (g + decay p)^2 over a part; segments that are not adapted leave theirs unwritten.
KERNEL lars_norms_f32(double *__restrict__ scratch, const float *__restrict__ values,
                      const float *__restrict__ gradients, const int *__restrict__ segments, float decay) {
    const int *segment = segments + 3 * blockIdx.y;
    if (segment[2] == 0) return;
    const float *p = values + segment[0];
    const float *g = gradients + segment[0];
    ColumnSum<2> sum;
    sum.clear();
    int pending = 0;
    auto take = [&](float value, float gradient) {
        gradient += decay * value;
        sum.recent[0] = fmaf(value, value, sum.recent[0]);
        sum.recent[1] = fmaf(gradient, gradient, sum.recent[1]);
    };
    for_elements<4>(
        segment[1], aligned(p, g),
        [&](long i) {
            Floats<4> v = load<4>(p + i);
            Floats<4> w = load<4>(g + i);
#pragma unroll
            for (int k = 0; k < 4; k++) take(v.at[k], w.at[k]);
            if (++pending % (FLUSH / 4) == 0) sum.flush();
        },
        [&](long i) { take(p[i], g[i]); });
    sum.flush();
    double value = team_sum(sum.total[0], 0);
    double gradient = team_sum(sum.total[1], 1);
    if (threadIdx.x == 0) {
        double *to = scratch + 2 * (static_cast<long>(blockIdx.y) * gridDim.x + blockIdx.x);
        to[0] = value;
        to[1] = gradient;
    }
}

INLINE void lars(float &p, float &m, float g, float lr, float momentum, float decay, float scale) {
    m = momentum * m + (g + decay * p) * scale;
    p -= lr * m;
}

// g = (g + decay p) trust |p| / |g + decay p| (1 where either norm is 0); m = momentum m + g; p -= lr m.
// rates: float [1], the learning rate. gridDim.x must be that of lars_norms_f32.
KERNEL lars_f32(float *__restrict__ values, float *__restrict__ momenta, const float *__restrict__ gradients,
                const float *__restrict__ rates, const int *__restrict__ segments, const double *__restrict__ scratch,
                float momentum, float decay, float trust) {
    const int *segment = segments + 3 * blockIdx.y;
    float scale = 1;
    if (isnan(rates[0])) return;
    if (segment[2] != 0) {
        const double *part = scratch + 2L * blockIdx.y * gridDim.x;
        double value = 0;
        double gradient = 0;
        for (int i = threadIdx.x; i < gridDim.x; i += blockDim.x) {
            value += part[2 * i];
            gradient += part[2 * i + 1];
        }
        value = team_sum(value, 0);
        gradient = team_sum(gradient, 1);
        if (value != 0 && gradient != 0) scale = static_cast<float>(trust * (sqrt(value) / sqrt(gradient)));
    } else {
        decay = 0;
    }
    float lr = rates[0];
    float *p = values + segment[0];
    float *m = momenta + segment[0];
    const float *g = gradients + segment[0];
    for_elements<4>(
        segment[1], aligned(p, m, g),
        [&](long i) {
            Floats<4> v = load<4>(p + i);
            Floats<4> u = load<4>(m + i);
            Floats<4> w = load<4>(g + i);
#pragma unroll
            for (int k = 0; k < 4; k++) lars(v.at[k], u.at[k], w.at[k], lr, momentum, decay, scale);
            store(m + i, u);
            store(p + i, v);
        },
        [&](long i) { lars(p[i], m[i], g[i], lr, momentum, decay, scale); });
}

// The moving average of a teacher (Grill et al. 2020, equation 1): teacher = tau teacher + (1 - tau) student.
// rates: float [1], tau. Written as a step towards the student, so that equal values stay equal.
KERNEL ema_f32(float *__restrict__ teacher, const float *__restrict__ student, const float *__restrict__ rates, int n) {
    float rest = 1 - rates[0];
    if (isnan(rest)) return;
    for_elements<4>(
        n, aligned(teacher, student),
        [&](long i) {
            Floats<4> t = load<4>(teacher + i);
            Floats<4> s = load<4>(student + i);
#pragma unroll
            for (int k = 0; k < 4; k++) t.at[k] = fmaf(rest, s.at[k] - t.at[k], t.at[k]);
            store(teacher + i, t);
        },
        [&](long i) { teacher[i] = fmaf(rest, student[i] - teacher[i], teacher[i]); });
}

// The squares of three norms over the slab, for the log: |gradients|, |before| and |values - before|, where `before` is
// what the values were before the step. sums: double [parts, 3], to be added up part after part; grid parts. 12n bytes.
KERNEL slab_squares_f32(double *__restrict__ sums, const float *__restrict__ values, const float *__restrict__ before,
                        const float *__restrict__ gradients, int n) {
    ColumnSum<3> sum;
    sum.clear();
    int pending = 0;
    auto take = [&](float value, float old, float gradient) {
        float move = value - old;
        sum.recent[0] = fmaf(gradient, gradient, sum.recent[0]);
        sum.recent[1] = fmaf(old, old, sum.recent[1]);
        sum.recent[2] = fmaf(move, move, sum.recent[2]);
    };
    for_elements<4>(
        n, aligned(values, before, gradients),
        [&](long i) {
            Floats<4> v = load<4>(values + i);
            Floats<4> o = load<4>(before + i);
            Floats<4> g = load<4>(gradients + i);
#pragma unroll
            for (int k = 0; k < 4; k++) take(v.at[k], o.at[k], g.at[k]);
            if (++pending % (FLUSH / 4) == 0) sum.flush();
        },
        [&](long i) { take(values[i], before[i], gradients[i]); });
    sum.flush();
    double *to = sums + 3L * blockIdx.x;
#pragma unroll
    for (int i = 0; i < 3; i++) {
        double whole = team_sum(sum.total[i], i % 2);
        if (threadIdx.x == 0) to[i] = whole;
    }
}
