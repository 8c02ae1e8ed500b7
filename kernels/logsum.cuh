// log(sum of exp) of a row in one pass, for losses: as in softmax.cu (Milakov and Gimelshein 2018, algorithm 3), but the
// largest element, whose exp(x - max) is 1, stays out of the sum. log1p of the sum and its share of the whole then keep
// their digits where a row is nearly certain.
#ifndef CULVERT_LOGSUM_CUH
#define CULVERT_LOGSUM_CUH

#include "common.cuh"

struct LogSum {
    float max;
    float others;   // sum of exp((x - max) scale) over all elements but one of size max; -1 before the first element

    INLINE void clear() {
        max = -INFINITY;
        others = -1;
    }

    // An element, or what was summed of other elements. NaN stays NaN; a second infinity makes NaN, as inf - inf does.
    INLINE void add(float x, float of_others = 0, float scale = 1) {
        if (x > max) {
            others = of_others + (1 + others) * expf((max - x) * scale);
            max = x;
        } else if (x == -INFINITY) {
            others += 0 * of_others;   // exp(-inf), unless it is NaN
        } else {
            others += (1 + of_others) * expf((x - max) * scale);
        }
    }
};

// Of a team (common.cuh); every thread gets the same bits.
INLINE LogSum team_logsum(LogSum sum, int turn, float scale = 1) {
#pragma unroll
    for (int lane = WARP / 2; lane > 0; lane /= 2) {
        float max = __shfl_xor_sync(ALL_LANES, sum.max, lane);
        float others = __shfl_xor_sync(ALL_LANES, sum.others, lane);
        sum.add(max, others, scale);
    }
    // Where two lanes tied for the maximum they may differ in the last bit.
    sum.max = __shfl_sync(ALL_LANES, sum.max, 0);
    sum.others = __shfl_sync(ALL_LANES, sum.others, 0);
    if (blockDim.x == WARP) return sum;
    __shared__ float parts[2][2][WARP];
    int warp = threadIdx.x / WARP;
    if (threadIdx.x % WARP == 0) {
        parts[turn][0][warp] = sum.max;
        parts[turn][1][warp] = sum.others;
    }
    __syncthreads();
    sum.clear();
    for (int i = 0; i < blockDim.x / WARP; i++) sum.add(parts[turn][0][i], parts[turn][1][i], scale);
    return sum;
}

#endif
