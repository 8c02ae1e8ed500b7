// Binary cross-entropy of logits x and labels y with weight w of the positive class, the mean over n elements of
//   w y softplus(-x) + (1 - y) softplus(x),   softplus(x) = max(x, 0) + log(1 + exp(-|x|))
// and back: dx = ((1 - y) sigmoid(x) - w y sigmoid(-x)) / n. logits, labels, dlogits: n floats. No scratch.
//
// Launch: bce_forward_f32 grid 1, block 256 (a batch has few logits); bce_backward_f32 one dimension, any shape.
// 8 n bytes forward, 12 n backward.
#include "common.cuh"

INLINE float softplus(float x) { return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x))); }

INLINE float sigmoid(float x) {
    float e = expf(-fabsf(x));
    return (x < 0 ? e : 1.0f) / (1 + e);
}

KERNEL bce_forward_f32(float *__restrict__ loss, const float *__restrict__ logits, const float *__restrict__ labels,
                       int n, float weight) {
    double sum = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        float x = logits[i];
        float y = labels[i];
        sum += weight * y * softplus(-x) + (1 - y) * softplus(x);
    }
    sum = team_sum(sum, 0);
    if (threadIdx.x == 0) *loss = static_cast<float>(sum / n);
}

KERNEL bce_backward_f32(float *__restrict__ dlogits, const float *__restrict__ logits, const float *__restrict__ labels,
                        int n, float weight) {
    float share = 1.0f / n;
    long step = static_cast<long>(gridDim.x) * blockDim.x;
    for (long i = static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step) {
        float x = logits[i];
        float y = labels[i];
        dlogits[i] = ((1 - y) * sigmoid(x) - weight * y * sigmoid(-x)) * share;
    }
}
