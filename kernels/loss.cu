// What losses share: the scalar out of what their rows contribute.
#include "common.cuh"

// loss [1] = scale (sum of n floats), in double and in a fixed order. Launch: grid 1, block 256. 4 n bytes.
KERNEL loss_sum_f32(float *__restrict__ loss, const float *__restrict__ values, int n, float scale) {
    double sum = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) sum += values[i];
    sum = team_sum(sum, 0);
    if (threadIdx.x == 0) *loss = static_cast<float>(sum * scale);
}
