// Pooling over N H W C. Launch: one dimension, any grid, any block (256 threads).
//
// maxpool: x [N, H, W, C] to y [N, OH, OW, C]; winner u8 [N, OH, OW, C] is the position of the maximum in its window,
// row by row. Padding never wins; among equals the first does, as in PyTorch. kernel at most 15. The floor is one read
// of x and one write of y and winner: overlapping windows meet in the cache.
// avgpool: x [N, pixels, C] to y [N, C], the mean over height and width.
#include "common.cuh"

template <int N>
INLINE void store_winners(u8 *to, const int (&position)[N]) {
    if constexpr (N == 4) {
        *reinterpret_cast<uchar4 *>(to) = make_uchar4(position[0], position[1], position[2], position[3]);
    } else if constexpr (N == 8) {
        uchar4 *at = reinterpret_cast<uchar4 *>(to);
        at[0] = make_uchar4(position[0], position[1], position[2], position[3]);
        at[1] = make_uchar4(position[4], position[5], position[6], position[7]);
    } else {
#pragma unroll
        for (int k = 0; k < N; k++) to[k] = static_cast<u8>(position[k]);
    }
}

template <int N>
INLINE void load_winners(int (&position)[N], const u8 *from) {
    if constexpr (N % 4 == 0) {
#pragma unroll
        for (int i = 0; i < N / 4; i++) {
            uchar4 q = reinterpret_cast<const uchar4 *>(from)[i];
            position[4 * i] = q.x;
            position[4 * i + 1] = q.y;
            position[4 * i + 2] = q.z;
            position[4 * i + 3] = q.w;
        }
    } else {
#pragma unroll
        for (int k = 0; k < N; k++) position[k] = from[k];
    }
}

// One thread makes N neighbouring channels of one output.
template <class T, int N>
INLINE void pool_windows(T *__restrict__ y, u8 *__restrict__ winner, const T *__restrict__ x, int images, int height,
                         int width, int channels, int out_height, int out_width, int kernel, int stride, int padding) {
    int groups = channels / N;
    long count = static_cast<long>(images) * out_height * out_width * groups;
    long threads = static_cast<long>(gridDim.x) * blockDim.x;
    for (long i = static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += threads) {
        int c = static_cast<int>(i % groups) * N;
        int pixel = static_cast<int>(i / groups);
        int left = pixel % out_width * stride - padding;
        int line = pixel / out_width;
        int top = line % out_height * stride - padding;
        long image = static_cast<long>(line / out_height) * height;
        Floats<N> best;
        int position[N];
#pragma unroll
        for (int k = 0; k < N; k++) {
            best.at[k] = -INFINITY;
            position[k] = 0;
        }
        for (int a = max(0, -top); a < kernel && top + a < height; a++) {
            for (int b = max(0, -left); b < kernel && left + b < width; b++) {
                Floats<N> v = load<N>(x + ((image + top + a) * width + left + b) * channels + c);
#pragma unroll
                for (int k = 0; k < N; k++) {
                    bool wins = v.at[k] > best.at[k];
                    best.at[k] = wins ? v.at[k] : best.at[k];
                    position[k] = wins ? a * kernel + b : position[k];
                }
            }
        }
        store(y + i * N, best);
        store_winners<N>(winner + i * N, position);
    }
}

template <class T>
INLINE void max_forward(T *y, u8 *winner, const T *x, int images, int height, int width, int channels, int out_height,
                        int out_width, int kernel, int stride, int padding) {
    constexpr int N = LANE_WIDTH<T>;
    if (channels % N == 0 && aligned(y, x, winner)) {
        pool_windows<T, N>(y, winner, x, images, height, width, channels, out_height, out_width, kernel, stride,
                           padding);
    } else {
        pool_windows<T, 1>(y, winner, x, images, height, width, channels, out_height, out_width, kernel, stride,
                           padding);
    }
}

KERNEL maxpool_forward_f32(float *y, u8 *winner, const float *x, int images, int height, int width, int channels,
                           int out_height, int out_width, int kernel, int stride, int padding) {
    max_forward(y, winner, x, images, height, width, channels, out_height, out_width, kernel, stride, padding);
}
KERNEL maxpool_forward_bf16(bf16 *y, u8 *winner, const bf16 *x, int images, int height, int width, int channels,
                            int out_height, int out_width, int kernel, int stride, int padding) {
    max_forward(y, winner, x, images, height, width, channels, out_height, out_width, kernel, stride, padding);
}

// Windows overlap, so each input gathers from the outputs whose window covers it, in their order: no atomics.
template <class T, int N>
INLINE void gather_windows(T *__restrict__ dx, const T *__restrict__ dy, const u8 *__restrict__ winner, int images,
                           int height, int width, int channels, int out_height, int out_width, int kernel, int stride,
                           int padding) {
    int groups = channels / N;
    long count = static_cast<long>(images) * height * width * groups;
    long threads = static_cast<long>(gridDim.x) * blockDim.x;
    for (long i = static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += threads) {
        int c = static_cast<int>(i % groups) * N;
        int pixel = static_cast<int>(i / groups);
        int column = pixel % width + padding;
        int line = pixel / width;
        int row = line % height + padding;
        long image = static_cast<long>(line / height) * out_height;
        // The first window is the one whose last row or column reaches this place: ceil((row - kernel + 1) / stride).
        int top = row < kernel ? 0 : (row - kernel) / stride + 1;
        int left = column < kernel ? 0 : (column - kernel) / stride + 1;
        int bottom = min(out_height - 1, row / stride);
        int right = min(out_width - 1, column / stride);
        Floats<N> sum;
#pragma unroll
        for (int k = 0; k < N; k++) sum.at[k] = 0;
        for (int a = top; a <= bottom; a++) {
            for (int b = left; b <= right; b++) {
                long out = ((image + a) * out_width + b) * channels + c;
                int here = (row - a * stride) * kernel + column - b * stride;
                int position[N];
                load_winners<N>(position, winner + out);
                Floats<N> g = load<N>(dy + out);
#pragma unroll
                for (int k = 0; k < N; k++) sum.at[k] += position[k] == here ? g.at[k] : 0.0f;
            }
        }
        store(dx + i * N, sum);
    }
}

template <class T>
INLINE void max_backward(T *dx, const T *dy, const u8 *winner, int images, int height, int width, int channels,
                         int out_height, int out_width, int kernel, int stride, int padding) {
    constexpr int N = LANE_WIDTH<T>;
    if (channels % N == 0 && aligned(dx, dy, winner)) {
        gather_windows<T, N>(dx, dy, winner, images, height, width, channels, out_height, out_width, kernel, stride,
                             padding);
    } else {
        gather_windows<T, 1>(dx, dy, winner, images, height, width, channels, out_height, out_width, kernel, stride,
                             padding);
    }
}

KERNEL maxpool_backward_f32(float *dx, const float *dy, const u8 *winner, int images, int height, int width,
                            int channels, int out_height, int out_width, int kernel, int stride, int padding) {
    max_backward(dx, dy, winner, images, height, width, channels, out_height, out_width, kernel, stride, padding);
}
KERNEL maxpool_backward_bf16(bf16 *dx, const bf16 *dy, const u8 *winner, int images, int height, int width,
                             int channels, int out_height, int out_width, int kernel, int stride, int padding) {
    max_backward(dx, dy, winner, images, height, width, channels, out_height, out_width, kernel, stride, padding);
}

template <class T, int N>
INLINE void average(T *__restrict__ y, const T *__restrict__ x, int images, int pixels, int channels) {
    int groups = channels / N;
    long count = static_cast<long>(images) * groups;
    long threads = static_cast<long>(gridDim.x) * blockDim.x;
    for (long i = static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += threads) {
        const T *at = x + i / groups * pixels * channels + i % groups * N;
        ColumnSum<N> sum;
        sum.clear();
        for (int p = 0; p < pixels; p++) {
            Floats<N> v = load<N>(at + static_cast<long>(p) * channels);
#pragma unroll
            for (int k = 0; k < N; k++) sum.recent[k] += v.at[k];
            if (p % FLUSH == FLUSH - 1) sum.flush();
        }
        sum.flush();
        Floats<N> mean;
#pragma unroll
        for (int k = 0; k < N; k++) mean.at[k] = static_cast<float>(sum.total[k] / pixels);
        store(y + i * N, mean);
    }
}

template <class T>
INLINE void average_forward(T *y, const T *x, int images, int pixels, int channels) {
    constexpr int N = LANE_WIDTH<T>;
    if (channels % N == 0 && aligned(y, x)) {
        average<T, N>(y, x, images, pixels, channels);
    } else {
        average<T, 1>(y, x, images, pixels, channels);
    }
}

KERNEL avgpool_forward_f32(float *y, const float *x, int images, int pixels, int channels) {
    average_forward(y, x, images, pixels, channels);
}
KERNEL avgpool_forward_bf16(bf16 *y, const bf16 *x, int images, int pixels, int channels) {
    average_forward(y, x, images, pixels, channels);
}

template <class T, int N>
INLINE void spread(T *__restrict__ dx, const T *__restrict__ dy, int images, int pixels, int channels) {
    int groups = channels / N;
    long count = static_cast<long>(images) * pixels * groups;
    long threads = static_cast<long>(gridDim.x) * blockDim.x;
    float share = 1.0f / pixels;
    for (long i = static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += threads) {
        long image = i / groups / pixels;
        Floats<N> g = load<N>(dy + image * channels + i % groups * N);
#pragma unroll
        for (int k = 0; k < N; k++) g.at[k] *= share;
        store(dx + i * N, g);
    }
}

template <class T>
INLINE void average_backward(T *dx, const T *dy, int images, int pixels, int channels) {
    constexpr int N = LANE_WIDTH<T>;
    if (channels % N == 0 && aligned(dx, dy)) {
        spread<T, N>(dx, dy, images, pixels, channels);
    } else {
        spread<T, 1>(dx, dy, images, pixels, channels);
    }
}

KERNEL avgpool_backward_f32(float *dx, const float *dy, int images, int pixels, int channels) {
    average_backward(dx, dy, images, pixels, channels);
}
KERNEL avgpool_backward_bf16(bf16 *dx, const bf16 *dy, int images, int pixels, int channels) {
    average_backward(dx, dy, images, pixels, channels);
}
