// Batch normalisation over all axes but the last (Ioffe and Szegedy 2015, algorithm 1), with an optional residual and
// ReLU:
//   y = relu(weight (x - mean) / sqrt(var + eps) + bias + residual)
// x, y, residual, dy, dx: [groups * rows, channels]; mean, invstd: float [groups, channels]; weight, bias and the
// running statistics: float [channels]. `rows` is the number of rows of one group. Groups are normalised apart and move
// the running statistics one after the other.
//
// Training forward:  batchnorm_statistics_* -> batchnorm_moments_f32 -> batchnorm_forward_*
//   by cuDNN:        its graph of all that -> batchnorm_move_f32
// Of several ranks:  batchnorm_statistics_* -> batchnorm_own_moments_* -> (all gather) -> batchnorm_merge_f32
//                    -> batchnorm_forward_*; backward's sums are averaged over ranks between parameters and backward
// Evaluation:        batchnorm_running_f32 -> batchnorm_forward_*
// Backward:          batchnorm_backward_reduce_* -> batchnorm_backward_parameters_f32 -> batchnorm_backward_*
//
// Launch of the kernels over x: 256 threads; grid.x column tiles (1 or more; ceil(channels / 128) in f32, / 256 in
// bf16), grid.y row parts (any; about 8 blocks an SM in all), grid.z = groups. The two reductions leave double
// [groups, parts, 2, channels] in scratch, parts = gridDim.y. The kernels over channels: 256 threads, grid.x any
// (ceil(channels / 32)).
//
// Bytes in f32 with n = groups rows channels: statistics 4n, forward 8n (12n with a residual), reduce 8n (12n with a
// second gradient; 20n with a residual, which rewrites dy), backward 12n (16n with a second gradient and no residual).
#include "common.cuh"

// The affine map of one column: y = x scale + shift. Also the test of the sign before the ReLU, so that forward and
// backward, computing it alike, never disagree.
template <int N>
struct Affine {
    float scale[N];
    float shift[N];
    float mean[N];
    float invstd[N];

    // `at` is the column's place in mean and invstd, c its channel.
    INLINE void load(const float *mean_, const float *invstd_, const float *weight, const float *bias, int at, int c) {
#pragma unroll
        for (int k = 0; k < N; k++) {
            mean[k] = mean_[at + k];
            invstd[k] = invstd_[at + k];
            double a = static_cast<double>(weight[c + k]) * invstd[k];
            scale[k] = static_cast<float>(a);
            shift[k] = static_cast<float>(bias[c + k] - a * mean[k]);
        }
    }

    INLINE float map(float x, int k) const { return fmaf(x, scale[k], shift[k]); }
};

// Sums of x - x0 and (x - x0)^2 with x0 the group's first row, so that a large mean costs no digits.
template <class T, int N>
INLINE void sum_moments(double *__restrict__ scratch, const T *__restrict__ x, int rows, int channels) {
    Columns w = columns_of<N>(channels);
    const T *group = x + static_cast<long>(blockIdx.z) * rows * channels;
    double *part = scratch + (static_cast<long>(blockIdx.z) * gridDim.y + blockIdx.y) * 2 * channels;
    for_columns<N>(w, channels, [&](int c, bool active) {
        ColumnSum<N> sum;
        ColumnSum<N> squares;
        sum.clear();
        squares.clear();
        if (active) {
            Floats<N> centre = load<N>(group + c);
            int pending = 0;
            for_rows(w, rows, [&](long r) {
                Floats<N> v = load<N>(group + r * channels + c);
#pragma unroll
                for (int k = 0; k < N; k++) {
                    float d = v.at[k] - centre.at[k];
                    sum.recent[k] += d;
                    squares.recent[k] = fmaf(d, d, squares.recent[k]);
                }
                if (++pending % FLUSH == 0) {
                    sum.flush();
                    squares.flush();
                }
            });
            sum.flush();
            squares.flush();
        }
        reduce_levels(w, sum.total, part + c, active);
        reduce_levels(w, squares.total, part + channels + c, active);
    });
}

template <class T>
INLINE void statistics(double *scratch, const T *x, int rows, int channels) {
    constexpr int N = LANE_WIDTH<T>;
    if (channels % N == 0 && aligned(x)) {
        sum_moments<T, N>(scratch, x, rows, channels);
    } else {
        sum_moments<T, 1>(scratch, x, rows, channels);
    }
}

KERNEL batchnorm_statistics_f32(double *scratch, const float *x, int rows, int channels) {
    statistics(scratch, x, rows, channels);
}
KERNEL batchnorm_statistics_bf16(double *scratch, const bf16 *x, int rows, int channels) {
    statistics(scratch, x, rows, channels);
}

INLINE void move_towards(float *running, double batch, float momentum) {
    *running = static_cast<float>((1 - static_cast<double>(momentum)) * *running + momentum * batch);
}

// mean and 1 / sqrt(var + eps) with the biased variance; the running statistics move by momentum towards the mean and
// the unbiased variance.
template <class T>
INLINE void moments(float *mean, float *invstd, float *running_mean, float *running_var, const double *scratch,
                    const T *x, int groups, int parts, int rows, int channels, float eps, float momentum) {
    for (int first = blockIdx.x * WARP; first < channels; first += gridDim.x * WARP) {
        int c = first + threadIdx.x % WARP;
        bool active = c < channels;
        for (int group = 0; group < groups; group++) {
            const double *part = scratch + static_cast<long>(group) * parts * 2 * channels + c;
            double sum = sum_parts(part, parts, 2L * channels, active);
            double squares = sum_parts(part + channels, parts, 2L * channels, active);
            if (threadIdx.x < WARP && active) {
                double shifted = sum / rows;
                double variance = fmax(0.0, squares / rows - shifted * shifted);
                double centre = to_float(x[static_cast<long>(group) * rows * channels + c]);
                mean[group * channels + c] = static_cast<float>(centre + shifted);
                invstd[group * channels + c] = static_cast<float>(1 / sqrt(variance + eps));
                move_towards(running_mean + c, centre + shifted, momentum);
                move_towards(running_var + c, rows > 1 ? variance * rows / (rows - 1) : variance, momentum);
            }
        }
    }
}

KERNEL batchnorm_moments_f32(float *__restrict__ mean, float *__restrict__ invstd, float *__restrict__ running_mean,
                             float *__restrict__ running_var, const double *__restrict__ scratch,
                             const float *__restrict__ x, int groups, int parts, int rows, int channels, float eps,
                             float momentum) {
    moments(mean, invstd, running_mean, running_var, scratch, x, groups, parts, rows, channels, eps, momentum);
}
KERNEL batchnorm_moments_bf16(float *__restrict__ mean, float *__restrict__ invstd, float *__restrict__ running_mean,
                              float *__restrict__ running_var, const double *__restrict__ scratch,
                              const bf16 *__restrict__ x, int groups, int parts, int rows, int channels, float eps,
                              float momentum) {
    moments(mean, invstd, running_mean, running_var, scratch, x, groups, parts, rows, channels, eps, momentum);
}

// What batchnorm_moments_* does last, from the statistics that another has left: the variance is 1 / invstd^2 - eps, to a
// rounding of var + eps. Launch: one dimension, any shape.
KERNEL batchnorm_move_f32(float *__restrict__ running_mean, float *__restrict__ running_var,
                          const float *__restrict__ mean, const float *__restrict__ invstd, int groups, int rows,
                          int channels, float eps, float momentum) {
    for (int c = blockIdx.x * blockDim.x + threadIdx.x; c < channels; c += gridDim.x * blockDim.x) {
        for (int group = 0; group < groups; group++) {
            double inverse = invstd[group * channels + c];
            double variance = fmax(0.0, 1 / (inverse * inverse) - eps);
            move_towards(running_mean + c, mean[group * channels + c], momentum);
            move_towards(running_var + c, rows > 1 ? variance * rows / (rows - 1) : variance, momentum);
        }
    }
}

// Of one rank's rows: own double [groups, 2, channels], mean and biased variance.
template <class T>
INLINE void own_moments(double *own, const double *scratch, const T *x, int groups, int parts, int rows, int channels) {
    for (int first = blockIdx.x * WARP; first < channels; first += gridDim.x * WARP) {
        int c = first + threadIdx.x % WARP;
        bool active = c < channels;
        for (int group = 0; group < groups; group++) {
            const double *part = scratch + static_cast<long>(group) * parts * 2 * channels + c;
            double sum = sum_parts(part, parts, 2L * channels, active);
            double squares = sum_parts(part + channels, parts, 2L * channels, active);
            if (threadIdx.x < WARP && active) {
                double shifted = sum / rows;
                double centre = to_float(x[static_cast<long>(group) * rows * channels + c]);
                own[2 * group * channels + c] = centre + shifted;
                own[(2 * group + 1) * channels + c] = fmax(0.0, squares / rows - shifted * shifted);
            }
        }
    }
}

KERNEL batchnorm_own_moments_f32(double *__restrict__ own, const double *__restrict__ scratch,
                                 const float *__restrict__ x, int groups, int parts, int rows, int channels) {
    own_moments(own, scratch, x, groups, parts, rows, channels);
}
KERNEL batchnorm_own_moments_bf16(double *__restrict__ own, const double *__restrict__ scratch,
                                  const bf16 *__restrict__ x, int groups, int parts, int rows, int channels) {
    own_moments(own, scratch, x, groups, parts, rows, channels);
}

// What batchnorm_moments_* leaves, of the rows of all ranks, `rows` of a group on each (Chan et al. 1979): moments
// [ranks, groups, 2, channels]; var = mean over ranks of (var_r + (mean_r - mean)^2). Launch: one dimension, any shape.
KERNEL batchnorm_merge_f32(float *__restrict__ mean, float *__restrict__ invstd, float *__restrict__ running_mean,
                           float *__restrict__ running_var, const double *__restrict__ moments, int ranks, int groups,
                           int rows, int channels, float eps, float momentum) {
    double all = static_cast<double>(rows) * ranks;
    long stride = 2L * groups * channels;
    for (int c = blockIdx.x * blockDim.x + threadIdx.x; c < channels; c += gridDim.x * blockDim.x) {
        for (int group = 0; group < groups; group++) {
            const double *of = moments + 2L * group * channels + c;
            double middle = 0;
            double variance = 0;
            // One at least, and few: loops that are not unrolled.
            int rank = 0;
#pragma unroll 1
            do middle += of[rank * stride];
            while (++rank < ranks);
            middle /= ranks;
            rank = 0;
#pragma unroll 1
            do {
                double off = of[rank * stride] - middle;
                variance += of[rank * stride + channels] + off * off;
            } while (++rank < ranks);
            variance /= ranks;
            mean[group * channels + c] = static_cast<float>(middle);
            invstd[group * channels + c] = static_cast<float>(1 / sqrt(variance + eps));
            move_towards(running_mean + c, middle, momentum);
            move_towards(running_var + c, all > 1 ? variance * all / (all - 1) : variance, momentum);
        }
    }
}

// Evaluation: the running statistics stand for those of the batch. Launch: one dimension, any shape.
KERNEL batchnorm_running_f32(float *__restrict__ mean, float *__restrict__ invstd,
                             const float *__restrict__ running_mean, const float *__restrict__ running_var, int groups,
                             int channels, float eps) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < groups * channels; i += gridDim.x * blockDim.x) {
        int c = i % channels;
        mean[i] = running_mean[c];
        invstd[i] = static_cast<float>(1 / sqrt(static_cast<double>(running_var[c]) + eps));
    }
}

template <class T, int N>
INLINE void normalise(T *y, const T *x, const T *residual, const float *mean, const float *invstd, const float *weight,
                      const float *bias, int rows, int channels, int relu) {
    Columns w = columns_of<N>(channels);
    long group = static_cast<long>(blockIdx.z) * rows * channels;
    float floor = relu ? 0.0f : -INFINITY;
    for_columns<N>(w, channels, [&](int c, bool active) {
        if (!active) return;
        Affine<N> affine;
        affine.load(mean, invstd, weight, bias, blockIdx.z * channels + c, c);
        for_rows(w, rows, [&](long r) {
            long at = group + r * channels + c;
            Floats<N> v = load<N>(x + at);
#pragma unroll
            for (int k = 0; k < N; k++) v.at[k] = affine.map(v.at[k], k);
            if (residual != nullptr) {
                Floats<N> other = load<N>(residual + at);
#pragma unroll
                for (int k = 0; k < N; k++) v.at[k] += other.at[k];
            }
            // A comparison, not fmaxf: a NaN must not turn into 0.
#pragma unroll
            for (int k = 0; k < N; k++) v.at[k] = v.at[k] < floor ? floor : v.at[k];
            store(y + at, v);
        });
    });
}

template <class T>
INLINE void forward(T *y, const T *x, const T *residual, const float *mean, const float *invstd, const float *weight,
                    const float *bias, int rows, int channels, int relu) {
    constexpr int N = LANE_WIDTH<T>;
    if (channels % N == 0 && aligned(y, x, residual)) {
        normalise<T, N>(y, x, residual, mean, invstd, weight, bias, rows, channels, relu);
    } else {
        normalise<T, 1>(y, x, residual, mean, invstd, weight, bias, rows, channels, relu);
    }
}

// residual may be null. y may be x or residual.
KERNEL batchnorm_forward_f32(float *y, const float *x, const float *residual, const float *mean, const float *invstd,
                             const float *weight, const float *bias, int rows, int channels, int relu) {
    forward(y, x, residual, mean, invstd, weight, bias, rows, channels, relu);
}
KERNEL batchnorm_forward_bf16(bf16 *y, const bf16 *x, const bf16 *residual, const float *mean, const float *invstd,
                              const float *weight, const float *bias, int rows, int channels, int relu) {
    forward(y, x, residual, mean, invstd, weight, bias, rows, channels, relu);
}

// dz at N elements: dy (+ second), masked by the ReLU. Without a residual the sign before the ReLU follows from x; with
// one (y not null) it is read from y.
template <class T, int N>
INLINE Floats<N> masked_gradient(const T *dy, const T *second, const T *y, const Floats<N> &x, const Affine<N> &affine,
                                 long at, int relu) {
    Floats<N> dz = load<N>(dy + at);
    if (second != nullptr) {
        Floats<N> other = load<N>(second + at);
#pragma unroll
        for (int k = 0; k < N; k++) dz.at[k] += other.at[k];
    }
    if (!relu) return dz;
    if (y != nullptr) {
        Floats<N> sign = load<N>(y + at);
#pragma unroll
        for (int k = 0; k < N; k++) dz.at[k] = sign.at[k] > 0 ? dz.at[k] : 0.0f;
    } else {
#pragma unroll
        for (int k = 0; k < N; k++) dz.at[k] = affine.map(x.at[k], k) > 0 ? dz.at[k] : 0.0f;
    }
    return dz;
}

// Sums of dz and dz (x - mean).
template <class T, int N>
INLINE void sum_gradients(double *scratch, T *dz_, const T *dy, const T *second, const T *x, const T *y, const float *mean,
                          const float *invstd, const float *weight, const float *bias, int rows, int channels,
                          int relu, int residual) {
    Columns w = columns_of<N>(channels);
    long group = static_cast<long>(blockIdx.z) * rows * channels;
    double *part = scratch + (static_cast<long>(blockIdx.z) * gridDim.y + blockIdx.y) * 2 * channels;
    const T *sign = residual ? y : nullptr;
    for_columns<N>(w, channels, [&](int c, bool active) {
        ColumnSum<N> sum;
        ColumnSum<N> product;
        sum.clear();
        product.clear();
        if (active) {
            Affine<N> affine;
            affine.load(mean, invstd, weight, bias, blockIdx.z * channels + c, c);
            int pending = 0;
            for_rows(w, rows, [&](long r) {
                long at = group + r * channels + c;
                Floats<N> v = load<N>(x + at);
                Floats<N> dz = masked_gradient<T, N>(dy, second, sign, v, affine, at, relu);
                if (residual) store(dz_ + at, dz);
#pragma unroll
                for (int k = 0; k < N; k++) {
                    sum.recent[k] += dz.at[k];
                    product.recent[k] = fmaf(dz.at[k], v.at[k] - affine.mean[k], product.recent[k]);
                }
                if (++pending % FLUSH == 0) {
                    sum.flush();
                    product.flush();
                }
            });
            sum.flush();
            product.flush();
        }
        reduce_levels(w, sum.total, part + c, active);
        reduce_levels(w, product.total, part + channels + c, active);
    });
}

template <class T>
INLINE void backward_reduce(double *scratch, T *dz, const T *dy, const T *second, const T *x, const T *y, const float *mean,
                            const float *invstd, const float *weight, const float *bias, int rows, int channels,
                            int relu, int residual) {
    constexpr int N = LANE_WIDTH<T>;
    if (channels % N == 0 && aligned(dz, dy, second, x, y)) {
        sum_gradients<T, N>(scratch, dz, dy, second, x, y, mean, invstd, weight, bias, rows, channels, relu, residual);
    } else {
        sum_gradients<T, 1>(scratch, dz, dy, second, x, y, mean, invstd, weight, bias, rows, channels, relu, residual);
    }
}

// second may be null. With residual = 1, y is read for the sign, and the masked sum of the gradients is left in dz, which
// may be dy, as the residual's gradient; with 0, neither is touched (both may be null).
KERNEL batchnorm_backward_reduce_f32(double *scratch, float *dz, const float *dy, const float *second, const float *x, const float *y,
                                     const float *mean, const float *invstd, const float *weight, const float *bias,
                                     int rows, int channels, int relu, int residual) {
    backward_reduce(scratch, dz, dy, second, x, y, mean, invstd, weight, bias, rows, channels, relu, residual);
}
KERNEL batchnorm_backward_reduce_bf16(double *scratch, bf16 *dz, const bf16 *dy, const bf16 *second, const bf16 *x, const bf16 *y,
                                      const float *mean, const float *invstd, const float *weight, const float *bias,
                                      int rows, int channels, int relu, int residual) {
    backward_reduce(scratch, dz, dy, second, x, y, mean, invstd, weight, bias, rows, channels, relu, residual);
}

// dbias += sum dz, dweight += invstd sum dz (x - mean), group after group; the sums of each group are kept for the next
// kernel: sums float [groups, 2, channels] holds dbias and dweight of the group alone.
KERNEL batchnorm_backward_parameters_f32(float *__restrict__ dweight, float *__restrict__ dbias,
                                         float *__restrict__ sums, const double *__restrict__ scratch,
                                         const float *__restrict__ invstd, int groups, int parts, int channels) {
    for (int first = blockIdx.x * WARP; first < channels; first += gridDim.x * WARP) {
        int c = first + threadIdx.x % WARP;
        bool active = c < channels;
        for (int group = 0; group < groups; group++) {
            const double *part = scratch + static_cast<long>(group) * parts * 2 * channels + c;
            double sum = sum_parts(part, parts, 2L * channels, active);
            double product = sum_parts(part + channels, parts, 2L * channels, active);
            if (threadIdx.x < WARP && active) {
                product *= invstd[group * channels + c];
                dbias[c] = static_cast<float>(dbias[c] + sum);
                dweight[c] = static_cast<float>(dweight[c] + product);
                sums[(2 * group) * channels + c] = static_cast<float>(sum);
                sums[(2 * group + 1) * channels + c] = static_cast<float>(product);
            }
        }
    }
}

// The chain rule of section 3 of the paper, folded into dx = scale dz + slope (x - mean) + offset.
template <class T, int N>
INLINE void spread(T *dx, const T *dy, const T *second, const T *x, const float *sums, const float *mean,
                   const float *invstd, const float *weight, const float *bias, int rows, int channels, int relu,
                   int training) {
    Columns w = columns_of<N>(channels);
    long group = static_cast<long>(blockIdx.z) * rows * channels;
    for_columns<N>(w, channels, [&](int c, bool active) {
        if (!active) return;
        Affine<N> affine;
        affine.load(mean, invstd, weight, bias, blockIdx.z * channels + c, c);
        float slope[N];
        float offset[N];
#pragma unroll
        for (int k = 0; k < N; k++) {
            const float *sum = sums + 2 * blockIdx.z * channels + c + k;
            double share = training ? -static_cast<double>(affine.scale[k]) / rows : 0.0;
            offset[k] = static_cast<float>(share * sum[0]);
            slope[k] = static_cast<float>(share * affine.invstd[k] * sum[channels]);
        }
        for_rows(w, rows, [&](long r) {
            long at = group + r * channels + c;
            Floats<N> v = load<N>(x + at);
            Floats<N> dz = masked_gradient<T, N>(dy, second, nullptr, v, affine, at, relu);
#pragma unroll
            for (int k = 0; k < N; k++) {
                float rest = fmaf(v.at[k] - affine.mean[k], slope[k], offset[k]);
                dz.at[k] = fmaf(dz.at[k], affine.scale[k], rest);
            }
            store(dx + at, dz);
        });
    });
}

template <class T>
INLINE void backward(T *dx, const T *dy, const T *second, const T *x, const float *sums, const float *mean,
                     const float *invstd, const float *weight, const float *bias, int rows, int channels, int relu,
                     int residual, int training) {
    constexpr int N = LANE_WIDTH<T>;
    // With a residual dy is dz of the first pass: summed and masked.
    second = residual ? nullptr : second;
    relu = residual ? 0 : relu;
    if (channels % N == 0 && aligned(dx, dy, second, x)) {
        spread<T, N>(dx, dy, second, x, sums, mean, invstd, weight, bias, rows, channels, relu, training);
    } else {
        spread<T, 1>(dx, dy, second, x, sums, mean, invstd, weight, bias, rows, channels, relu, training);
    }
}

// dx may be dy (without a residual). training = 0 takes the statistics as constants.
KERNEL batchnorm_backward_f32(float *dx, const float *dy, const float *second, const float *x, const float *sums,
                              const float *mean, const float *invstd, const float *weight, const float *bias, int rows,
                              int channels, int relu, int residual, int training) {
    backward(dx, dy, second, x, sums, mean, invstd, weight, bias, rows, channels, relu, residual, training);
}
KERNEL batchnorm_backward_bf16(bf16 *dx, const bf16 *dy, const bf16 *second, const bf16 *x, const float *sums,
                               const float *mean, const float *invstd, const float *weight, const float *bias,
                               int rows, int channels, int relu, int residual, int training) {
    backward(dx, dy, second, x, sums, mean, invstd, weight, bias, rows, channels, relu, residual, training);
}
