// Rows scaled to unit length, y = x / max(|x|, 1e-12), and back: dx = (dy - y (y . dy)) / |x|; below eps the length is
// a constant and dx = dy / eps. x, y, dy, dx: [rows, width].
//
// Launch: teams (common.cuh): a block is (32, 8) threads with a warp to a row for width up to about 1024, else (256,
// 1); any grid. 8 rows width bytes forward, 16 backward: the second look at a row finds it in the cache. Sums are in
// double, as the CPU's: a row's elements may differ widely in size.
#include "common.cuh"

constexpr double EPS = 1e-12;

template <class T, int N>
INLINE double length_of(const T *x, int width, int turn) {
    double squares = 0;
    for (int c = threadIdx.x * N; c < width; c += blockDim.x * N) {
        Floats<N> v = load<N>(x + c);
#pragma unroll
        for (int k = 0; k < N; k++) squares += static_cast<double>(v.at[k]) * v.at[k];
    }
    return sqrt(team_sum(squares, turn));
}

template <class T, int N>
INLINE void normalise(T *__restrict__ y, const T *__restrict__ x, int rows, int width) {
    int turn = 0;
    for (int row = blockIdx.x * blockDim.y + threadIdx.y; row < rows; row += gridDim.x * blockDim.y, turn ^= 1) {
        long at = static_cast<long>(row) * width;
        double scale = 1 / fmax(length_of<T, N>(x + at, width, turn), EPS);
        for (int c = threadIdx.x * N; c < width; c += blockDim.x * N) {
            Floats<N> v = load<N>(x + at + c);
#pragma unroll
            for (int k = 0; k < N; k++) v.at[k] = static_cast<float>(v.at[k] * scale);
            store(y + at + c, v);
        }
    }
}

template <class T>
INLINE void forward(T *y, const T *x, int rows, int width) {
    constexpr int N = LANE_WIDTH<T>;
    if (width % N == 0 && aligned(y, x)) {
        normalise<T, N>(y, x, rows, width);
    } else {
        normalise<T, 1>(y, x, rows, width);
    }
}

KERNEL l2normalize_forward_f32(float *y, const float *x, int rows, int width) { forward(y, x, rows, width); }
KERNEL l2normalize_forward_bf16(bf16 *y, const bf16 *x, int rows, int width) { forward(y, x, rows, width); }

template <class T, int N>
INLINE void differentiate(T *__restrict__ dx, const T *__restrict__ dy, const T *__restrict__ x,
                          const T *__restrict__ y, int rows, int width) {
    for (int row = blockIdx.x * blockDim.y + threadIdx.y; row < rows; row += gridDim.x * blockDim.y) {
        long at = static_cast<long>(row) * width;
        double length = length_of<T, N>(x + at, width, 0);
        double along = 0;
        for (int c = threadIdx.x * N; c < width; c += blockDim.x * N) {
            Floats<N> g = load<N>(dy + at + c);
            Floats<N> v = load<N>(y + at + c);
#pragma unroll
            for (int k = 0; k < N; k++) along += static_cast<double>(v.at[k]) * g.at[k];
        }
        along = team_sum(along, 1);
        along = length > EPS ? along : 0;
        double scale = 1 / fmax(length, EPS);
        for (int c = threadIdx.x * N; c < width; c += blockDim.x * N) {
            Floats<N> g = load<N>(dy + at + c);
            Floats<N> v = load<N>(y + at + c);
#pragma unroll
            for (int k = 0; k < N; k++) g.at[k] = static_cast<float>((g.at[k] - along * v.at[k]) * scale);
            store(dx + at + c, g);
        }
    }
}

template <class T>
INLINE void backward(T *dx, const T *dy, const T *x, const T *y, int rows, int width) {
    constexpr int N = LANE_WIDTH<T>;
    if (width % N == 0 && aligned(dx, dy, x, y)) {
        differentiate<T, N>(dx, dy, x, y, rows, width);
    } else {
        differentiate<T, 1>(dx, dy, x, y, rows, width);
    }
}

KERNEL l2normalize_backward_f32(float *dx, const float *dy, const float *x, const float *y, int rows, int width) {
    backward(dx, dy, x, y, rows, width);
}
KERNEL l2normalize_backward_bf16(bf16 *dx, const bf16 *dy, const bf16 *x, const bf16 *y, int rows, int width) {
    backward(dx, dy, x, y, rows, width);
}
