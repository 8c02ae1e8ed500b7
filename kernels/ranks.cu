// What several ranks need beside NCCL. Launch: one dimension, any shape. Bytes: 8 a value.
#include "common.cuh"

// The gradient of rows that were gathered from all ranks, for the own ones, times the number of ranks:
// dy [views, ranks, block], dx [views, block].
KERNEL gather_rows_backward_f32(float *__restrict__ dx, const float *__restrict__ dy, int views, int rank, int ranks,
                                int block) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < views * block; i += gridDim.x * blockDim.x) {
        long view = i / block;
        dx[i] = ranks * dy[(view * ranks + rank) * block + i % block];
    }
}
