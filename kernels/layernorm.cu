// Layer normalisation over the last axis (Ba et al. 2016): y = weight (x - mean) rstd + bias with
// rstd = 1 / sqrt(var + eps), the biased variance of the row. x, y, dy, dx: [rows, width]; weight, bias: float [width];
// mean, rstd: float [rows].
//
// Forward: teams (common.cuh): (32, 8) threads with a warp to a row for width up to about 1024, else (256, 1); any
// grid.
// Backward: layernorm_backward_* then layernorm_backward_parameters_f32. The first: block (x, 1) with x a multiple of
// 32 and 8 x >= width (64 threads for 192 and 384, 128 for 768), grid.x = parts, any (about 8 a multiprocessor);
// scratch float [parts, 2, width]. The second: 256 threads, grid.x any (ceil(width / 32)).
// Bytes in f32: forward 8 rows width; backward 12 rows width, 16 with another gradient added: x and dy are read once and stay in registers.
#include "common.cuh"

template <class T, int N>
INLINE void normalise(T *y, float *mean_out, float *rstd_out, const T *x, const float *weight, const float *bias,
                      int rows, int width, float eps) {
    for (int row = blockIdx.x * blockDim.y + threadIdx.y; row < rows; row += gridDim.x * blockDim.y) {
        const T *from = x + static_cast<long>(row) * width;
        T *to = y + static_cast<long>(row) * width;
        float sum = 0;
        for (int c = threadIdx.x * N; c < width; c += blockDim.x * N) {
            Floats<N> v = load<N>(from + c);
#pragma unroll
            for (int k = 0; k < N; k++) sum += v.at[k];
        }
        float mean = team_sum(sum, 0) / width;
        // The variance about the mean, in a second look at the row: the difference of two sums would lose a large mean.
        float squares = 0;
        for (int c = threadIdx.x * N; c < width; c += blockDim.x * N) {
            Floats<N> v = load<N>(from + c);
#pragma unroll
            for (int k = 0; k < N; k++) squares = fmaf(v.at[k] - mean, v.at[k] - mean, squares);
        }
        float rstd = 1 / sqrtf(team_sum(squares, 1) / width + eps);
        for (int c = threadIdx.x * N; c < width; c += blockDim.x * N) {
            Floats<N> v = load<N>(from + c);
            Floats<N> w = load<N>(weight + c);
            Floats<N> b = load<N>(bias + c);
#pragma unroll
            for (int k = 0; k < N; k++) v.at[k] = fmaf((v.at[k] - mean) * rstd, w.at[k], b.at[k]);
            store(to + c, v);
        }
        if (threadIdx.x == 0) {
            mean_out[row] = mean;
            rstd_out[row] = rstd;
        }
    }
}

template <class T>
INLINE void forward(T *y, float *mean, float *rstd, const T *x, const float *weight, const float *bias, int rows,
                    int width, float eps) {
    constexpr int N = LANE_WIDTH<T>;
    if (width % N == 0 && aligned(y, x, weight, bias)) {
        normalise<T, N>(y, mean, rstd, x, weight, bias, rows, width, eps);
    } else {
        normalise<T, 1>(y, mean, rstd, x, weight, bias, rows, width, eps);
    }
}

// y may be x.
KERNEL layernorm_forward_f32(float *y, float *mean, float *rstd, const float *x, const float *weight, const float *bias,
                             int rows, int width, float eps) {
    forward(y, mean, rstd, x, weight, bias, rows, width, eps);
}
KERNEL layernorm_forward_bf16(bf16 *y, float *mean, float *rstd, const bf16 *x, const float *weight, const float *bias,
                              int rows, int width, float eps) {
    forward(y, mean, rstd, x, weight, bias, rows, width, eps);
}

// Columns a thread owns: PER_THREAD / N groups of N, group j at (j blockDim.x + threadIdx.x) N.
constexpr int PER_THREAD = 8;

// With g = weight dy and xhat = (x - mean) rstd: dx = rstd (g - mean(g) - xhat mean(g xhat)); dweight = sum over rows
// of dy xhat, dbias = sum over rows of dy. To dx comes `other`, what x's gradient has of elsewhere, unless that is null. A thread keeps its columns of x and dy for the row, and its share of the
// parameter gradients over all rows of the block.
template <class T, int N>
INLINE void differentiate(T *dx, float *scratch, const T *dy, const T *x, const T *other, const float *weight,
                          const float *mean, const float *rstd, int rows, int width) {
    constexpr int GROUPS = PER_THREAD / N;
    Floats<N> dweight[GROUPS];
    Floats<N> dbias[GROUPS];
#pragma unroll
    for (int j = 0; j < GROUPS; j++) {
#pragma unroll
        for (int k = 0; k < N; k++) {
            dweight[j].at[k] = 0;
            dbias[j].at[k] = 0;
        }
    }
    for (int row = blockIdx.x; row < rows; row += gridDim.x) {
        long at = static_cast<long>(row) * width;
        float centre = mean[row];
        float scale = rstd[row];
        Floats<N> xhat[GROUPS];
        Floats<N> g[GROUPS];
        float sum = 0;
        float along = 0;
#pragma unroll
        for (int j = 0; j < GROUPS; j++) {
            int c = (j * blockDim.x + threadIdx.x) * N;
            if (c >= width) continue;
            xhat[j] = load<N>(x + at + c);
            g[j] = load<N>(dy + at + c);
            Floats<N> w = load<N>(weight + c);
#pragma unroll
            for (int k = 0; k < N; k++) {
                xhat[j].at[k] = (xhat[j].at[k] - centre) * scale;
                dbias[j].at[k] += g[j].at[k];
                dweight[j].at[k] = fmaf(g[j].at[k], xhat[j].at[k], dweight[j].at[k]);
                g[j].at[k] *= w.at[k];
                sum += g[j].at[k];
                along = fmaf(g[j].at[k], xhat[j].at[k], along);
            }
        }
        sum = team_sum(sum, 0) / width;
        along = team_sum(along, 1) / width;
#pragma unroll
        for (int j = 0; j < GROUPS; j++) {
            int c = (j * blockDim.x + threadIdx.x) * N;
            if (c >= width) continue;
#pragma unroll
            for (int k = 0; k < N; k++) g[j].at[k] = scale * (g[j].at[k] - sum - xhat[j].at[k] * along);
            if (other != nullptr) {
                Floats<N> o = load<N>(other + at + c);
#pragma unroll
                for (int k = 0; k < N; k++) g[j].at[k] += o.at[k];
            }
            store(dx + at + c, g[j]);
        }
    }
    float *part = scratch + 2L * blockIdx.x * width;
#pragma unroll
    for (int j = 0; j < GROUPS; j++) {
        int c = (j * blockDim.x + threadIdx.x) * N;
        if (c >= width) continue;
#pragma unroll
        for (int k = 0; k < N; k++) {
            part[c + k] = dweight[j].at[k];
            part[width + c + k] = dbias[j].at[k];
        }
    }
}

template <class T>
INLINE void backward(T *dx, float *scratch, const T *dy, const T *x, const T *other, const float *weight,
                     const float *mean, const float *rstd, int rows, int width) {
    constexpr int N = LANE_WIDTH<T>;
    if (width % N == 0 && aligned(dx, dy, x, other, weight)) {
        differentiate<T, N>(dx, scratch, dy, x, other, weight, mean, rstd, rows, width);
    } else {
        differentiate<T, 1>(dx, scratch, dy, x, other, weight, mean, rstd, rows, width);
    }
}

// dx may be dy.
KERNEL layernorm_backward_f32(float *dx, float *scratch, const float *dy, const float *x, const float *other,
                              const float *weight, const float *mean, const float *rstd, int rows, int width) {
    backward(dx, scratch, dy, x, other, weight, mean, rstd, rows, width);
}
KERNEL layernorm_backward_bf16(bf16 *dx, float *scratch, const bf16 *dy, const bf16 *x, const bf16 *other,
                               const float *weight, const float *mean, const float *rstd, int rows, int width) {
    backward(dx, scratch, dy, x, other, weight, mean, rstd, rows, width);
}

// dweight and dbias += the sums of the parts.
KERNEL layernorm_backward_parameters_f32(float *__restrict__ dweight, float *__restrict__ dbias,
                                         const float *__restrict__ scratch, int parts, int width) {
    for (int first = blockIdx.x * WARP; first < width; first += gridDim.x * WARP) {
        int c = first + threadIdx.x % WARP;
        double weight = sum_parts(scratch + c, parts, 2L * width, c < width);
        double bias = sum_parts(scratch + width + c, parts, 2L * width, c < width);
        if (threadIdx.x < WARP && c < width) {
            dweight[c] = static_cast<float>(dweight[c] + weight);
            dbias[c] = static_cast<float>(dbias[c] + bias);
        }
    }
}
