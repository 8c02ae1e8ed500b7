// Softmax over the last axis: y = exp(x - max) / sum, and back: dx = y (dy - y . dy). x, y, dy, dx: [rows, width].
//
// Launch: teams (common.cuh): (32, 8) threads with a warp to a row for width up to about 1024, else (256, 1) or more in
// x; any grid. 8 rows width bytes forward, 12 backward: the second look at a row finds it in the cache.
#include "common.cuh"

template <class T, int N>
INLINE void forward_rows(T *y, const T *x, int rows, int width) {
    for (int row = blockIdx.x * blockDim.y + threadIdx.y; row < rows; row += gridDim.x * blockDim.y) {
        const T *from = x + static_cast<long>(row) * width;
        T *to = y + static_cast<long>(row) * width;
        // One pass for both (Milakov and Gimelshein 2018, algorithm 3): the sum is rescaled when the maximum moves.
        float max = -INFINITY;
        float sum = 0;
        for (int c = threadIdx.x * N; c < width; c += blockDim.x * N) {
            Floats<N> v = load<N>(from + c);
            float top = max;
#pragma unroll
            for (int k = 0; k < N; k++) top = fmaxf(top, v.at[k]);
            if (top > max) {
                sum *= expf(max - top);
                max = top;
            }
#pragma unroll
            for (int k = 0; k < N; k++) sum += max == -INFINITY ? 0.0f : expf(v.at[k] - max);
        }
        float top = team_max(max, 0);
        sum = team_sum(max == -INFINITY ? 0.0f : sum * expf(max - top), 1);
        float scale = 1 / sum;
        for (int c = threadIdx.x * N; c < width; c += blockDim.x * N) {
            Floats<N> v = load<N>(from + c);
#pragma unroll
            for (int k = 0; k < N; k++) v.at[k] = expf(v.at[k] - top) * scale;
            store(to + c, v);
        }
    }
}

template <class T>
INLINE void forward(T *y, const T *x, int rows, int width) {
    constexpr int N = LANE_WIDTH<T>;
    if (width % N == 0 && aligned(y, x)) {
        forward_rows<T, N>(y, x, rows, width);
    } else {
        forward_rows<T, 1>(y, x, rows, width);
    }
}

// y may be x.
KERNEL softmax_forward_f32(float *y, const float *x, int rows, int width) { forward(y, x, rows, width); }
KERNEL softmax_forward_bf16(bf16 *y, const bf16 *x, int rows, int width) { forward(y, x, rows, width); }

template <class T, int N>
INLINE void backward_rows(T *dx, const T *dy, const T *y, int rows, int width) {
    int turn = 0;
    for (int row = blockIdx.x * blockDim.y + threadIdx.y; row < rows; row += gridDim.x * blockDim.y, turn ^= 1) {
        long at = static_cast<long>(row) * width;
        float along = 0;
        for (int c = threadIdx.x * N; c < width; c += blockDim.x * N) {
            Floats<N> g = load<N>(dy + at + c);
            Floats<N> v = load<N>(y + at + c);
#pragma unroll
            for (int k = 0; k < N; k++) along = fmaf(v.at[k], g.at[k], along);
        }
        along = team_sum(along, turn);
        for (int c = threadIdx.x * N; c < width; c += blockDim.x * N) {
            Floats<N> g = load<N>(dy + at + c);
            Floats<N> v = load<N>(y + at + c);
#pragma unroll
            for (int k = 0; k < N; k++) g.at[k] = v.at[k] * (g.at[k] - along);
            store(dx + at + c, g);
        }
    }
}

template <class T>
INLINE void backward(T *dx, const T *dy, const T *y, int rows, int width) {
    constexpr int N = LANE_WIDTH<T>;
    if (width % N == 0 && aligned(dx, dy, y)) {
        backward_rows<T, N>(dx, dy, y, rows, width);
    } else {
        backward_rows<T, 1>(dx, dy, y, rows, width);
    }
}

// dx may be dy.
KERNEL softmax_backward_f32(float *dx, const float *dy, const float *y, int rows, int width) {
    backward(dx, dy, y, rows, width);
}
KERNEL softmax_backward_bf16(bf16 *dx, const bf16 *dy, const bf16 *y, int rows, int width) {
    backward(dx, dy, y, rows, width);
}
