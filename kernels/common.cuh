// Shared by all kernels: number types, 16-byte loads and stores, reductions in a fixed order.
#ifndef CULVERT_COMMON_CUH
#define CULVERT_COMMON_CUH

#include "ptx.cuh"

// All names of this file are inlined into the kernels: the PTX has entry points only and calls no function.
#define INLINE __device__ __forceinline__
#define KERNEL extern "C" __global__ void

// The upper half of a float.
struct bf16 {
    unsigned short bits;
};

typedef unsigned char u8;

constexpr unsigned ALL_LANES = 0xffffffffu;
constexpr int WARP = 32;

INLINE float to_float(float value) { return value; }
INLINE float to_float(bf16 value) { return __uint_as_float(static_cast<unsigned>(value.bits) << 16); }

INLINE void put(float *to, float value) { *to = value; }
INLINE void put(bf16 *to, float value) { to->bits = static_cast<unsigned short>(pack_bf16(value, 0.0f)); }

// How many elements of a type one 16-byte access carries.
template <class T>
constexpr int LANE_WIDTH = 16 / sizeof(T);

INLINE bool aligned(const void *p) { return (reinterpret_cast<unsigned long long>(p) & 15) == 0; }

template <class... Rest>
INLINE bool aligned(const void *p, const Rest *...rest) {
    return aligned(p) && aligned(rest...);
}

// N consecutive values as floats, in registers: every loop over them has constant bounds and unrolls.
template <int N>
struct Floats {
    float at[N];
};

template <int N>
INLINE Floats<N> load(const float *__restrict__ p) {
    Floats<N> v;
    if constexpr (N % 4 == 0) {
#pragma unroll
        for (int i = 0; i < N / 4; i++) {
            float4 q = reinterpret_cast<const float4 *>(p)[i];
            v.at[4 * i] = q.x;
            v.at[4 * i + 1] = q.y;
            v.at[4 * i + 2] = q.z;
            v.at[4 * i + 3] = q.w;
        }
    } else {
#pragma unroll
        for (int i = 0; i < N; i++) v.at[i] = p[i];
    }
    return v;
}

template <int N>
INLINE Floats<N> load(const bf16 *__restrict__ p) {
    Floats<N> v;
    if constexpr (N == 8) {
        uint4 q = *reinterpret_cast<const uint4 *>(p);
        unsigned w[4] = {q.x, q.y, q.z, q.w};
#pragma unroll
        for (int i = 0; i < 4; i++) {
            v.at[2 * i] = __uint_as_float(w[i] << 16);
            v.at[2 * i + 1] = __uint_as_float(w[i] & 0xffff0000u);
        }
    } else {
#pragma unroll
        for (int i = 0; i < N; i++) v.at[i] = to_float(p[i]);
    }
    return v;
}

template <int N>
INLINE void store(float *__restrict__ p, const Floats<N> &v) {
    if constexpr (N % 4 == 0) {
#pragma unroll
        for (int i = 0; i < N / 4; i++) {
            reinterpret_cast<float4 *>(p)[i] =
                make_float4(v.at[4 * i], v.at[4 * i + 1], v.at[4 * i + 2], v.at[4 * i + 3]);
        }
    } else {
#pragma unroll
        for (int i = 0; i < N; i++) p[i] = v.at[i];
    }
}

template <int N>
INLINE void store(bf16 *__restrict__ p, const Floats<N> &v) {
    if constexpr (N == 8) {
        *reinterpret_cast<uint4 *>(p) = make_uint4(pack_bf16(v.at[0], v.at[1]), pack_bf16(v.at[2], v.at[3]),
                                                   pack_bf16(v.at[4], v.at[5]), pack_bf16(v.at[6], v.at[7]));
    } else {
#pragma unroll
        for (int i = 0; i < N; i++) put(p + i, v.at[i]);
    }
}

// Calls vector(i) for each aligned run of N elements that starts at i and single(i) for the rest. Works for any launch
// of one dimension. Indices are 64 bit, because the last stride may step over 2^31.
template <int N, class Vector, class Single>
INLINE void for_elements(int n, bool vectors, Vector vector, Single single) {
    long thread = static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x;
    long threads = static_cast<long>(gridDim.x) * blockDim.x;
    long whole = vectors ? n / N : 0;
    for (long i = thread; i < whole; i += threads) vector(i * N);
    for (long i = whole * N + thread; i < n; i += threads) single(i);
}

template <class T>
INLINE T warp_sum(T value) {
#pragma unroll
    for (int lane = WARP / 2; lane > 0; lane /= 2) value += __shfl_xor_sync(ALL_LANES, value, lane);
    return value;
}

INLINE float warp_max(float value) {
#pragma unroll
    for (int lane = WARP / 2; lane > 0; lane /= 2) value = fmaxf(value, __shfl_xor_sync(ALL_LANES, value, lane));
    return value;
}

// Teams: the threads of one row of a kernel that works row by row. A block is (x, y) threads, x a multiple of 32: x
// threads share a row; y rows a block only where x is 32, so that a team is one warp or one block. Every thread of the
// team gets the result. All threads of a team must call; `turn` chooses one of two shared arrays, so that one barrier a
// call is enough when successive calls take turns 0, 1, 0, 1.
template <class T>
INLINE T team_sum(T value, int turn) {
    value = warp_sum(value);
    if (blockDim.x == WARP) return value;
    __shared__ T parts[2][WARP];
    int warp = threadIdx.x / WARP;
    if (threadIdx.x % WARP == 0) parts[turn][warp] = value;
    __syncthreads();
    T sum = 0;
    for (int i = 0; i < blockDim.x / WARP; i++) sum += parts[turn][i];
    return sum;
}

INLINE float team_max(float value, int turn) {
    value = warp_max(value);
    if (blockDim.x == WARP) return value;
    __shared__ float parts[2][WARP];
    int warp = threadIdx.x / WARP;
    if (threadIdx.x % WARP == 0) parts[turn][warp] = value;
    __syncthreads();
    float max = parts[turn][0];
    for (int i = 1; i < blockDim.x / WARP; i++) max = fmaxf(max, parts[turn][i]);
    return max;
}

// Columns: a matrix [rows, width] walked so that each thread owns N neighbouring columns (one 16-byte access, or 1) and
// steps down the rows; what belongs to a column stays in registers. Blocks are COLUMN_THREADS flat threads, of which
// `lanes` lie along a row; blockIdx.x steps over column tiles, blockIdx.y over rows.
constexpr int COLUMN_THREADS = 256;

struct Columns {
    int lanes;   // threads along a row: a power of two, at most 32
    int lane;    // this thread's place along the row
    int depth;   // rows a block touches at once
    int level;   // this thread's place among them
};

template <int N>
INLINE Columns columns_of(int width) {
    Columns w;
    w.lanes = WARP;
    while (w.lanes > 1 && (w.lanes / 2) * N >= width) w.lanes /= 2;
    w.lane = threadIdx.x & (w.lanes - 1);
    w.depth = COLUMN_THREADS / w.lanes;
    w.level = threadIdx.x / w.lanes;
    return w;
}

// Calls column(c, active) for each of this thread's column groups, the same number of times in every thread of a block.
template <int N, class Column>
INLINE void for_columns(const Columns &w, int width, Column column) {
    int tile = w.lanes * N;
    for (int first = blockIdx.x * tile; first < width; first += gridDim.x * tile) {
        int c = first + w.lane * N;
        column(c, c < width);
    }
}

// Calls row(r) for this thread's rows among `rows`.
template <class Row>
INLINE void for_rows(const Columns &w, int rows, Row row) {
    long step = static_cast<long>(gridDim.y) * w.depth;
    for (long r = static_cast<long>(blockIdx.y) * w.depth + w.level; r < rows; r += step) row(r);
}

// Sums `value` of the threads that own the same columns, over the levels of a block, and has level 0 write the N sums
// to `to`. Double precision and a fixed order: the result does not depend on scheduling. Call after call needs no barrier
// between: after the last one inside, a thread touches only what is its own.
template <int N>
INLINE void reduce_levels(const Columns &w, const double (&value)[N], double *to, bool active) {
    // The N sums lie a block apart, so that neighbouring threads touch neighbouring words.
    __shared__ double parts[N][COLUMN_THREADS];
#pragma unroll
    for (int i = 0; i < N; i++) parts[i][threadIdx.x] = value[i];
    __syncthreads();
    for (int half = w.depth / 2; half > 0; half /= 2) {
        if (w.level < half) {
#pragma unroll
            for (int i = 0; i < N; i++) parts[i][threadIdx.x] += parts[i][threadIdx.x + half * w.lanes];
        }
        __syncthreads();
    }
    if (w.level == 0 && active) {
#pragma unroll
        for (int i = 0; i < N; i++) to[i] = parts[i][threadIdx.x];
    }
}

// Sums of single precision that move into double precision every FLUSH rows: float error stays that of 32 additions,
// and the double adder, slow on most GPUs, has little to do.
constexpr int FLUSH = 32;

template <int N>
struct ColumnSum {
    float recent[N];
    double total[N];

    INLINE void clear() {
#pragma unroll
        for (int i = 0; i < N; i++) {
            recent[i] = 0;
            total[i] = 0;
        }
    }

    INLINE void flush() {
#pragma unroll
        for (int i = 0; i < N; i++) {
            total[i] += recent[i];
            recent[i] = 0;
        }
    }
};

// The second pass: the sum over `parts` of partial[part * stride + c], for the column of threadIdx.x % 32, by a block
// of COLUMN_THREADS threads of which each warp takes every eighth part. Every thread gets its column's sum.
template <class T>
INLINE double sum_parts(const T *__restrict__ partial, int parts, long stride, bool active) {
    __shared__ double sums[COLUMN_THREADS / WARP][WARP];
    int lane = threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    double sum = 0;
    if (active) {
        for (int part = warp; part < parts; part += COLUMN_THREADS / WARP) sum += partial[part * stride];
    }
    __syncthreads();
    sums[warp][lane] = sum;
    __syncthreads();
    sum = 0;
#pragma unroll
    for (int i = 0; i < COLUMN_THREADS / WARP; i++) sum += sums[i][lane];
    return sum;
}

#endif
