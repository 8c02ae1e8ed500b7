// The rectifier y = max(0, x); its derivative at 0 is 0, as in PyTorch. x, y, dy, dx: n elements.
// Launch: one dimension, any grid, any block. One pass: 8 n bytes forward, 12 n backward (half in bf16).
#include "common.cuh"

// A NaN stays a NaN, which fmaxf would hide.
INLINE float rectify(float x) { return x < 0 ? 0.0f : x; }

template <class T>
INLINE void forward(T *y, const T *x, int n) {
    constexpr int N = LANE_WIDTH<T>;
    for_elements<N>(
        n, aligned(y, x),
        [&](long i) {
            Floats<N> v = load<N>(x + i);
#pragma unroll
            for (int k = 0; k < N; k++) v.at[k] = rectify(v.at[k]);
            store(y + i, v);
        },
        [&](long i) { put(y + i, rectify(to_float(x[i]))); });
}

template <class T>
INLINE void backward(T *dx, const T *dy, const T *y, int n) {
    constexpr int N = LANE_WIDTH<T>;
    for_elements<N>(
        n, aligned(dx, dy, y),
        [&](long i) {
            Floats<N> g = load<N>(dy + i);
            Floats<N> v = load<N>(y + i);
#pragma unroll
            for (int k = 0; k < N; k++) g.at[k] = v.at[k] > 0 ? g.at[k] : 0.0f;
            store(dx + i, g);
        },
        [&](long i) { put(dx + i, to_float(y[i]) > 0 ? to_float(dy[i]) : 0.0f); });
}

// y may be x.
KERNEL relu_forward_f32(float *y, const float *x, int n) { forward(y, x, n); }
KERNEL relu_forward_bf16(bf16 *y, const bf16 *x, int n) { forward(y, x, n); }

// dx may be dy.
KERNEL relu_backward_f32(float *dx, const float *dy, const float *y, int n) { backward(dx, dy, y, n); }
KERNEL relu_backward_bf16(bf16 *dx, const bf16 *dy, const bf16 *y, int n) { backward(dx, dy, y, n); }
