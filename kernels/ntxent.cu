// NT-Xent, the contrastive loss of SimCLR (Chen et al. 2020, equation 1), from rows of unit length:
//   l(i) = -log( exp(s(i, pair(i))) / sum over k != i of exp(s(i, k)) ),   s(i, k) = unit(i) . unit(k) / T
// unit: [rows, width], rows = 2B; row i and row i + B are the two views of an image. The matrix of similarities exists
// as tiles in shared memory only. Any B of at least 2; any width (2048 and beyond).
//
// Where the pair is nearly certain, softmax - 1 at the pair loses its digits, and so does the loss without log1p: the
// sum over the others is kept apart from the pair all the way, and the gradient's entry of the pair is minus that sum's
// share.
//
// Forward:  ntxent_forward_f32   grid (ceil(rows / 32), splits), block 256; scratch float [splits, rows, 3]; the
//                                columns are shared out over the splits (any number, so that the grid fills the device)
//           ntxent_rows_f32      one dimension, any shape
//           ntxent_mean_f32      grid 1, block 256
// Backward: ntxent_backward_f32  grid (ceil(rows / 32), ceil(width / 128)), block 256
// Then dz = l2normalize_backward(dunit).
//
// FLOPs: forward 2 rows^2 width; backward 2 rows^2 width (1 + ceil(width / 128)), since each chunk of 128 columns of
// dunit recomputes the similarities. Memory: rows / 32 readings of unit, from the cache.
#include "common.cuh"

constexpr int ROWS = 32;      // rows of a tile
constexpr int COLUMNS = 64;   // columns of a tile: other rows of unit
constexpr int DEPTH = 32;     // elements of a row that are staged at once
constexpr int CHUNK = 128;    // columns of dunit a block makes
constexpr int THREADS = 256;

// Rows are padded to an odd length, so that lanes that read one column of many rows hit different banks.
struct Stage {
    float row[ROWS][DEPTH + 1];
    float column[COLUMNS][DEPTH + 1];
};

// Copies unit[first.., from..from + DEPTH) with zeros outside the matrix.
template <int COUNT>
INLINE void stage(float (&to)[COUNT][DEPTH + 1], const float *__restrict__ unit, int first, int from, int rows,
                  int width) {
#pragma unroll
    for (int i = threadIdx.x; i < COUNT * DEPTH; i += THREADS) {
        int r = i / DEPTH;
        int d = i % DEPTH;
        bool inside = first + r < rows && from + d < width;
        to[r][d] = inside ? unit[static_cast<long>(first + r) * width + from + d] : 0.0f;
    }
}

// s = 32 x 64 products of rows. Thread t makes rows t / 16 and t / 16 + 16, columns t % 16 + 16 j.
INLINE void similarities(float (&s)[2][4], Stage &staged, const float *__restrict__ unit, int first_row,
                         int first_column, int rows, int width, float scale) {
    int y = threadIdx.x / 16;
    int x = threadIdx.x % 16;
#pragma unroll
    for (int i = 0; i < 2; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) s[i][j] = 0;
    }
    for (int from = 0; from < width; from += DEPTH) {
        __syncthreads();
        stage<ROWS>(staged.row, unit, first_row, from, rows, width);
        stage<COLUMNS>(staged.column, unit, first_column, from, rows, width);
        __syncthreads();
#pragma unroll 8
        for (int d = 0; d < DEPTH; d++) {
            float a[2];
            float b[4];
#pragma unroll
            for (int i = 0; i < 2; i++) a[i] = staged.row[y + 16 * i][d];
#pragma unroll
            for (int j = 0; j < 4; j++) b[j] = staged.column[x + 16 * j][d];
#pragma unroll
            for (int i = 0; i < 2; i++) {
#pragma unroll
                for (int j = 0; j < 4; j++) s[i][j] = fmaf(a[i], b[j], s[i][j]);
            }
        }
    }
#pragma unroll
    for (int i = 0; i < 2; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) s[i][j] *= scale;
    }
}

INLINE int pair_of(int row, int rows) { return row < rows / 2 ? row + rows / 2 : row - rows / 2; }

// The softmax over the others so far: their maximum and the sum of exp(s - max). Empty: -inf and 0.
INLINE void absorb(float &max, float &sum, float other_max, float other_sum) {
    float top = fmaxf(max, other_max);
    if (top == -INFINITY) return;
    sum = sum * expf(max - top) + other_sum * expf(other_max - top);
    max = top;
}

// Of each row over the columns of one split: maximum and sum of the others, and the pair's similarity (-inf where it is
// in another split).
KERNEL __launch_bounds__(THREADS)
    ntxent_forward_f32(float *__restrict__ scratch, const float *__restrict__ unit, int rows, int width, float scale) {
    __shared__ Stage staged;
    int y = threadIdx.x / 16;
    int x = threadIdx.x % 16;
    int first_row = blockIdx.x * ROWS;
    float max[2] = {-INFINITY, -INFINITY};
    float sum[2] = {0, 0};
    float pair[2] = {-INFINITY, -INFINITY};
    for (int first = blockIdx.y * COLUMNS; first < rows; first += gridDim.y * COLUMNS) {
        float s[2][4];
        similarities(s, staged, unit, first_row, first, rows, width, scale);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            int row = first_row + y + 16 * i;
            float top = max[i];
#pragma unroll
            for (int j = 0; j < 4; j++) {
                int column = first + x + 16 * j;
                bool is_pair = column == pair_of(row, rows);
                if (is_pair) pair[i] = s[i][j];
                if (is_pair || column == row || column >= rows) s[i][j] = -INFINITY;
                top = fmaxf(top, s[i][j]);
            }
            if (top > -INFINITY) {
                sum[i] *= expf(max[i] - top);
#pragma unroll
                for (int j = 0; j < 4; j++) sum[i] += expf(s[i][j] - top);
                max[i] = top;
            }
        }
    }
    // The 16 threads of a row are half a warp.
#pragma unroll
    for (int i = 0; i < 2; i++) {
#pragma unroll
        for (int lane = 8; lane > 0; lane /= 2) {
            float other_max = __shfl_xor_sync(ALL_LANES, max[i], lane);
            float other_sum = __shfl_xor_sync(ALL_LANES, sum[i], lane);
            absorb(max[i], sum[i], other_max, other_sum);
            pair[i] = fmaxf(pair[i], __shfl_xor_sync(ALL_LANES, pair[i], lane));
        }
        int row = first_row + y + 16 * i;
        if (x == 0 && row < rows) {
            float *to = scratch + (static_cast<long>(blockIdx.y) * rows + row) * 3;
            to[0] = max[i];
            to[1] = sum[i];
            to[2] = pair[i];
        }
    }
}

// Puts the splits together: loss, log-sum-exp over k != i, and the gradient's entry of the pair (minus the others'
// share), each float [rows].
KERNEL ntxent_rows_f32(float *__restrict__ row_loss, float *__restrict__ lse, float *__restrict__ pair_gradient,
                       const float *__restrict__ scratch, int splits, int rows) {
    for (int row = blockIdx.x * blockDim.x + threadIdx.x; row < rows; row += gridDim.x * blockDim.x) {
        float max = -INFINITY;
        float sum = 0;
        float pair = -INFINITY;
        for (int split = 0; split < splits; split++) {
            const float *from = scratch + (static_cast<long>(split) * rows + row) * 3;
            absorb(max, sum, from[0], from[1]);
            pair = fmaxf(pair, from[2]);
        }
        float top = fmaxf(max, pair);
        float others = sum * expf(max - top);
        float below = pair - top;
        float all = others + expf(below);
        row_loss[row] = below == 0 ? log1pf(others) : logf(all) - below;
        lse[row] = top + logf(all);
        pair_gradient[row] = -others / all;
    }
}

// loss [1] = mean of row_loss.
KERNEL ntxent_mean_f32(float *__restrict__ loss, const float *__restrict__ row_loss, int rows) {
    double sum = 0;
    for (int row = threadIdx.x; row < rows; row += blockDim.x) sum += row_loss[row];
    sum = team_sum(sum, 0);
    if (threadIdx.x == 0) *loss = static_cast<float>(sum / rows);
}

// dunit = (G + G^T) unit scale / rows with G = softmax over k != i, less one at the pair. The similarities are
// symmetric, so that one tile gives G(i, k) = exp(s - lse(i)) and G(k, i) = exp(s - lse(k)). scale = 1 / T.
KERNEL __launch_bounds__(THREADS)
    ntxent_backward_f32(float *__restrict__ dunit, const float *__restrict__ unit, const float *__restrict__ lse,
                        const float *__restrict__ pair_gradient, int rows, int width, float scale) {
    __shared__ Stage staged;
    __shared__ float weight[ROWS][COLUMNS + 1];
    __shared__ __align__(16) float values[16][CHUNK];
    int y = threadIdx.x / 16;
    int x = threadIdx.x % 16;
    int lane = threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    int first_row = blockIdx.x * ROWS;
    int from = blockIdx.y * CHUNK;
    // Rows warp + 8 i, columns 4 lane + j of the chunk.
    float sum[4][4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) sum[i][j] = 0;
    }
    float row_lse[2];
    float row_pair[2];
#pragma unroll
    for (int i = 0; i < 2; i++) {
        int row = min(first_row + y + 16 * i, rows - 1);
        row_lse[i] = lse[row];
        row_pair[i] = pair_gradient[row];
    }
    for (int first = 0; first < rows; first += COLUMNS) {
        float s[2][4];
        similarities(s, staged, unit, first_row, first, rows, width, scale);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            int column = first + x + 16 * j;
            float column_lse = lse[min(column, rows - 1)];
            float column_pair = pair_gradient[min(column, rows - 1)];
#pragma unroll
            for (int i = 0; i < 2; i++) {
                int row = first_row + y + 16 * i;
                float g = expf(s[i][j] - row_lse[i]) + expf(s[i][j] - column_lse);
                if (column == pair_of(row, rows)) g = row_pair[i] + column_pair;
                if (column == row || column >= rows || row >= rows) g = 0;
                weight[y + 16 * i][x + 16 * j] = g;
            }
        }
        for (int part = 0; part < COLUMNS; part += 16) {
            __syncthreads();
#pragma unroll
            for (int i = threadIdx.x; i < 16 * CHUNK; i += THREADS) {
                int k = first + part + i / CHUNK;
                int d = from + i % CHUNK;
                values[i / CHUNK][i % CHUNK] = k < rows && d < width ? unit[static_cast<long>(k) * width + d] : 0.0f;
            }
            __syncthreads();
#pragma unroll
            for (int k = 0; k < 16; k++) {
                float4 v = *reinterpret_cast<const float4 *>(&values[k][4 * lane]);
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    float g = weight[warp + 8 * i][part + k];
                    sum[i][0] = fmaf(g, v.x, sum[i][0]);
                    sum[i][1] = fmaf(g, v.y, sum[i][1]);
                    sum[i][2] = fmaf(g, v.z, sum[i][2]);
                    sum[i][3] = fmaf(g, v.w, sum[i][3]);
                }
            }
        }
    }
    float share = scale / rows;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int row = first_row + warp + 8 * i;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            int d = from + 4 * lane + j;
            if (row < rows && d < width) dunit[static_cast<long>(row) * width + d] = sum[i][j] * share;
        }
    }
}
