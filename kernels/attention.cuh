// Attention, y = softmax(scale q k^T) v, without an N x N matrix in memory (Dao et al. 2022; online softmax after
// Milakov and Gimelshein 2018). The D elements of one token of one head of one image lie together, 16-byte aligned;
// where they lie is told in strides, elements from one image, head and token to the next: `in` for q, k, v and their
// gradients, `out` for y and its own. [B, H, N, D] has the strides (H N D, N D, D), a projection [B, N, 3, H, D] the
// strides (3 N H D, D, 3 H D). lse, delta: float [B, H, N]. D is part of the name and has a file of its own,
// attention_d16.cu to attention_d128.cu: the driver compiles a whole file when it loads it, and a model has one D.
// Any N.
//
// Forward:  attention_forward_*  grid (ceil(N / Q), B H), block 128; Q = 64 (32 for f32 with D = 128).
//           Saves lse, the log-sum-exp of each row of scale q k^T.
// Backward: attention_delta_*    one dimension, block (32, 8), a warp to a row of D
//           attention_backward_query_*, attention_backward_key_*
//                                grid (ceil(N / R), B H), block 128; R = 64 in bf16; in f32 32 (16 for D = 128).
// The two backward kernels recompute the tiles of the matrix, and each owns what it sums: no atomics, so that a result
// does not depend on scheduling. scale is 1 / sqrt(D). The softmax of one score is 1 whatever the score: with N = 1 the
// gradients of q and k are 0 exactly, which differences of sums would not be.
//
// FLOPs with n = B H N^2 D: forward 4n, query 6n, key 8n. Bytes: forward reads q once and k, v once for every Q rows,
// from the cache: 4 arrays of B H N D is the floor.
// f32 multiplies in single precision on the ordinary cores; bf16 on the tensor cores with float accumulators, and
// rounds the softmax and its gradient to bf16 before the second product, as is usual.
#ifndef CULVERT_ATTENTION_CUH
#define CULVERT_ATTENTION_CUH

#include "common.cuh"

constexpr int THREADS = 128;

struct Strides {
    int image;
    int head;
    int token;

    // The first element of a head, counted through the images.
    INLINE long first(int head_of_all, int heads) const {
        return static_cast<long>(head_of_all / heads) * image + head_of_all % heads * static_cast<long>(head);
    }
};

// --- f32: thread t works at rows t / 8 + 16 i and columns t % 8 + 8 j of a tile. The eight threads of a row lie in one
// warp, so that what they exchange through shared memory needs no barrier of the block.

// A tile of COUNT rows. The padding puts rows that a warp reads together (16 bytes each) on different banks.
template <int COUNT, int D>
struct Tile {
    float row[COUNT][D + 4];

    // Rows first.. of a head's matrix, zeros past its end.
    INLINE void load(const float *__restrict__ from, int stride, int first, int n) {
#pragma unroll 4
        for (int i = threadIdx.x; i < COUNT * D / 4; i += THREADS) {
            int r = i / (D / 4);
            int d = i % (D / 4) * 4;
            float4 v = make_float4(0, 0, 0, 0);
            if (first + r < n) v = *reinterpret_cast<const float4 *>(from + static_cast<long>(first + r) * stride + d);
            *reinterpret_cast<float4 *>(&row[r][d]) = v;
        }
    }

    INLINE float4 at(int r, int d) const { return *reinterpret_cast<const float4 *>(&row[r][d]); }
};

INLINE float dot(float4 a, float4 b, float sum) {
    return fmaf(a.w, b.w, fmaf(a.z, b.z, fmaf(a.y, b.y, fmaf(a.x, b.x, sum))));
}

// s = a b^T.
template <int ROWS, int COLUMNS, int D>
INLINE void products(float (&s)[ROWS / 16][COLUMNS / 8], const Tile<ROWS, D> &a, const Tile<COLUMNS, D> &b) {
    int y = threadIdx.x / 8;
    int x = threadIdx.x % 8;
#pragma unroll
    for (int i = 0; i < ROWS / 16; i++) {
#pragma unroll
        for (int j = 0; j < COLUMNS / 8; j++) s[i][j] = 0;
    }
#pragma unroll 4
    for (int d = 0; d < D; d += 4) {
        float4 p[ROWS / 16];
#pragma unroll
        for (int i = 0; i < ROWS / 16; i++) p[i] = a.at(y + 16 * i, d);
#pragma unroll
        for (int j = 0; j < COLUMNS / 8; j++) {
            float4 q = b.at(x + 8 * j, d);
#pragma unroll
            for (int i = 0; i < ROWS / 16; i++) s[i][j] = dot(p[i], q, s[i][j]);
        }
    }
}

// ROWS x D sums; a thread owns columns 4 x .. 4 x + 3 of every 32 (for D = 16 half of the threads own none).
template <int ROWS, int D>
struct Sums {
    static constexpr int GROUPS = (D + 31) / 32;
    float4 at[ROWS / 16][GROUPS];

    INLINE void clear() {
#pragma unroll
        for (int i = 0; i < ROWS / 16; i++) {
#pragma unroll
            for (int j = 0; j < GROUPS; j++) at[i][j] = make_float4(0, 0, 0, 0);
        }
    }

    INLINE void scale(int i, float factor) {
#pragma unroll
        for (int j = 0; j < GROUPS; j++) {
            at[i][j].x *= factor;
            at[i][j].y *= factor;
            at[i][j].z *= factor;
            at[i][j].w *= factor;
        }
    }

    // += weight b, weight [ROWS][COLUMNS] in shared memory, of which a warp reads what it wrote.
    template <int COLUMNS>
    INLINE void add(const float (&weight)[ROWS][COLUMNS + 4], const Tile<COLUMNS, D> &b) {
        int y = threadIdx.x / 8;
        int x = threadIdx.x % 8;
        if (4 * x >= D) return;
#pragma unroll 2
        for (int k = 0; k < COLUMNS; k += 4) {
            float w[ROWS / 16][4];
#pragma unroll
            for (int i = 0; i < ROWS / 16; i++) {
                float4 four = *reinterpret_cast<const float4 *>(&weight[y + 16 * i][k]);
                w[i][0] = four.x;
                w[i][1] = four.y;
                w[i][2] = four.z;
                w[i][3] = four.w;
            }
#pragma unroll
            for (int l = 0; l < 4; l++) {
#pragma unroll
                for (int j = 0; j < GROUPS; j++) {
                    float4 v = b.at(k + l, 4 * x + 32 * j);
#pragma unroll
                    for (int i = 0; i < ROWS / 16; i++) {
                        at[i][j].x = fmaf(w[i][l], v.x, at[i][j].x);
                        at[i][j].y = fmaf(w[i][l], v.y, at[i][j].y);
                        at[i][j].z = fmaf(w[i][l], v.z, at[i][j].z);
                        at[i][j].w = fmaf(w[i][l], v.w, at[i][j].w);
                    }
                }
            }
        }
    }

    INLINE void store(float *__restrict__ to, int stride, int first, int n) const {
        int y = threadIdx.x / 8;
        int x = threadIdx.x % 8;
        if (4 * x >= D) return;
#pragma unroll
        for (int i = 0; i < ROWS / 16; i++) {
            int row = first + y + 16 * i;
            if (row >= n) continue;
#pragma unroll
            for (int j = 0; j < GROUPS; j++) {
                *reinterpret_cast<float4 *>(to + static_cast<long>(row) * stride + 4 * x + 32 * j) = at[i][j];
            }
        }
    }
};

template <int D>
INLINE void forward_f32(float *y, float *lse, const float *q, const float *k, const float *v, int n, int heads,
                        Strides in, Strides out_strides, float scale) {
    constexpr int ROWS = D <= 64 ? 64 : 32;
    constexpr int COLUMNS = D <= 64 ? 32 : 16;
    __shared__ __align__(16) Tile<ROWS, D> queries;
    __shared__ __align__(16) Tile<COLUMNS, D> keys;
    __shared__ __align__(16) Tile<COLUMNS, D> values;
    __shared__ __align__(16) float weight[ROWS][COLUMNS + 4];
    long head = in.first(blockIdx.y, heads);
    int first = blockIdx.x * ROWS;
    int line = threadIdx.x / 8;
    int x = threadIdx.x % 8;
    queries.load(q + head, in.token, first, n);
    Sums<ROWS, D> out;
    out.clear();
    float max[ROWS / 16];
    float sum[ROWS / 16];
#pragma unroll
    for (int i = 0; i < ROWS / 16; i++) {
        max[i] = -INFINITY;
        sum[i] = 0;
    }
    for (int from = 0; from < n; from += COLUMNS) {
        __syncthreads();
        keys.load(k + head, in.token, from, n);
        values.load(v + head, in.token, from, n);
        __syncthreads();
        float s[ROWS / 16][COLUMNS / 8];
        products<ROWS, COLUMNS, D>(s, queries, keys);
#pragma unroll
        for (int i = 0; i < ROWS / 16; i++) {
            // The first column of a tile is always inside, so that the maximum is finite.
            float top = max[i];
#pragma unroll
            for (int j = 0; j < COLUMNS / 8; j++) {
                s[i][j] = from + x + 8 * j < n ? s[i][j] * scale : -INFINITY;
                top = fmaxf(top, s[i][j]);
            }
#pragma unroll
            for (int lane = 4; lane > 0; lane /= 2) top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, lane));
            float shrink = expf(max[i] - top);
            max[i] = top;
            float part = 0;
#pragma unroll
            for (int j = 0; j < COLUMNS / 8; j++) {
                float p = expf(s[i][j] - top);
                part += p;
                weight[line + 16 * i][x + 8 * j] = p;
            }
#pragma unroll
            for (int lane = 4; lane > 0; lane /= 2) part += __shfl_xor_sync(ALL_LANES, part, lane);
            sum[i] = fmaf(sum[i], shrink, part);
            out.scale(i, shrink);
        }
        __syncwarp();
        out.template add<COLUMNS>(weight, values);
    }
#pragma unroll
    for (int i = 0; i < ROWS / 16; i++) {
        out.scale(i, 1 / sum[i]);
        int row = first + line + 16 * i;
        if (x == 0 && row < n) lse[static_cast<long>(blockIdx.y) * n + row] = max[i] + logf(sum[i]);
    }
    out.store(y + out_strides.first(blockIdx.y, heads), out_strides.token, first, n);
}

// One side of the backward pass. With P = exp(scale q k^T - lse), dP = dy v^T and dS = scale P (dP - delta) (Dao et al.
// 2022, algorithm 4):  dq = dS k;  dk = dS^T q, dv = P^T dy. Seen from its own rows, each side needs the same: the
// products of `own` with `other` and of own_value with other_value, where (own, own_value) is (q, dy) for the query
// side and (k, v) for the key side, and the other way round for the others.
template <int D, bool QUERY>
INLINE void backward_f32(float *d_own, float *d_own_value, const float *own, const float *own_value,
                         const float *other, const float *other_value, const float *lse, const float *delta, int n,
                         int heads, Strides in, Strides out, float scale) {
    constexpr int ROWS = D <= 64 ? 32 : 16;
    constexpr int COLUMNS = ROWS;
    __shared__ __align__(16) Tile<ROWS, D> own_tile;
    __shared__ __align__(16) Tile<ROWS, D> own_value_tile;
    __shared__ __align__(16) Tile<COLUMNS, D> other_tile;
    __shared__ __align__(16) Tile<COLUMNS, D> other_value_tile;
    __shared__ __align__(16) float slope[ROWS][COLUMNS + 4];
    __shared__ __align__(16) float weight[QUERY ? 1 : ROWS][COLUMNS + 4];
    long head = in.first(blockIdx.y, heads);
    // dy is own_value on the query side, other_value on the key side; the rest lies as q does.
    long own_value_head = QUERY ? out.first(blockIdx.y, heads) : head;
    long other_value_head = QUERY ? head : out.first(blockIdx.y, heads);
    int own_value_stride = QUERY ? out.token : in.token;
    int other_value_stride = QUERY ? in.token : out.token;
    const float *head_lse = lse + static_cast<long>(blockIdx.y) * n;
    const float *head_delta = delta + static_cast<long>(blockIdx.y) * n;
    int first = blockIdx.x * ROWS;
    int line = threadIdx.x / 8;
    int x = threadIdx.x % 8;
    own_tile.load(own + head, in.token, first, n);
    own_value_tile.load(own_value + own_value_head, own_value_stride, first, n);
    Sums<ROWS, D> gradient;
    Sums<ROWS, D> value_gradient;
    gradient.clear();
    value_gradient.clear();
    for (int from = 0; from < n; from += COLUMNS) {
        __syncthreads();
        other_tile.load(other + head, in.token, from, n);
        other_value_tile.load(other_value + other_value_head, other_value_stride, from, n);
        __syncthreads();
        float s[ROWS / 16][COLUMNS / 8];
        float dp[ROWS / 16][COLUMNS / 8];
        products<ROWS, COLUMNS, D>(s, own_tile, other_tile);
        products<ROWS, COLUMNS, D>(dp, own_value_tile, other_value_tile);
#pragma unroll
        for (int i = 0; i < ROWS / 16; i++) {
#pragma unroll
            for (int j = 0; j < COLUMNS / 8; j++) {
                int row = first + line + 16 * i;
                int column = from + x + 8 * j;
                int query = QUERY ? row : column;
                bool inside = row < n && column < n;
                float p = inside ? expf(s[i][j] * scale - head_lse[query]) : 0.0f;
                slope[line + 16 * i][x + 8 * j] = inside && n > 1 ? scale * p * (dp[i][j] - head_delta[query]) : 0.0f;
                if constexpr (!QUERY) weight[line + 16 * i][x + 8 * j] = p;
            }
        }
        __syncwarp();
        gradient.template add<COLUMNS>(slope, other_tile);
        if constexpr (!QUERY) value_gradient.template add<COLUMNS>(weight, other_value_tile);
    }
    gradient.store(d_own + head, in.token, first, n);
    if constexpr (!QUERY) value_gradient.store(d_own_value + head, in.token, first, n);
}

// delta = dy . y for each of `rows` tokens of all heads: the sum over a row of P dP (Dao et al. 2022, section B.2).
template <int D, class T>
INLINE void delta_rows(float *delta, const T *dy, const T *y, int rows, int n, int heads, Strides out) {
    for (int row = blockIdx.x * blockDim.y + threadIdx.y; row < rows; row += gridDim.x * blockDim.y) {
        long at = out.first(row / n, heads) + static_cast<long>(row % n) * out.token;
        float sum = 0;
        for (int d = threadIdx.x; d < D; d += WARP) sum = fmaf(to_float(dy[at + d]), to_float(y[at + d]), sum);
        sum = warp_sum(sum);
        if (threadIdx.x == 0) delta[row] = sum;
    }
}

#define ATTENTION_F32(D)                                                                                              \
    KERNEL __launch_bounds__(THREADS) attention_forward_f32_d##D(                                                     \
        float *__restrict__ y, float *__restrict__ lse, const float *__restrict__ q, const float *__restrict__ k,     \
        const float *__restrict__ v, int n, int heads, int in_image, int in_head, int in_token, int out_image,        \
        int out_head, int out_token, float scale) {                                                                   \
        forward_f32<D>(y, lse, q, k, v, n, heads, Strides{in_image, in_head, in_token},                               \
                       Strides{out_image, out_head, out_token}, scale);                                               \
    }                                                                                                                 \
    KERNEL attention_delta_f32_d##D(float *__restrict__ delta, const float *__restrict__ dy,                          \
                                    const float *__restrict__ y, int rows, int n, int heads, int out_image,           \
                                    int out_head, int out_token) {                                                    \
        delta_rows<D>(delta, dy, y, rows, n, heads, Strides{out_image, out_head, out_token});                         \
    }                                                                                                                 \
    KERNEL __launch_bounds__(THREADS) attention_backward_query_f32_d##D(                                              \
        float *__restrict__ dq, const float *__restrict__ dy, const float *__restrict__ q,                            \
        const float *__restrict__ k, const float *__restrict__ v, const float *__restrict__ lse,                      \
        const float *__restrict__ delta, int n, int heads, int in_image, int in_head, int in_token, int out_image,    \
        int out_head, int out_token, float scale) {                                                                   \
        backward_f32<D, true>(dq, nullptr, q, dy, k, v, lse, delta, n, heads,                                         \
                              Strides{in_image, in_head, in_token}, Strides{out_image, out_head, out_token}, scale);  \
    }                                                                                                                 \
    KERNEL __launch_bounds__(THREADS) attention_backward_key_f32_d##D(                                                \
        float *__restrict__ dk, float *__restrict__ dv, const float *__restrict__ dy, const float *__restrict__ q,    \
        const float *__restrict__ k, const float *__restrict__ v, const float *__restrict__ lse,                      \
        const float *__restrict__ delta, int n, int heads, int in_image, int in_head, int in_token, int out_image,    \
        int out_head, int out_token, float scale) {                                                                   \
        backward_f32<D, false>(dk, dv, k, v, q, dy, lse, delta, n, heads,                                             \
                               Strides{in_image, in_head, in_token}, Strides{out_image, out_head, out_token}, scale); \
    }

// --- bf16: a warp owns 16 rows, and m16n8k16 products (ptx.cuh, whose g and t are used here) make its part of a tile.

// A tile of COUNT rows in bf16. Rows are 16-byte aligned for ldmatrix, and the padding of 16 bytes puts the eight rows
// that a fragment touches on different banks.
template <int COUNT, int D>
struct HalfTile {
    bf16 row[COUNT][D + 8];

    // Starts copying rows first.. of a head's matrix, zeros past its end; finish_copies() waits for them.
    INLINE void load(const bf16 *__restrict__ from, int stride, int first, int n) {
#pragma unroll 4
        for (int i = threadIdx.x; i < COUNT * D / 8; i += THREADS) {
            int r = i / (D / 8);
            int d = i % (D / 8) * 8;
            start_copy(&row[r][d], from + static_cast<long>(min(first + r, n - 1)) * stride + d, first + r < n);
        }
    }

    INLINE unsigned two(int r, int d) const { return *reinterpret_cast<const unsigned *>(&row[r][d]); }
};

// s[j] = 16 x 8 products of rows first.. of a with rows 8 j.. of b.
template <int COLUMNS, int ROWS, int D>
INLINE void half_products(float (&s)[COLUMNS / 8][4], const HalfTile<ROWS, D> &a, int first,
                          const HalfTile<COLUMNS, D> &b) {
    int g = threadIdx.x % WARP / 4;
    int t = threadIdx.x % 4;
#pragma unroll
    for (int j = 0; j < COLUMNS / 8; j++) {
#pragma unroll
        for (int k = 0; k < 4; k++) s[j][k] = 0;
    }
#pragma unroll
    for (int d = 0; d < D; d += 16) {
        unsigned fragment[4] = {a.two(first + g, d + 2 * t), a.two(first + g + 8, d + 2 * t),
                                a.two(first + g, d + 2 * t + 8), a.two(first + g + 8, d + 2 * t + 8)};
#pragma unroll
        for (int j = 0; j < COLUMNS / 8; j++) {
            mma_bf16(s[j], fragment, b.two(8 * j + g, d + 2 * t), b.two(8 * j + g, d + 2 * t + 8));
        }
    }
}

// sum += weight b, weight 16 x COLUMNS as half_products lays it out: a sum's fragment, rounded, is a factor's fragment.
template <int COLUMNS, int D>
INLINE void half_add(float (&sum)[D / 8][4], const float (&weight)[COLUMNS / 8][4], const HalfTile<COLUMNS, D> &b) {
    int lane = threadIdx.x % WARP;
#pragma unroll
    for (int k = 0; k < COLUMNS; k += 16) {
        const float(&low)[4] = weight[k / 8];
        const float(&high)[4] = weight[k / 8 + 1];
        unsigned fragment[4] = {pack_bf16(low[0], low[1]), pack_bf16(low[2], low[3]), pack_bf16(high[0], high[1]),
                                pack_bf16(high[2], high[3])};
#pragma unroll
        for (int d = 0; d < D; d += 16) {
            unsigned m[4];
            load_matrices_transposed(m, &b.row[k + lane % 16][d + lane / 16 * 8]);
            mma_bf16(sum[d / 8], fragment, m[0], m[1]);
            mma_bf16(sum[d / 8 + 1], fragment, m[2], m[3]);
        }
    }
}

template <int D>
INLINE void half_store(bf16 *__restrict__ to, int stride, const float (&sum)[D / 8][4], const float (&factor)[2],
                       int row, int n) {
    int t = threadIdx.x % 4;
#pragma unroll
    for (int i = 0; i < 2; i++) {
        if (row + 8 * i >= n) continue;
        bf16 *line = to + static_cast<long>(row + 8 * i) * stride + 2 * t;
#pragma unroll
        for (int j = 0; j < D / 8; j++) {
            *reinterpret_cast<unsigned *>(line + 8 * j) =
                pack_bf16(sum[j][2 * i] * factor[i], sum[j][2 * i + 1] * factor[i]);
        }
    }
}

// Two tiles that are walked together, tile after tile. Where shared memory has room for two of each (STAGES = 2), the
// next pair is copied while the present one is worked at.
template <int COUNT, int D, int STAGES>
struct HalfPair {
    HalfTile<COUNT, D> a[STAGES];
    HalfTile<COUNT, D> b[STAGES];

    INLINE void load(const bf16 *__restrict__ from_a, int stride_a, const bf16 *__restrict__ from_b, int stride_b,
                     int first, int n) {
        int stage = first / COUNT % STAGES;
        a[stage].load(from_a, stride_a, first, n);
        b[stage].load(from_b, stride_b, first, n);
    }

    // Before the first step.
    INLINE void begin(const bf16 *__restrict__ from_a, int stride_a, const bf16 *__restrict__ from_b, int stride_b,
                      int n) {
        if (STAGES == 2) load(from_a, stride_a, from_b, stride_b, 0, n);
    }

    // Makes the pair of rows first.. present and returns its stage. With two stages the one barrier says both that all
    // copies of this pair are seen and that nobody works at the pair before, whose place the next one takes.
    INLINE int step(const bf16 *__restrict__ from_a, int stride_a, const bf16 *__restrict__ from_b, int stride_b,
                    int first, int n) {
        if (STAGES == 2) {
            finish_copies();
            __syncthreads();
            if (first + COUNT < n) load(from_a, stride_a, from_b, stride_b, first + COUNT, n);
        } else {
            __syncthreads();
            load(from_a, stride_a, from_b, stride_b, first, n);
            finish_copies();
            __syncthreads();
        }
        return first / COUNT % STAGES;
    }
};

constexpr int HALF_ROWS = 64;
constexpr float LOG2_E = 1.4426950408889634f;
constexpr float LN_2 = 0.69314718055994531f;

template <int D>
INLINE void forward_bf16(bf16 *y, float *lse, const bf16 *q, const bf16 *k, const bf16 *v, int n, int heads, Strides in,
                         Strides out_strides, float scale) {
    constexpr int COLUMNS = D <= 64 ? 64 : 32;
    constexpr int STAGES = D <= 64 ? 2 : 1;
    __shared__ __align__(16) HalfTile<HALF_ROWS, D> queries;
    __shared__ __align__(16) HalfPair<COLUMNS, D, STAGES> pairs;   // keys and values
    long head = in.first(blockIdx.y, heads);
    int first = blockIdx.x * HALF_ROWS;
    int warp_first = threadIdx.x / WARP * 16;
    int g = threadIdx.x % WARP / 4;
    int t = threadIdx.x % 4;
    // The softmax in base 2: the hardware's exponential, and one multiplication saved.
    scale *= LOG2_E;
    queries.load(q + head, in.token, first, n);
    float out[D / 8][4];
#pragma unroll
    for (int j = 0; j < D / 8; j++) {
#pragma unroll
        for (int l = 0; l < 4; l++) out[j][l] = 0;
    }
    float max[2] = {-INFINITY, -INFINITY};
    float sum[2] = {0, 0};
    pairs.begin(k + head, in.token, v + head, in.token, n);
    for (int from = 0; from < n; from += COLUMNS) {
        int stage = pairs.step(k + head, in.token, v + head, in.token, from, n);
        float s[COLUMNS / 8][4];
        half_products<COLUMNS>(s, queries, warp_first, pairs.a[stage]);
        float top[2] = {max[0], max[1]};
#pragma unroll
        for (int j = 0; j < COLUMNS / 8; j++) {
#pragma unroll
            for (int l = 0; l < 4; l++) {
                s[j][l] = from + 8 * j + 2 * t + l % 2 < n ? s[j][l] * scale : -INFINITY;
                top[l / 2] = fmaxf(top[l / 2], s[j][l]);
            }
        }
        float shrink[2];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            top[i] = fmaxf(top[i], __shfl_xor_sync(ALL_LANES, top[i], 1));
            top[i] = fmaxf(top[i], __shfl_xor_sync(ALL_LANES, top[i], 2));
            shrink[i] = exp2f(max[i] - top[i]);
            max[i] = top[i];
            sum[i] *= shrink[i];
        }
#pragma unroll
        for (int j = 0; j < COLUMNS / 8; j++) {
#pragma unroll
            for (int l = 0; l < 4; l++) {
                s[j][l] = exp2f(s[j][l] - top[l / 2]);
                sum[l / 2] += s[j][l];
            }
        }
#pragma unroll
        for (int j = 0; j < D / 8; j++) {
#pragma unroll
            for (int l = 0; l < 4; l++) out[j][l] *= shrink[l / 2];
        }
        half_add(out, s, pairs.b[stage]);
    }
    float factor[2];
    int row = first + warp_first + g;
#pragma unroll
    for (int i = 0; i < 2; i++) {
        // Each of the four threads of a row has summed its own columns.
        sum[i] += __shfl_xor_sync(ALL_LANES, sum[i], 1);
        sum[i] += __shfl_xor_sync(ALL_LANES, sum[i], 2);
        factor[i] = 1 / sum[i];
        if (t == 0 && row + 8 * i < n) {
            lse[static_cast<long>(blockIdx.y) * n + row + 8 * i] = max[i] * LN_2 + logf(sum[i]);
        }
    }
    half_store<D>(y + out_strides.first(blockIdx.y, heads), out_strides.token, out, factor, row, n);
}

template <int D, bool QUERY>
INLINE void backward_bf16(bf16 *d_own, bf16 *d_own_value, const bf16 *own, const bf16 *own_value, const bf16 *other,
                          const bf16 *other_value, const float *lse, const float *delta, int n, int heads, Strides in,
                          Strides out, float scale) {
    constexpr int COLUMNS = D <= 64 ? 32 : 16;
    constexpr int STAGES = D <= 64 ? 2 : 1;
    __shared__ __align__(16) HalfTile<HALF_ROWS, D> own_tile;
    __shared__ __align__(16) HalfTile<HALF_ROWS, D> own_value_tile;
    __shared__ __align__(16) HalfPair<COLUMNS, D, STAGES> pairs;   // other and other_value
    long head = in.first(blockIdx.y, heads);
    // dy is own_value on the query side, other_value on the key side; the rest lies as q does.
    long own_value_head = QUERY ? out.first(blockIdx.y, heads) : head;
    long other_value_head = QUERY ? head : out.first(blockIdx.y, heads);
    int own_value_stride = QUERY ? out.token : in.token;
    int other_value_stride = QUERY ? in.token : out.token;
    const float *head_lse = lse + static_cast<long>(blockIdx.y) * n;
    const float *head_delta = delta + static_cast<long>(blockIdx.y) * n;
    int first = blockIdx.x * HALF_ROWS;
    int warp_first = threadIdx.x / WARP * 16;
    int g = threadIdx.x % WARP / 4;
    int t = threadIdx.x % 4;
    own_tile.load(own + head, in.token, first, n);
    own_value_tile.load(own_value + own_value_head, own_value_stride, first, n);
    float gradient[D / 8][4];
    float value_gradient[D / 8][4];
#pragma unroll
    for (int j = 0; j < D / 8; j++) {
#pragma unroll
        for (int l = 0; l < 4; l++) {
            gradient[j][l] = 0;
            value_gradient[j][l] = 0;
        }
    }
    pairs.begin(other + head, in.token, other_value + other_value_head, other_value_stride, n);
    for (int from = 0; from < n; from += COLUMNS) {
        int stage = pairs.step(other + head, in.token, other_value + other_value_head, other_value_stride, from, n);
        float s[COLUMNS / 8][4];
        float dp[COLUMNS / 8][4];
        half_products<COLUMNS>(s, own_tile, warp_first, pairs.a[stage]);
        half_products<COLUMNS>(dp, own_value_tile, warp_first, pairs.b[stage]);
#pragma unroll
        for (int j = 0; j < COLUMNS / 8; j++) {
#pragma unroll
            for (int l = 0; l < 4; l++) {
                int row = first + warp_first + g + l / 2 * 8;
                int column = from + 8 * j + 2 * t + l % 2;
                int query = QUERY ? row : column;
                bool inside = row < n && column < n;
                s[j][l] = inside ? expf(s[j][l] * scale - head_lse[query]) : 0.0f;
                dp[j][l] = inside && n > 1 ? scale * s[j][l] * (dp[j][l] - head_delta[query]) : 0.0f;
            }
        }
        half_add(gradient, dp, pairs.a[stage]);
        if constexpr (!QUERY) half_add(value_gradient, s, pairs.b[stage]);
    }
    const float one[2] = {1, 1};
    half_store<D>(d_own + head, in.token, gradient, one, first + warp_first + g, n);
    if constexpr (!QUERY) half_store<D>(d_own_value + head, in.token, value_gradient, one, first + warp_first + g, n);
}

#define ATTENTION_BF16(D)                                                                                             \
    KERNEL __launch_bounds__(THREADS) attention_forward_bf16_d##D(                                                    \
        bf16 *__restrict__ y, float *__restrict__ lse, const bf16 *__restrict__ q, const bf16 *__restrict__ k,        \
        const bf16 *__restrict__ v, int n, int heads, int in_image, int in_head, int in_token, int out_image,         \
        int out_head, int out_token, float scale) {                                                                   \
        forward_bf16<D>(y, lse, q, k, v, n, heads, Strides{in_image, in_head, in_token},                              \
                       Strides{out_image, out_head, out_token}, scale);                                               \
    }                                                                                                                 \
    KERNEL attention_delta_bf16_d##D(float *__restrict__ delta, const bf16 *__restrict__ dy,                          \
                                    const bf16 *__restrict__ y, int rows, int n, int heads, int out_image,            \
                                    int out_head, int out_token) {                                                    \
        delta_rows<D>(delta, dy, y, rows, n, heads, Strides{out_image, out_head, out_token});                         \
    }                                                                                                                 \
    KERNEL __launch_bounds__(THREADS) attention_backward_query_bf16_d##D(                                             \
        bf16 *__restrict__ dq, const bf16 *__restrict__ dy, const bf16 *__restrict__ q,                               \
        const bf16 *__restrict__ k, const bf16 *__restrict__ v, const float *__restrict__ lse,                        \
        const float *__restrict__ delta, int n, int heads, int in_image, int in_head, int in_token, int out_image,    \
        int out_head, int out_token, float scale) {                                                                   \
        backward_bf16<D, true>(dq, nullptr, q, dy, k, v, lse, delta, n, heads,                                        \
                              Strides{in_image, in_head, in_token}, Strides{out_image, out_head, out_token}, scale);  \
    }                                                                                                                 \
    KERNEL __launch_bounds__(THREADS) attention_backward_key_bf16_d##D(                                               \
        bf16 *__restrict__ dk, bf16 *__restrict__ dv, const bf16 *__restrict__ dy, const bf16 *__restrict__ q,        \
        const bf16 *__restrict__ k, const bf16 *__restrict__ v, const float *__restrict__ lse,                        \
        const float *__restrict__ delta, int n, int heads, int in_image, int in_head, int in_token, int out_image,    \
        int out_head, int out_token, float scale) {                                                                   \
        backward_bf16<D, false>(dk, dv, k, v, q, dy, lse, delta, n, heads,                                            \
                               Strides{in_image, in_head, in_token}, Strides{out_image, out_head, out_token}, scale); \
    }

#endif
