// Rows of a given length, w = g v / |v| (Salimans & Kingma 2016, equation 2), and back (equation 3), added to what is there:
//   dg += dw . v / |v|,  dv += g / |v| (dw - v (dw . v) / |v|^2)
// v, w, dw, dv: [rows, width]; g, dg: [rows], dg may be null. v and all gradients are single precision whatever w is: the
// products that give dw add in it.
//
// Launch: teams (common.cuh), any grid. Bytes a value of v: 4 and w's forward; 16 backward, where further looks at a row
// find it in the cache. Sums are in double, as the CPU's.
#include "common.cuh"

template <int N>
INLINE double dot(const float *a, const float *b, int width, int turn) {
    double sum = 0;
    for (int c = threadIdx.x * N; c < width; c += blockDim.x * N) {
        Floats<N> x = load<N>(a + c);
        Floats<N> y = load<N>(b + c);
#pragma unroll
        for (int k = 0; k < N; k++) sum += static_cast<double>(x.at[k]) * y.at[k];
    }
    return team_sum(sum, turn);
}

template <class T, int N>
INLINE void scale(T *__restrict__ w, const float *__restrict__ v, const float *__restrict__ g, int rows, int width) {
    int turn = 0;
    for (int row = blockIdx.x * blockDim.y + threadIdx.y; row < rows; row += gridDim.x * blockDim.y, turn ^= 1) {
        long at = static_cast<long>(row) * width;
        double factor = g[row] / sqrt(dot<N>(v + at, v + at, width, turn));
        for (int c = threadIdx.x * N; c < width; c += blockDim.x * N) {
            Floats<N> x = load<N>(v + at + c);
#pragma unroll
            for (int k = 0; k < N; k++) x.at[k] = static_cast<float>(x.at[k] * factor);
            store(w + at + c, x);
        }
    }
}

template <class T>
INLINE void forward(T *w, const float *v, const float *g, int rows, int width) {
    constexpr int N = LANE_WIDTH<T>;
    if (width % N == 0 && aligned(w, v)) {
        scale<T, N>(w, v, g, rows, width);
    } else {
        scale<T, 1>(w, v, g, rows, width);
    }
}

KERNEL weight_norm_forward_f32(float *w, const float *v, const float *g, int rows, int width) {
    forward(w, v, g, rows, width);
}
KERNEL weight_norm_forward_bf16(bf16 *w, const float *v, const float *g, int rows, int width) {
    forward(w, v, g, rows, width);
}

template <int N>
INLINE void differentiate(float *__restrict__ dv, float *__restrict__ dg, const float *__restrict__ dw,
                          const float *__restrict__ v, const float *__restrict__ g, int rows, int width) {
    for (int row = blockIdx.x * blockDim.y + threadIdx.y; row < rows; row += gridDim.x * blockDim.y) {
        long at = static_cast<long>(row) * width;
        double squares = dot<N>(v + at, v + at, width, 0);
        double along = dot<N>(v + at, dw + at, width, 1);
        double norm = sqrt(squares);
        double factor = g[row] / norm;
        double part = along / squares;
        for (int c = threadIdx.x * N; c < width; c += blockDim.x * N) {
            Floats<N> x = load<N>(v + at + c);
            Floats<N> d = load<N>(dw + at + c);
            Floats<N> sum = load<N>(dv + at + c);
#pragma unroll
            for (int k = 0; k < N; k++) sum.at[k] = static_cast<float>(sum.at[k] + factor * (d.at[k] - part * x.at[k]));
            store(dv + at + c, sum);
        }
        if (dg != nullptr && threadIdx.x == 0) dg[row] = static_cast<float>(dg[row] + along / norm);
    }
}

KERNEL weight_norm_backward_f32(float *dv, float *dg, const float *dw, const float *v, const float *g, int rows,
                                int width) {
    if (width % 4 == 0 && aligned(dv, dw, v)) {
        differentiate<4>(dv, dg, dw, v, g, rows, width);
    } else {
        differentiate<1>(dv, dg, dw, v, g, rows, width);
    }
}
