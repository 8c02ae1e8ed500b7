// The redundancy reduction of Barlow Twins (Zbontar et al. 2021, equations 1 and 2), around three matrix products:
//   u = (z - mean) / sqrt(var + eps) for each view and column;  C = u1^T u2 / B
//   loss = scale (sum of (C_ii - 1)^2 + lambda sum over i != j of C_ij^2)
//   du1 = u2 dC^T, du2 = u1 dC;  dz = (du - mean(du) - u mean(du u)) / sqrt(var + eps)
// z, u, du, dz: [2 batch, width], the second view below the first; c: [width, width]. statistics: double [5, width]:
// mean and 1 / sqrt(var + eps) of the first view, of the second, and C_ii - 1. The diagonal never passes through the
// products: near its optimum C_ii - 1 is a difference of near numbers, and so is what it does to z.
//
// Forward:  barlow_normalise_f32  grid ceil(width / 32), block 256: a block has 32 columns and steps down 8 rows at once
//           the product C; barlow_rows_f32 (teams, common.cuh), which sets the diagonal to 0; loss_sum_f32 times scale
// Backward: the products u2 C^T and u1 C times 2 scale lambda / batch; barlow_backward_f32 (as barlow_normalise_f32)
// Bytes beside the products: 16 batch width + 4 width^2 forward, 24 batch width backward; further looks at a column
// find it in the cache.
#include "common.cuh"

constexpr int LEVELS = COLUMN_THREADS / WARP;

// The sum over the levels of a block for the column of threadIdx.x % 32; every thread gets its column's.
INLINE double column_sum(double value) {
    __shared__ double parts[LEVELS][WARP];
    int lane = threadIdx.x % WARP;
    __syncthreads();
    parts[threadIdx.x / WARP][lane] = value;
    __syncthreads();
    double sum = 0;
#pragma unroll
    for (int i = 0; i < LEVELS; i++) sum += parts[i][lane];
    return sum;
}

// Calls column(c, active) for this thread's columns, equally often in all threads of a block, and row(r) for its rows.
template <class Column>
INLINE void for_tiles(int width, Column column) {
    for (int first = blockIdx.x * WARP; first < width; first += gridDim.x * WARP) {
        int c = first + threadIdx.x % WARP;
        column(c, c < width);
    }
}

template <class Row>
INLINE void for_levels(int rows, bool active, Row row) {
    if (!active) return;
    for (long r = threadIdx.x / WARP; r < rows; r += LEVELS) row(r);
}

KERNEL __launch_bounds__(COLUMN_THREADS)
    barlow_normalise_f32(float *__restrict__ unit, double *__restrict__ statistics, const float *__restrict__ z,
                         int batch, int width, float eps) {
    long half = static_cast<long>(batch) * width;
    for_tiles(width, [&](int c, bool active) {
        double sum[2] = {0, 0};
        for_levels(batch, active, [&](long r) {
            sum[0] += z[r * width + c];
            sum[1] += z[half + r * width + c];
        });
        double mean[2] = {column_sum(sum[0]) / batch, column_sum(sum[1]) / batch};
        double squares[2] = {0, 0};
        double product = 0;
        for_levels(batch, active, [&](long r) {
            double one = z[r * width + c] - mean[0];
            double two = z[half + r * width + c] - mean[1];
            squares[0] = fma(one, one, squares[0]);
            squares[1] = fma(two, two, squares[1]);
            product = fma(one, two, product);
        });
        double inverse[2] = {1 / sqrt(column_sum(squares[0]) / batch + eps),
                             1 / sqrt(column_sum(squares[1]) / batch + eps)};
        double diagonal = column_sum(product) / batch * inverse[0] * inverse[1] - 1;
        for_levels(batch, active, [&](long r) {
            unit[r * width + c] = static_cast<float>((z[r * width + c] - mean[0]) * inverse[0]);
            unit[half + r * width + c] = static_cast<float>((z[half + r * width + c] - mean[1]) * inverse[1]);
        });
        if (active && threadIdx.x < WARP) {
            double *to = statistics + c;
            to[0] = mean[0];
            to[width] = inverse[0];
            to[2L * width] = mean[1];
            to[3L * width] = inverse[1];
            to[4L * width] = diagonal;
        }
    });
}

// row_loss[i] = (C_ii - 1)^2 + lambda (sum over j != i of C_ij^2), and c without its diagonal.
KERNEL barlow_rows_f32(float *__restrict__ row_loss, float *__restrict__ c, const double *__restrict__ statistics,
                       int width, float lambda) {
    int turn = 0;
    for (int row = blockIdx.x * blockDim.y + threadIdx.y; row < width; row += gridDim.x * blockDim.y, turn ^= 1) {
        float *at = c + static_cast<long>(row) * width;
        double squares = 0;
        for (int i = threadIdx.x; i < width; i += blockDim.x) {
            double v = at[i];
            if (i == row) {
                at[i] = 0;
            } else {
                squares = fma(v, v, squares);
            }
        }
        squares = team_sum(squares, turn);
        double diagonal = statistics[4L * width + row];
        if (threadIdx.x == 0) row_loss[row] = static_cast<float>(diagonal * diagonal + lambda * squares);
    }
}

// dunit holds the off-diagonal's share; slope = 2 scale / batch.
KERNEL __launch_bounds__(COLUMN_THREADS)
    barlow_backward_f32(float *__restrict__ dz, const float *__restrict__ dunit, const float *__restrict__ z,
                        const double *__restrict__ statistics, int batch, int width, float slope) {
    long half = static_cast<long>(batch) * width;
    for_tiles(width, [&](int c, bool active) {
        double mean[2] = {0, 0};
        double inverse[2] = {0, 0};
        double share = 0;
        if (active) {
            const double *from = statistics + c;
            mean[0] = from[0];
            inverse[0] = from[width];
            mean[1] = from[2L * width];
            inverse[1] = from[3L * width];
            share = slope * from[4L * width];
        }
        double sum[2] = {0, 0};
        double along[2] = {0, 0};
        for_levels(batch, active, [&](long r) {
            long i = r * width + c;
            double u[2] = {(z[i] - mean[0]) * inverse[0], (z[half + i] - mean[1]) * inverse[1]};
            double g[2] = {dunit[i] + share * u[1], dunit[half + i] + share * u[0]};
#pragma unroll
            for (int k = 0; k < 2; k++) {
                sum[k] += g[k];
                along[k] = fma(g[k], u[k], along[k]);
            }
        });
#pragma unroll
        for (int k = 0; k < 2; k++) {
            sum[k] = column_sum(sum[k]) / batch;
            along[k] = column_sum(along[k]) / batch;
        }
        for_levels(batch, active, [&](long r) {
            long i = r * width + c;
            double u[2] = {(z[i] - mean[0]) * inverse[0], (z[half + i] - mean[1]) * inverse[1]};
            double g[2] = {dunit[i] + share * u[1], dunit[half + i] + share * u[0]};
            dz[i] = static_cast<float>((g[0] - sum[0] - u[0] * along[0]) * inverse[0]);
            dz[half + i] = static_cast<float>((g[1] - sum[1] - u[1] * along[1]) * inverse[1]);
        });
    });
}
