// Attention of an image's class token to all its tokens x, of heads that share x as keys and values (ClassAttentionOp): with f
// the query of a head, s_j = scale f . x_j, p = softmax(s), z = sum over j of p_j x_j. x, dx: [images, tokens, width]; f, z,
// df, dz: [images, heads, width]; p, ds: float [images, heads, tokens].
//
// Forward and backward_query: block 256, one for each head of each image: grid.x = images heads, no other. Backward_tokens:
// block (32, 8), a warp to a token, any grid.
// Bytes in f32: forward 8 heads images tokens width, the heads of an image from the second-level cache; backward_query as
// much; backward_tokens 4 images tokens width.
#include "common.cuh"

constexpr int WARPS = 8;

// a . b, to all lanes of a warp.
template <int N, class T>
INLINE float product(const T *a, const T *b, int width) {
    float sum = 0;
#pragma unroll 1
    for (int c = threadIdx.x % WARP * N; c < width; c += WARP * N) {
        Floats<N> u = load<N>(a + c);
        Floats<N> v = load<N>(b + c);
#pragma unroll
        for (int k = 0; k < N; k++) sum = fmaf(u.at[k], v.at[k], sum);
    }
    return warp_sum(sum);
}

// to = sum over j of factors_j x_j: the warps share the tokens, and the first one sums what they have.
template <int N, class T>
INLINE void pool(T *to, const float *factors, const T *x, int tokens, int width) {
    __shared__ float parts[WARPS][N][WARP];
    int warp = threadIdx.x / WARP;
    int lane = threadIdx.x % WARP;
    for (int first = 0; first < width; first += WARP * N) {
        int c = first + lane * N;
        Floats<N> sum;
#pragma unroll
        for (int k = 0; k < N; k++) sum.at[k] = 0;
        for (int j = warp; c < width && j < tokens; j += WARPS) {
            Floats<N> v = load<N>(x + static_cast<long>(j) * width + c);
            float factor = factors[j];
#pragma unroll
            for (int k = 0; k < N; k++) sum.at[k] = fmaf(factor, v.at[k], sum.at[k]);
        }
        if (first > 0) __syncthreads();
#pragma unroll
        for (int k = 0; k < N; k++) parts[warp][k][lane] = sum.at[k];
        __syncthreads();
        if (warp == 0 && c < width) {
#pragma unroll
            for (int k = 0; k < N; k++) {
                for (int other = 1; other < WARPS; other++) sum.at[k] += parts[other][k][lane];
            }
            store(to + c, sum);
        }
    }
}

template <int N, class T>
INLINE void attend(T *z, float *p, const T *f, const T *x, int tokens, int heads, int width, float scale) {
    const T *image = x + static_cast<long>(blockIdx.x / heads) * tokens * width;
    f += static_cast<long>(blockIdx.x) * width;
    p += static_cast<long>(blockIdx.x) * tokens;
    for (int j = threadIdx.x / WARP; j < tokens; j += WARPS) {
        float score = scale * product<N>(f, image + static_cast<long>(j) * width, width);
        if (threadIdx.x % WARP == 0) p[j] = score;
    }
    __syncthreads();
    float greatest = -INFINITY;
    for (int j = threadIdx.x; j < tokens; j += blockDim.x) greatest = fmaxf(greatest, p[j]);
    greatest = team_max(greatest, 0);
    float sum = 0;
    for (int j = threadIdx.x; j < tokens; j += blockDim.x) {
        p[j] = expf(p[j] - greatest);
        sum += p[j];
    }
    float share = 1 / team_sum(sum, 1);
    for (int j = threadIdx.x; j < tokens; j += blockDim.x) p[j] *= share;
    __syncthreads();
    pool<N>(z + static_cast<long>(blockIdx.x) * width, p, image, tokens, width);
}

template <class T>
INLINE void forward(T *z, float *p, const T *f, const T *x, int tokens, int heads, int width, float scale) {
    constexpr int N = LANE_WIDTH<T>;
    if (width % N == 0 && aligned(z, f, x)) {
        attend<N>(z, p, f, x, tokens, heads, width, scale);
    } else {
        attend<1>(z, p, f, x, tokens, heads, width, scale);
    }
}

KERNEL classattention_forward_f32(float *z, float *p, const float *f, const float *x, int tokens, int heads, int width,
                                  float scale) {
    forward(z, p, f, x, tokens, heads, width, scale);
}
KERNEL classattention_forward_bf16(bf16 *z, float *p, const bf16 *f, const bf16 *x, int tokens, int heads, int width,
                                   float scale) {
    forward(z, p, f, x, tokens, heads, width, scale);
}

// With dp_j = dz . x_j: ds_j = scale p_j (dp_j - sum over i of p_i dp_i), df = sum over j of ds_j x_j.
template <int N, class T>
INLINE void query(T *df, float *ds, const T *dz, const T *x, const float *p, int tokens, int heads, int width,
                  float scale) {
    const T *image = x + static_cast<long>(blockIdx.x / heads) * tokens * width;
    dz += static_cast<long>(blockIdx.x) * width;
    p += static_cast<long>(blockIdx.x) * tokens;
    ds += static_cast<long>(blockIdx.x) * tokens;
    for (int j = threadIdx.x / WARP; j < tokens; j += WARPS) {
        float dp = product<N>(dz, image + static_cast<long>(j) * width, width);
        if (threadIdx.x % WARP == 0) ds[j] = dp;
    }
    __syncthreads();
    float mean = 0;
    for (int j = threadIdx.x; j < tokens; j += blockDim.x) mean = fmaf(p[j], ds[j], mean);
    mean = team_sum(mean, 0);
    // The softmax of one score is 1 whatever the score: its slope vanishes exactly, which a difference would not.
    if (tokens == 1) scale = 0;
    for (int j = threadIdx.x; j < tokens; j += blockDim.x) ds[j] = scale * p[j] * (ds[j] - mean);
    __syncthreads();
    pool<N>(df + static_cast<long>(blockIdx.x) * width, ds, image, tokens, width);
}

template <class T>
INLINE void backward_query(T *df, float *ds, const T *dz, const T *x, const float *p, int tokens, int heads, int width,
                           float scale) {
    constexpr int N = LANE_WIDTH<T>;
    if (width % N == 0 && aligned(df, dz, x)) {
        query<N>(df, ds, dz, x, p, tokens, heads, width, scale);
    } else {
        query<1>(df, ds, dz, x, p, tokens, heads, width, scale);
    }
}

KERNEL classattention_backward_query_f32(float *df, float *ds, const float *dz, const float *x, const float *p,
                                         int tokens, int heads, int width, float scale) {
    backward_query(df, ds, dz, x, p, tokens, heads, width, scale);
}
KERNEL classattention_backward_query_bf16(bf16 *df, float *ds, const bf16 *dz, const bf16 *x, const float *p,
                                          int tokens, int heads, int width, float scale) {
    backward_query(df, ds, dz, x, p, tokens, heads, width, scale);
}

// dx_j = sum over the heads of p_j dz + ds_j f. rows = images tokens.
template <int N, class T>
INLINE void spread(T *dx, const T *dz, const T *f, const float *p, const float *ds, int rows, int tokens, int heads,
                   int width) {
    for (int row = blockIdx.x * blockDim.y + threadIdx.y; row < rows; row += gridDim.x * blockDim.y) {
        int image = row / tokens;
        int j = row % tokens;
        for (int c = threadIdx.x * N; c < width; c += WARP * N) {
            Floats<N> sum;
#pragma unroll
            for (int k = 0; k < N; k++) sum.at[k] = 0;
#pragma unroll 1
            for (int head = image * heads; head < (image + 1) * heads; head++) {
                Floats<N> value = load<N>(dz + static_cast<long>(head) * width + c);
                Floats<N> key = load<N>(f + static_cast<long>(head) * width + c);
                float weight = p[static_cast<long>(head) * tokens + j];
                float slope = ds[static_cast<long>(head) * tokens + j];
#pragma unroll
                for (int k = 0; k < N; k++) {
                    sum.at[k] = fmaf(weight, value.at[k], fmaf(slope, key.at[k], sum.at[k]));
                }
            }
            store(dx + static_cast<long>(row) * width + c, sum);
        }
    }
}

template <class T>
INLINE void backward_tokens(T *dx, const T *dz, const T *f, const float *p, const float *ds, int rows, int tokens,
                            int heads, int width) {
    constexpr int N = LANE_WIDTH<T>;
    if (width % N == 0 && aligned(dx, dz, f)) {
        spread<N>(dx, dz, f, p, ds, rows, tokens, heads, width);
    } else {
        spread<1>(dx, dz, f, p, ds, rows, tokens, heads, width);
    }
}

KERNEL classattention_backward_tokens_f32(float *dx, const float *dz, const float *f, const float *p, const float *ds,
                                          int rows, int tokens, int heads, int width) {
    backward_tokens(dx, dz, f, p, ds, rows, tokens, heads, width);
}
KERNEL classattention_backward_tokens_bf16(bf16 *dx, const bf16 *dz, const bf16 *f, const float *p, const float *ds,
                                           int rows, int tokens, int heads, int width) {
    backward_tokens(dx, dz, f, p, ds, rows, tokens, heads, width);
}
