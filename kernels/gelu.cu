// GELU (Hendrycks and Gimpel 2016), the exact form: y = x Phi(x) with Phi(x) = (1 + erf(x / sqrt 2)) / 2, alone or
// after a bias: y = gelu(x + bias), x [rows, width], bias float [width].
//
// gelu_*: one dimension, any shape; 8 n bytes forward, 12 n backward.
// bias_gelu_*: 256 threads; grid.x column tiles (1 or more; ceil(width / 128) in f32, / 256 in bf16), grid.y row parts
// (any).
// bias_gelu_backward leaves double [gridDim.y, width] in scratch; bias_backward_f32 (elementwise.cu) adds it to dbias.
#include "common.cuh"

INLINE float phi(float x) { return 0.5f * erfcf(-0.70710678118654752f * x); }

INLINE float gelu(float x) { return x * phi(x); }

// Phi(x) + x exp(-x^2 / 2) / sqrt(2 pi)
INLINE float gelu_slope(float x) { return phi(x) + x * 0.39894228040143268f * expf(-0.5f * x * x); }

template <class T>
INLINE void forward(T *y, const T *x, int n) {
    constexpr int N = LANE_WIDTH<T>;
    for_elements<N>(
        n, aligned(y, x),
        [&](long i) {
            Floats<N> v = load<N>(x + i);
#pragma unroll
            for (int k = 0; k < N; k++) v.at[k] = gelu(v.at[k]);
            store(y + i, v);
        },
        [&](long i) { put(y + i, gelu(to_float(x[i]))); });
}

template <class T>
INLINE void backward(T *dx, const T *dy, const T *x, int n) {
    constexpr int N = LANE_WIDTH<T>;
    for_elements<N>(
        n, aligned(dx, dy, x),
        [&](long i) {
            Floats<N> g = load<N>(dy + i);
            Floats<N> v = load<N>(x + i);
#pragma unroll
            for (int k = 0; k < N; k++) g.at[k] *= gelu_slope(v.at[k]);
            store(dx + i, g);
        },
        [&](long i) { put(dx + i, to_float(dy[i]) * gelu_slope(to_float(x[i]))); });
}

// y may be x, where x is not needed for a backward pass.
KERNEL gelu_forward_f32(float *y, const float *x, int n) { forward(y, x, n); }
KERNEL gelu_forward_bf16(bf16 *y, const bf16 *x, int n) { forward(y, x, n); }

// dx may be dy.
KERNEL gelu_backward_f32(float *dx, const float *dy, const float *x, int n) { backward(dx, dy, x, n); }
KERNEL gelu_backward_bf16(bf16 *dx, const bf16 *dy, const bf16 *x, int n) { backward(dx, dy, x, n); }

template <class T, int N>
INLINE void bias_rows(T *y, const T *x, const float *bias, int rows, int width) {
    Columns w = columns_of<N>(width);
    for_columns<N>(w, width, [&](int c, bool active) {
        if (!active) return;
        Floats<N> b = load<N>(bias + c);
        for_rows(w, rows, [&](long r) {
            Floats<N> v = load<N>(x + r * width + c);
#pragma unroll
            for (int k = 0; k < N; k++) v.at[k] = gelu(v.at[k] + b.at[k]);
            store(y + r * width + c, v);
        });
    });
}

template <class T>
INLINE void bias_forward(T *y, const T *x, const float *bias, int rows, int width) {
    constexpr int N = LANE_WIDTH<T>;
    if (width % N == 0 && aligned(y, x, bias)) {
        bias_rows<T, N>(y, x, bias, rows, width);
    } else {
        bias_rows<T, 1>(y, x, bias, rows, width);
    }
}

// x is the product before the bias; y may be x, where x is not needed for a backward pass.
KERNEL bias_gelu_forward_f32(float *y, const float *x, const float *bias, int rows, int width) {
    bias_forward(y, x, bias, rows, width);
}
KERNEL bias_gelu_forward_bf16(bf16 *y, const bf16 *x, const float *bias, int rows, int width) {
    bias_forward(y, x, bias, rows, width);
}

template <class T, int N>
INLINE void bias_gradient(T *dx, double *scratch, const T *dy, const T *x, const float *bias, int rows, int width) {
    Columns w = columns_of<N>(width);
    for_columns<N>(w, width, [&](int c, bool active) {
        ColumnSum<N> sum;
        sum.clear();
        if (active) {
            Floats<N> b = load<N>(bias + c);
            int pending = 0;
            for_rows(w, rows, [&](long r) {
                Floats<N> v = load<N>(x + r * width + c);
                Floats<N> g = load<N>(dy + r * width + c);
#pragma unroll
                for (int k = 0; k < N; k++) {
                    g.at[k] *= gelu_slope(v.at[k] + b.at[k]);
                    sum.recent[k] += g.at[k];
                }
                store(dx + r * width + c, g);
                if (++pending % FLUSH == 0) sum.flush();
            });
            sum.flush();
        }
        reduce_levels(w, sum.total, scratch + static_cast<long>(blockIdx.y) * width + c, active);
    });
}

template <class T>
INLINE void bias_backward(T *dx, double *scratch, const T *dy, const T *x, const float *bias, int rows, int width) {
    constexpr int N = LANE_WIDTH<T>;
    if (width % N == 0 && aligned(dx, dy, x, bias)) {
        bias_gradient<T, N>(dx, scratch, dy, x, bias, rows, width);
    } else {
        bias_gradient<T, 1>(dx, scratch, dy, x, bias, rows, width);
    }
}

// dx may be dy.
KERNEL bias_gelu_backward_f32(float *dx, double *scratch, const float *dy, const float *x, const float *bias, int rows,
                              int width) {
    bias_backward(dx, scratch, dy, x, bias, rows, width);
}
KERNEL bias_gelu_backward_bf16(bf16 *dx, double *scratch, const bf16 *dy, const bf16 *x, const float *bias, int rows,
                               int width) {
    bias_backward(dx, scratch, dy, x, bias, rows, width);
}
