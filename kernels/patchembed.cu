// Patches as rows: an image [H, W, C] becomes one row for each patch of P x P pixels, in the order of a weight
// [D, P, P, C]: rows [N, H/P * W/P, P * P * C]. The product with the weight is cuBLASLt's.
//
// Launch: one dimension, any grid, any block. Copies in fours where P * C allows it; 8 bytes an element (bf16: 4).
#include "common.cuh"

template <class T, int N>
INLINE void copy_elements(T *to, const T *from) {
    if constexpr (N * sizeof(T) == 16) {
        *reinterpret_cast<uint4 *>(to) = *reinterpret_cast<const uint4 *>(from);
    } else if constexpr (N * sizeof(T) == 8) {
        *reinterpret_cast<uint2 *>(to) = *reinterpret_cast<const uint2 *>(from);
    } else {
        *to = *from;
    }
}

// Every N elements of the rows once: GATHER copies them from the image, otherwise they go back to it.
template <bool GATHER, int N, class T>
INLINE void walk(T *out, const T *in, long count, int height, int width, int channels, int patch) {
    int run = patch * channels;
    int across = width / patch;
    long image = static_cast<long>(height) * width * channels;
    long stride = static_cast<long>(gridDim.x) * blockDim.x * N;
    for (long i = (static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x) * N; i < count; i += stride) {
        long n = i / image;
        int at = static_cast<int>(i - n * image);
        int row = at / (patch * run);
        int inside = at - row * patch * run;
        int y = row / across * patch + inside / run;
        int x = row % across * run + inside % run;
        long pixel = n * image + static_cast<long>(y) * width * channels + x;
        copy_elements<T, N>(out + (GATHER ? i : pixel), in + (GATHER ? pixel : i));
    }
}

template <bool GATHER, class T>
INLINE void patches(T *out, const T *in, int n, int height, int width, int channels, int patch) {
    long count = static_cast<long>(n) * height * width * channels;
    if (patch * channels % 4 == 0 && aligned(out, in)) {
        walk<GATHER, 4>(out, in, count, height, width, channels, patch);
    } else {
        walk<GATHER, 1>(out, in, count, height, width, channels, patch);
    }
}

KERNEL patch_gather_f32(float *rows, const float *x, int n, int height, int width, int channels, int patch) {
    patches<true>(rows, x, n, height, width, channels, patch);
}
KERNEL patch_gather_bf16(bf16 *rows, const bf16 *x, int n, int height, int width, int channels, int patch) {
    patches<true>(rows, x, n, height, width, channels, patch);
}

// The gradient of the image from that of the rows: each pixel lies in one patch.
KERNEL patch_scatter_f32(float *dx, const float *drows, int n, int height, int width, int channels, int patch) {
    patches<false>(dx, drows, n, height, width, channels, patch);
}
KERNEL patch_scatter_bf16(bf16 *dx, const bf16 *drows, int n, int height, int width, int channels, int patch) {
    patches<false>(dx, drows, n, height, width, channels, patch);
}
