// Masked autoencoders (He et al. 2022, section 3): an encoder that sees some patches of each image, and a decoder that
// sees all places. visible: int [N, K], the places of the patches that an encoder sees, in [0, L), each once; slots:
// int [N, L], its inverse: which of the K a place is, -1 where the patch was removed.
//
// Launch: one dimension, any grid, any block unless a kernel says otherwise. 8 bytes an element written (bf16: 4).
#include "common.cuh"

// Where a thread begins among elements that are taken K at a time, and how far it steps.
template <int K>
INLINE long first_element() {
    return (static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x) * K;
}
template <int K>
INLINE long element_step() {
    return static_cast<long>(gridDim.x) * blockDim.x * K;
}

template <int K>
INLINE Floats<K> zeros() {
    Floats<K> v;
#pragma unroll
    for (int k = 0; k < K; k++) v.at[k] = 0;
    return v;
}

template <int K>
INLINE void add_to(Floats<K> &v, const Floats<K> &other) {
#pragma unroll
    for (int k = 0; k < K; k++) v.at[k] += other.at[k];
}

// Images [N, H, W, C] in patches of P x P pixels; a row is a patch's P * P * C values in that order.
struct Grid {
    int run;      // values side by side: a line of a patch
    int across;   // patches
    int line;     // values of a line of the image
    int image;    // values
    int row;      // values of a patch

    INLINE Grid(int height, int width, int channels, int patch) {
        run = patch * channels;
        across = width / patch;
        line = width * channels;
        image = height * line;
        row = patch * run;
    }
};

// rows [N, K, P * P * C]: the visible patches of x.
template <class T, int K>
INLINE void gather_patches(T *rows, const T *x, const int *visible, int n, int kept, const Grid &g, int patch) {
    long count = static_cast<long>(n) * kept * g.row;
    for (long i = first_element<K>(); i < count; i += element_step<K>()) {
        long row = i / g.row;
        int inside = static_cast<int>(i - row * g.row);
        int place = visible[row];
        long pixel = static_cast<long>(place / g.across * patch + inside / g.run) * g.line +
                     place % g.across * g.run + inside % g.run;
        store(rows + i, load<K>(x + row / kept * g.image + pixel));
    }
}

template <class T>
INLINE void patches_forward(T *rows, const T *x, const int *visible, int n, int kept, int height, int width,
                            int channels, int patch) {
    constexpr int K = LANE_WIDTH<T>;
    Grid g(height, width, channels, patch);
    if (g.run % K == 0 && aligned(rows, x)) {
        gather_patches<T, K>(rows, x, visible, n, kept, g, patch);
    } else {
        gather_patches<T, 1>(rows, x, visible, n, kept, g, patch);
    }
}

KERNEL visible_patches_forward_f32(float *rows, const float *x, const int *visible, int n, int kept, int height,
                                   int width, int channels, int patch) {
    patches_forward(rows, x, visible, n, kept, height, width, channels, patch);
}
KERNEL visible_patches_forward_bf16(bf16 *rows, const bf16 *x, const int *visible, int n, int kept, int height,
                                    int width, int channels, int patch) {
    patches_forward(rows, x, visible, n, kept, height, width, channels, patch);
}

// dx [N, H, W, C]: the gradient of the rows where a patch is visible, 0 elsewhere.
template <class T, int K>
INLINE void spread_patches(T *dx, const T *drows, const int *slots, int n, int kept, const Grid &g, int patch) {
    long count = static_cast<long>(n) * g.image;
    int places = g.image / g.row;
    for (long i = first_element<K>(); i < count; i += element_step<K>()) {
        long b = i / g.image;
        int at = static_cast<int>(i - b * g.image);
        int y = at / g.line;
        int x = at - y * g.line;
        int slot = slots[b * places + y / patch * g.across + x / g.run];
        Floats<K> v = zeros<K>();
        if (slot >= 0) v = load<K>(drows + (b * kept + slot) * g.row + y % patch * g.run + x % g.run);
        store(dx + i, v);
    }
}

template <class T>
INLINE void patches_backward(T *dx, const T *drows, const int *slots, int n, int kept, int height, int width,
                             int channels, int patch) {
    constexpr int K = LANE_WIDTH<T>;
    Grid g(height, width, channels, patch);
    if (g.run % K == 0 && aligned(dx, drows)) {
        spread_patches<T, K>(dx, drows, slots, n, kept, g, patch);
    } else {
        spread_patches<T, 1>(dx, drows, slots, n, kept, g, patch);
    }
}

KERNEL visible_patches_backward_f32(float *dx, const float *drows, const int *slots, int n, int kept, int height,
                                    int width, int channels, int patch) {
    patches_backward(dx, drows, slots, n, kept, height, width, channels, patch);
}
KERNEL visible_patches_backward_bf16(bf16 *dx, const bf16 *drows, const int *slots, int n, int kept, int height,
                                     int width, int channels, int patch) {
    patches_backward(dx, drows, slots, n, kept, height, width, channels, patch);
}

// y [N, length, D], length = 1 + K: a class token before the K patches x of each image, and to each the position of its
// place, which nobody trains: token float [D], position float [1 + L, D]. visible may be null: then K = L, in order.
template <class T, int K>
INLINE void place(T *y, const T *x, const float *token, const float *position, const int *visible, int n, int length,
                  int width) {
    long count = static_cast<long>(n) * length * width;
    for (long i = first_element<K>(); i < count; i += element_step<K>()) {
        long row = i / width;
        int d = static_cast<int>(i - row * width);
        long b = row / length;
        long at = row - b * length;
        Floats<K> v;
        if (at == 0) {
            v = load<K>(token + d);
        } else {
            v = load<K>(x + i - (b + 1) * width);
            if (visible) at = 1 + visible[row - b - 1];
        }
        add_to(v, load<K>(position + at * width + d));
        store(y + i, v);
    }
}

template <class T>
INLINE void placed_forward(T *y, const T *x, const float *token, const float *position, const int *visible, int n,
                           int length, int width) {
    constexpr int K = LANE_WIDTH<T>;
    if (width % K == 0 && aligned(y, x, token, position)) {
        place<T, K>(y, x, token, position, visible, n, length, width);
    } else {
        place<T, 1>(y, x, token, position, visible, n, length, width);
    }
}

KERNEL placed_tokens_forward_f32(float *y, const float *x, const float *token, const float *position,
                                 const int *visible, int n, int length, int width) {
    placed_forward(y, x, token, position, visible, n, length, width);
}
KERNEL placed_tokens_forward_bf16(bf16 *y, const bf16 *x, const float *token, const float *position,
                                  const int *visible, int n, int length, int width) {
    placed_forward(y, x, token, position, visible, n, length, width);
}

// A thread owns one place of the sequence and walks the batch in its order: dtoken += the sum of dy's first rows,
// dx = the other rows.
template <class T>
INLINE void placed_backward(T *dx, float *dtoken, const T *dy, int n, int length, int width) {
    int image = length * width;
    int stride = gridDim.x * blockDim.x;
    for (int at = blockIdx.x * blockDim.x + threadIdx.x; at < image; at += stride) {
        if (at >= width) {
            for (int b = 0; b < n; b++) {
                dx[static_cast<long>(b) * (image - width) + at - width] = dy[static_cast<long>(b) * image + at];
            }
            continue;
        }
        ColumnSum<1> sum;
        sum.clear();
        for (int b = 0; b < n; b++) {
            sum.recent[0] += to_float(dy[static_cast<long>(b) * image + at]);
            if ((b + 1) % FLUSH == 0) sum.flush();
        }
        sum.flush();
        dtoken[at] = static_cast<float>(dtoken[at] + sum.total[0]);
    }
}

KERNEL placed_tokens_backward_f32(float *dx, float *dtoken, const float *dy, int n, int length, int width) {
    placed_backward(dx, dtoken, dy, n, length, width);
}
KERNEL placed_tokens_backward_bf16(bf16 *dx, float *dtoken, const bf16 *dy, int n, int length, int width) {
    placed_backward(dx, dtoken, dy, n, length, width);
}

// What a decoder starts from: y [N, length, D], length = 1 + L, from x [N, seen, D], seen = 1 + K. The class token comes
// first, then at each place the patch that the encoder saw there or else the mask token (float [D]), and to each its
// position (float [length, D]).
template <class T, int K>
INLINE void scatter(T *y, const T *x, const float *mask, const float *position, const int *slots, int n, int length,
                    int seen, int width) {
    long count = static_cast<long>(n) * length * width;
    for (long i = first_element<K>(); i < count; i += element_step<K>()) {
        long row = i / width;
        int d = static_cast<int>(i - row * width);
        long b = row / length;
        long at = row - b * length;
        int from = at == 0 ? 0 : 1 + slots[row - b - 1];
        Floats<K> v;
        if (at > 0 && from == 0) {
            v = load<K>(mask + d);
        } else {
            v = load<K>(x + (b * seen + from) * width + d);
        }
        add_to(v, load<K>(position + at * width + d));
        store(y + i, v);
    }
}

template <class T>
INLINE void unshuffle_forward(T *y, const T *x, const float *mask, const float *position, const int *slots, int n,
                              int length, int seen, int width) {
    constexpr int K = LANE_WIDTH<T>;
    if (width % K == 0 && aligned(y, x, mask, position)) {
        scatter<T, K>(y, x, mask, position, slots, n, length, seen, width);
    } else {
        scatter<T, 1>(y, x, mask, position, slots, n, length, seen, width);
    }
}

KERNEL unshuffle_forward_f32(float *y, const float *x, const float *mask, const float *position, const int *slots,
                             int n, int length, int seen, int width) {
    unshuffle_forward(y, x, mask, position, slots, n, length, seen, width);
}
KERNEL unshuffle_forward_bf16(bf16 *y, const bf16 *x, const float *mask, const float *position, const int *slots,
                              int n, int length, int seen, int width) {
    unshuffle_forward(y, x, mask, position, slots, n, length, seen, width);
}

// Each row of dy goes to the one row of dx that it came from, or into the sum of the mask token's gradient: one for each
// of gridDim.y parts, in scratch (double [gridDim.y, D]), which bias_backward_f32 adds up.
template <class T, int K>
INLINE void collect(T *dx, double *scratch, const T *dy, const int *slots, int n, int length, int seen, int width) {
    Columns w = columns_of<K>(width);
    for_columns<K>(w, width, [&](int c, bool active) {
        ColumnSum<K> sum;
        sum.clear();
        if (active) {
            int added = 0;
            for_rows(w, n * length, [&](long row) {
                long b = row / length;
                int from = row == b * length ? 0 : 1 + slots[row - b - 1];
                Floats<K> g = load<K>(dy + row * width + c);
                if (row != b * length && from == 0) {
#pragma unroll
                    for (int k = 0; k < K; k++) sum.recent[k] += g.at[k];
                    if (++added % FLUSH == 0) sum.flush();
                } else {
                    store(dx + (b * seen + from) * width + c, g);
                }
            });
            sum.flush();
        }
        reduce_levels<K>(w, sum.total, scratch + static_cast<long>(blockIdx.y) * width + c, active);
    });
}

template <class T>
INLINE void unshuffle_backward(T *dx, double *scratch, const T *dy, const int *slots, int n, int length, int seen,
                               int width) {
    constexpr int K = LANE_WIDTH<T>;
    if (width % K == 0 && aligned(dx, dy)) {
        collect<T, K>(dx, scratch, dy, slots, n, length, seen, width);
    } else {
        collect<T, 1>(dx, scratch, dy, slots, n, length, seen, width);
    }
}

// Launch: 256 threads; grid.x column tiles (1 or more), grid.y = parts.
KERNEL unshuffle_backward_f32(float *dx, double *scratch, const float *dy, const int *slots, int n, int length,
                              int seen, int width) {
    unshuffle_backward(dx, scratch, dy, slots, n, length, seen, width);
}
KERNEL unshuffle_backward_bf16(bf16 *dx, double *scratch, const bf16 *dy, const int *slots, int n, int length,
                               int seen, int width) {
    unshuffle_backward(dx, scratch, dy, slots, n, length, seen, width);
}
