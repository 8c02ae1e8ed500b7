// The sequence of a vision transformer (Dosovitskiy et al. 2021, equation 1): a class token before the L patches of
// each image and positions added to all. x, dx: [N, L, D]; y, dy: [N, 1 + L, D]; token, dtoken: float [D]; position,
// dposition: float [1 + L, D]. And part of such a sequence: the class token alone, or all but it.
//
// Launch: one dimension, any grid, any block.
#include "common.cuh"

// 8 bytes an element of y (bf16: 4).
template <class T, int K>
INLINE void assemble(T *y, const T *x, const float *token, const float *position, int n, int length, int width) {
    long image = static_cast<long>(length) * width;
    long count = n * image;
    long stride = static_cast<long>(gridDim.x) * blockDim.x * K;
    for (long i = (static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x) * K; i < count; i += stride) {
        long b = i / image;
        long at = i - b * image;
        Floats<K> p = load<K>(position + at);
        Floats<K> v;
        if (at < width) {
            v = load<K>(token + at);
        } else {
            v = load<K>(x + i - (b + 1) * width);
        }
#pragma unroll
        for (int k = 0; k < K; k++) v.at[k] += p.at[k];
        store(y + i, v);
    }
}

template <class T>
INLINE void forward(T *y, const T *x, const float *token, const float *position, int n, int length, int width) {
    constexpr int K = LANE_WIDTH<T>;
    if (width % K == 0 && aligned(y, x, token, position)) {
        assemble<T, K>(y, x, token, position, n, length, width);
    } else {
        assemble<T, 1>(y, x, token, position, n, length, width);
    }
}

// length is 1 + L.
KERNEL tokens_forward_f32(float *y, const float *x, const float *token, const float *position, int n, int length,
                          int width) {
    forward(y, x, token, position, n, length, width);
}
KERNEL tokens_forward_bf16(bf16 *y, const bf16 *x, const float *token, const float *position, int n, int length,
                           int width) {
    forward(y, x, token, position, n, length, width);
}

// A thread owns one place of the sequence and walks the batch in its order: 8 bytes an element of dy (bf16: 4).
// dposition += sum over the batch of dy, dtoken += its first row, dx = the other rows.
template <class T>
INLINE void backward(T *dx, float *dtoken, float *dposition, const T *dy, int n, int length, int width) {
    int image = length * width;
    int stride = gridDim.x * blockDim.x;
    for (int at = blockIdx.x * blockDim.x + threadIdx.x; at < image; at += stride) {
        ColumnSum<1> sum;
        sum.clear();
        for (int b = 0; b < n; b++) {
            T g = dy[static_cast<long>(b) * image + at];
            sum.recent[0] += to_float(g);
            if ((b + 1) % FLUSH == 0) sum.flush();
            if (at >= width) dx[static_cast<long>(b) * (image - width) + at - width] = g;
        }
        sum.flush();
        dposition[at] = static_cast<float>(dposition[at] + sum.total[0]);
        if (at < width) dtoken[at] = static_cast<float>(dtoken[at] + sum.total[0]);
    }
}

KERNEL tokens_backward_f32(float *dx, float *dtoken, float *dposition, const float *dy, int n, int length, int width) {
    backward(dx, dtoken, dposition, dy, n, length, width);
}
KERNEL tokens_backward_bf16(bf16 *dx, float *dtoken, float *dposition, const bf16 *dy, int n, int length, int width) {
    backward(dx, dtoken, dposition, dy, n, length, width);
}

// y [n, count, width]: `count` tokens of each of the sequences x [n, length, width], from token `first` on.
template <class T, int K>
INLINE void copy_tokens(T *y, const T *x, int n, int length, int width, int first, int count) {
    long part = static_cast<long>(count) * width;
    long image = static_cast<long>(length) * width;
    long stride = static_cast<long>(gridDim.x) * blockDim.x * K;
    for (long i = (static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x) * K; i < n * part; i += stride) {
        long b = i / part;
        store(y + i, load<K>(x + b * (image - part) + i + static_cast<long>(first) * width));
    }
}

template <class T>
INLINE void slice_forward(T *y, const T *x, int n, int length, int width, int first, int count) {
    constexpr int K = LANE_WIDTH<T>;
    if (width % K == 0 && aligned(y, x)) {
        copy_tokens<T, K>(y, x, n, length, width, first, count);
    } else {
        copy_tokens<T, 1>(y, x, n, length, width, first, count);
    }
}

KERNEL token_slice_forward_f32(float *y, const float *x, int n, int length, int width, int first, int count) {
    slice_forward(y, x, n, length, width, first, count);
}
KERNEL token_slice_forward_bf16(bf16 *y, const bf16 *x, int n, int length, int width, int first, int count) {
    slice_forward(y, x, n, length, width, first, count);
}

// dx = dy where the tokens are, 0 elsewhere.
template <class T, int K>
INLINE void spread_tokens(T *dx, const T *dy, int n, int length, int width, int first, int count) {
    long part = static_cast<long>(count) * width;
    long image = static_cast<long>(length) * width;
    long stride = static_cast<long>(gridDim.x) * blockDim.x * K;
    for (long i = (static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x) * K; i < n * image; i += stride) {
        long b = i / image;
        long at = i - b * image - static_cast<long>(first) * width;
        Floats<K> g;
#pragma unroll
        for (int k = 0; k < K; k++) g.at[k] = 0;
        if (at >= 0 && at < part) g = load<K>(dy + b * part + at);
        store(dx + i, g);
    }
}

template <class T>
INLINE void slice_backward(T *dx, const T *dy, int n, int length, int width, int first, int count) {
    constexpr int K = LANE_WIDTH<T>;
    if (width % K == 0 && aligned(dx, dy)) {
        spread_tokens<T, K>(dx, dy, n, length, width, first, count);
    } else {
        spread_tokens<T, 1>(dx, dy, n, length, width, first, count);
    }
}

KERNEL token_slice_backward_f32(float *dx, const float *dy, int n, int length, int width, int first, int count) {
    slice_backward(dx, dy, n, length, width, first, count);
}
KERNEL token_slice_backward_bf16(bf16 *dx, const bf16 *dy, int n, int length, int width, int first, int count) {
    slice_backward(dx, dy, n, length, width, first, count);
}
