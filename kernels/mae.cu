// The reconstruction loss of masked autoencoders (He et al. 2022): the sum over patches of mask mean((pred - target)^2),
// over the sum of the mask, and back: dpred = 2 mask (pred - target) / (pixels sum(mask)). The target is a patch of the
// image, row by row, channels innermost; with `normalised` it is (x - mean) / sqrt(var + 1e-6), the variance unbiased.
// image: [N, down patch, across patch, channels]; pred, dpred: [patches, pixels] with patches = N down across and
// pixels = patch^2 channels; mask: [patches]. Where the mask is 0 nothing is read and dpred is 0.
//
// Launch: teams (common.cuh) with a team to a patch; mae_mean_f32 grid 1, block 256. patch_loss: float [patches];
// removed: float [1], the sum of the mask, saved for backward, which makes the targets again. Bytes: 8 a removed value
// forward, 12 backward: the second and third look at a patch find it in the cache. Statistics are in double: the
// deviations of a patch of little contrast are a difference of near numbers.
#include "common.cuh"

constexpr double EPS = 1e-6;

struct Patch {
    const float *image;   // its first value
    int run;              // values side by side: a row of the patch
    int pitch;            // values from row to row
    double mean;
    double inverse;

    INLINE float value(int i) const { return image[static_cast<long>(i / run) * pitch + i % run]; }
    INLINE double target(int i) const { return (value(i) - mean) * inverse; }
};

// Successive sums of a team take turns (common.cuh).
INLINE double next_sum(double value, int &turn) {
    turn ^= 1;
    return team_sum(value, turn);
}

INLINE Patch patch_of(const float *__restrict__ image, int p, int across, int patch, int channels,
                      bool normalised, int &turn) {
    Patch at;
    at.run = patch * channels;
    at.pitch = across * at.run;
    // Lines of patches lie below one another, image after image.
    at.image = image + static_cast<long>(p / across) * patch * at.pitch + (p % across) * at.run;
    at.mean = 0;
    at.inverse = 1;
    if (normalised) {
        int pixels = patch * at.run;
        double sum = 0;
        for (int i = threadIdx.x; i < pixels; i += blockDim.x) sum += at.value(i);
        at.mean = next_sum(sum, turn) / pixels;
        double squares = 0;
        for (int i = threadIdx.x; i < pixels; i += blockDim.x) {
            double off = at.value(i) - at.mean;
            squares = fma(off, off, squares);
        }
        at.inverse = 1 / sqrt(next_sum(squares, turn) / (pixels - 1) + EPS);
    }
    return at;
}

KERNEL mae_forward_f32(float *__restrict__ patch_loss, const float *__restrict__ pred, const float *__restrict__ image,
                       const float *__restrict__ mask, int patches, int across, int patch, int channels,
                       int normalised) {
    int pixels = patch * patch * channels;
    int turn = 0;
    for (int p = blockIdx.x * blockDim.y + threadIdx.y; p < patches; p += gridDim.x * blockDim.y) {
        float weight = mask[p];
        double squares = 0;
        if (weight != 0) {
            Patch at = patch_of(image, p, across, patch, channels, normalised != 0, turn);
            for (int i = threadIdx.x; i < pixels; i += blockDim.x) {
                double off = pred[static_cast<long>(p) * pixels + i] - at.target(i);
                squares = fma(off, off, squares);
            }
            squares = next_sum(squares, turn);
        }
        if (threadIdx.x == 0) patch_loss[p] = static_cast<float>(weight * squares / pixels);
    }
}

KERNEL mae_mean_f32(float *__restrict__ loss, float *__restrict__ removed, const float *__restrict__ patch_loss,
                    const float *__restrict__ mask, int patches) {
    double sum = 0;
    double weight = 0;
    for (int p = threadIdx.x; p < patches; p += blockDim.x) {
        sum += patch_loss[p];
        weight += mask[p];
    }
    sum = team_sum(sum, 0);
    weight = team_sum(weight, 1);
    if (threadIdx.x == 0) {
        *loss = static_cast<float>(sum / weight);
        *removed = static_cast<float>(weight);
    }
}

// dpred may be pred.
KERNEL mae_backward_f32(float *dpred, const float *pred, const float *__restrict__ image,
                        const float *__restrict__ mask, const float *__restrict__ removed, int patches, int across,
                        int patch, int channels, int normalised) {
    int pixels = patch * patch * channels;
    double share = 2 / (static_cast<double>(pixels) * removed[0]);
    int turn = 0;
    for (int p = blockIdx.x * blockDim.y + threadIdx.y; p < patches; p += gridDim.x * blockDim.y) {
        float weight = mask[p];
        long first = static_cast<long>(p) * pixels;
        if (weight == 0) {
            for (int i = threadIdx.x; i < pixels; i += blockDim.x) dpred[first + i] = 0;
            continue;
        }
        Patch at = patch_of(image, p, across, patch, channels, normalised != 0, turn);
        for (int i = threadIdx.x; i < pixels; i += blockDim.x) {
            dpred[first + i] = static_cast<float>(weight * share * (pred[first + i] - at.target(i)));
        }
    }
}
