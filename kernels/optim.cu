// Optimisers over the whole parameter slab: values, gradients and state are slabs of one layout, so that one launch
// (two for LARS) moves every parameter. What changes from step to step (learning rate and what follows from it) is read
// from device memory, so that a captured CUDA graph stays valid.
//
// Launch: one dimension, any grid, any block (256 threads), except LARS and the scaling of gradients: see there. n is the
// slab's length in floats. Bytes: sgd 20n, adamw 28n, lars 28n, ema 12n, slab_squares 12n, clipping 4n and another 8n for what
// it scales. To clear gradients use fill_f32.
//
// Parameters are of one of four groups, each with rates of its own; a tensor begins at a multiple of CHUNK floats.
// groups: u8 [n / CHUNK, rounded up], the group of each chunk of the slab.
// A group whose first rate is no number stays as it is; where the first group's is none, all do: see guard_f32.
#include "common.cuh"

constexpr int CHUNK = 16;

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

// rates: float [4, 2], of each group the learning rate and the decay.
KERNEL sgd_f32(float *__restrict__ values, float *__restrict__ momenta, const float *__restrict__ gradients,
               const float *__restrict__ rates, const u8 *__restrict__ groups, int n, float momentum, int nesterov) {
    if (isnan(rates[0])) return;
    for_elements<4>(
        n, aligned(values, momenta, gradients),
        [&](long i) {
            const float *rate = rates + 2 * groups[i / CHUNK];
            float lr = rate[0];
            float decay = rate[1];
            if (isnan(lr)) return;
            Floats<4> p = load<4>(values + i);
            Floats<4> m = load<4>(momenta + i);
            Floats<4> g = load<4>(gradients + i);
#pragma unroll
            for (int k = 0; k < 4; k++) sgd(p.at[k], m.at[k], g.at[k], lr, momentum, decay, nesterov);
            store(momenta + i, m);
            store(values + i, p);
        },
        [&](long i) {
            const float *rate = rates + 2 * groups[i / CHUNK];
            if (!isnan(rate[0])) sgd(values[i], momenta[i], gradients[i], rate[0], momentum, rate[1], nesterov);
        });
}

// Loshchilov and Hutter 2019, algorithm 2, as PyTorch: step = lr / (1 - b1^t), scale = 1 / sqrt(1 - b2^t),
// shrink = 1 - lr decay.
INLINE void adamw(float &p, float &m, float &v, float g, float step, float scale, float shrink, float beta1,
                  float beta2, float rest1, float rest2, float eps) {
    m = beta1 * m + rest1 * g;
    v = beta2 * v + rest2 * (g * g);
    p = p * shrink - m * step / (sqrtf(v) * scale + eps);
}

// rates: float [4, 3], of each group lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t), 1 - lr decay. rest1 = 1 - beta1 and
// rest2 = 1 - beta2, rounded once from double.
KERNEL adamw_f32(float *__restrict__ values, float *__restrict__ first, float *__restrict__ second,
                 const float *__restrict__ gradients, const float *__restrict__ rates, const u8 *__restrict__ groups,
                 int n, float beta1, float beta2, float rest1, float rest2, float eps) {
    if (isnan(rates[0])) return;
    for_elements<4>(
        n, aligned(values, first, second, gradients),
        [&](long i) {
            const float *rate = rates + 3 * groups[i / CHUNK];
            float step = rate[0];
            float scale = rate[1];
            float shrink = rate[2];
            if (isnan(step)) return;
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
            const float *rate = rates + 3 * groups[i / CHUNK];
            if (isnan(rate[0])) return;
            adamw(values[i], first[i], second[i], gradients[i], rate[0], rate[1], rate[2], beta1, beta2, rest1, rest2,
                  eps);
        });
}

// Segments: int [count, 3], for each parameter its first element in the slab, its length and its group. Kernels that
// take them have grid (parts, count), block 256. Groups of odd number are those of vectors.
struct Segment {
    int first;
    int length;
    int group;
};

INLINE Segment segment_of(const int *__restrict__ segments) {
    const int *at = segments + 3 * blockIdx.y;
    return {at[0], at[1], at[2]};
}

// LARS (You et al. 2017) in the form of the Barlow Twins and DINO code, or with `apart` in that of lightly. rates: float
// [4, 2], of each group the learning rate and the decay. scratch: double [count, parts, 2], the sums of p^2 and of
// (g + decay p)^2, apart: of g^2, over a part; vectors leave theirs unwritten.
KERNEL lars_norms_f32(double *__restrict__ scratch, const float *__restrict__ values,
                      const float *__restrict__ gradients, const float *__restrict__ rates,
                      const int *__restrict__ segments, int apart) {
    Segment segment = segment_of(segments);
    if (segment.group & 1) return;
    const float *p = values + segment.first;
    const float *g = gradients + segment.first;
    float decay = apart ? 0 : rates[2 * segment.group + 1];
    ColumnSum<2> sum;
    sum.clear();
    int pending = 0;
    auto take = [&](float value, float gradient) {
        gradient += decay * value;
        sum.recent[0] = fmaf(value, value, sum.recent[0]);
        sum.recent[1] = fmaf(gradient, gradient, sum.recent[1]);
    };
    for_elements<4>(
        segment.length, aligned(p, g),
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
// Apart: the denominator is |g| + decay |p| + 1e-8, and where the decay or either norm is 0 there is neither decay nor
// adaptation. gridDim.x must be that of lars_norms_f32.
KERNEL lars_f32(float *__restrict__ values, float *__restrict__ momenta, const float *__restrict__ gradients,
                const float *__restrict__ rates, const int *__restrict__ segments, const double *__restrict__ scratch,
                float momentum, float trust, int apart) {
    Segment segment = segment_of(segments);
    float lr = rates[2 * segment.group];
    float decay = rates[2 * segment.group + 1];
    if (isnan(rates[0]) || isnan(lr)) return;
    float scale = 1;
    if ((segment.group & 1) == 0) {
        const double *part = scratch + 2L * blockIdx.y * gridDim.x;
        double value = 0;
        double gradient = 0;
        for (int i = threadIdx.x; i < gridDim.x; i += blockDim.x) {
            value += part[2 * i];
            gradient += part[2 * i + 1];
        }
        value = sqrt(team_sum(value, 0));
        gradient = sqrt(team_sum(gradient, 1));
        bool adapted = value != 0 && gradient != 0 && (!apart || decay != 0);
        if (adapted) scale = static_cast<float>(trust * (value / (apart ? gradient + decay * value + 1e-8 : gradient)));
        if (apart && !adapted) decay = 0;
    }
    float *p = values + segment.first;
    float *m = momenta + segment.first;
    const float *g = gradients + segment.first;
    for_elements<4>(
        segment.length, aligned(p, m, g),
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

// Clipping of gradients. segments: see above; in place of the group 1 where the parameter is clipped, 0 where it is spared.
// scratch: double [count, parts], the sums of g^2 over a part; what is spared leaves its unwritten.
KERNEL clip_norms_f32(double *__restrict__ scratch, const float *__restrict__ gradients,
                      const int *__restrict__ segments) {
    Segment segment = segment_of(segments);
    if (segment.group == 0) return;
    const float *g = gradients + segment.first;
    ColumnSum<1> sum;
    sum.clear();
    int pending = 0;
    for_elements<4>(
        segment.length, aligned(g),
        [&](long i) {
            Floats<4> w = load<4>(g + i);
#pragma unroll
            for (int k = 0; k < 4; k++) sum.recent[0] = fmaf(w.at[k], w.at[k], sum.recent[0]);
            if (++pending % (FLUSH / 4) == 0) sum.flush();
        },
        [&](long i) { sum.recent[0] = fmaf(g[i], g[i], sum.recent[0]); });
    sum.flush();
    double square = team_sum(sum.total[0], 0);
    if (threadIdx.x == 0) scratch[static_cast<long>(blockIdx.y) * gridDim.x + blockIdx.x] = square;
}

// mean: what makes the sum of gradients their mean. A parameter's factor is mean min(1, threshold / (norm + 1e-6)), where norm
// is that of its own mean gradient (DINO's code), or, if global, of all that are clipped (torch.nn.utils.clip_grad_norm_);
// of what is spared it is mean. norm: [1], the global norm. grid 1, block 256 (or any multiple of 32 threads).
KERNEL clip_factors_f32(float *__restrict__ factors, float *__restrict__ norm, const double *__restrict__ scratch,
                        const int *__restrict__ segments, int count, int parts, float mean, float threshold,
                        int global) {
    double all = 0;
    for (int s = threadIdx.x; s < count; s += blockDim.x) {
        float factor = mean;
        if (segments[3 * s + 2] != 0) {
            double square = 0;
            for (int i = 0; i < parts; i++) square += scratch[static_cast<long>(s) * parts + i];
            all += square;
            double coefficient = threshold / (mean * sqrt(square) + 1e-6);
            if (!global && coefficient < 1) factor = static_cast<float>(mean * coefficient);
        }
        factors[s] = factor;
    }
    double whole = mean * sqrt(team_sum(all, 0));
    if (threadIdx.x == 0) *norm = static_cast<float>(whole);
    double coefficient = threshold / (whole + 1e-6);
    if (!global || !(coefficient < 1)) return;
    for (int s = threadIdx.x; s < count; s += blockDim.x) {
        if (segments[3 * s + 2] != 0) factors[s] = static_cast<float>(mean * coefficient);
    }
}

// gradients *= factors[segment]. One that is 1 costs nothing.
KERNEL scale_segments_f32(float *__restrict__ gradients, const int *__restrict__ segments,
                          const float *__restrict__ factors) {
    Segment segment = segment_of(segments);
    float factor = factors[blockIdx.y];
    if (factor == 1) return;
    float *g = gradients + segment.first;
    for_elements<4>(
        segment.length, aligned(g),
        [&](long i) {
            Floats<4> w = load<4>(g + i);
#pragma unroll
            for (int k = 0; k < 4; k++) w.at[k] *= factor;
            store(g + i, w);
        },
        [&](long i) { g[i] *= factor; });
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
