// Cross-entropy of logits [rows, width] and labels int [rows], the mean over rows of log(sum of exp(x)) - x[label], and
// back: dx = (softmax(x) - [k = label]) / rows. A label outside 0..width - 1 makes NaN.
//
// Launch: teams (common.cuh). row_loss, max, others: float [rows]; the last two are saved for backward. The mean is
// loss_sum_f32. 4 rows width bytes forward, 8 backward.
#include "logsum.cuh"

KERNEL crossentropy_forward_f32(float *__restrict__ row_loss, float *__restrict__ max, float *__restrict__ others,
                                const float *__restrict__ logits, const int *__restrict__ labels, int rows, int width) {
    int turn = 0;
    for (int row = blockIdx.x * blockDim.y + threadIdx.y; row < rows; row += gridDim.x * blockDim.y, turn ^= 1) {
        const float *x = logits + static_cast<long>(row) * width;
        LogSum sum;
        sum.clear();
        for (int c = threadIdx.x; c < width; c += blockDim.x) sum.add(x[c]);
        sum = team_logsum(sum, turn);
        if (threadIdx.x == 0) {
            int label = labels[row];
            bool known = label >= 0 && label < width;
            row_loss[row] = known ? log1pf(sum.others) + (sum.max - x[label]) : NAN;
            max[row] = sum.max;
            others[row] = sum.others;
        }
    }
}

// At the label softmax - 1 is minus the others' share: where the label has the maximum that sum is at hand.
KERNEL crossentropy_backward_f32(float *__restrict__ dlogits, const float *__restrict__ logits,
                                 const int *__restrict__ labels, const float *__restrict__ max,
                                 const float *__restrict__ others, int rows, int width) {
    float mean = 1.0f / rows;
    for (int row = blockIdx.x * blockDim.y + threadIdx.y; row < rows; row += gridDim.x * blockDim.y) {
        long at = static_cast<long>(row) * width;
        int label = labels[row];
        float rest = others[row];
        float share = label >= 0 && label < width ? 1 / (1 + rest) : NAN;
        float top = max[row];
        for (int c = threadIdx.x; c < width; c += blockDim.x) {
            float below = logits[at + c] - top;
            float g = expf(below) * share;
            if (c == label) g = below == 0 ? -rest * share : g - 1;
            dlogits[at + c] = g * mean;
        }
    }
}
