// BYOL's regression (Grill et al. 2020, equation 2), the mean over rows of 2 - 2 cos(p(i), z(pair(i))), and back:
//   dp = -2 (z / |z| - cos p / |p|) / |p| / rows
// prediction, target, dprediction: [rows, width], rows = 2B; the pair of row i is row i + B or i - B. Lengths are at
// least 1e-12; a length that was raised to it is a constant.
//
// Launch: teams (common.cuh). row_loss: float [rows], whose mean is loss_sum_f32. 8 rows width bytes forward, 12
// backward, which measures the rows again rather than read three numbers of each. In double: where prediction and target
// nearly agree 2 - 2 cos has few digits left.
#include "common.cuh"

constexpr double EPS = 1e-12;

struct Angle {
    double prediction;   // length
    double target;       // length
    double cosine;
};

// Not fmax, which would turn NaN into eps.
INLINE double length_of(double squares) {
    double length = sqrt(squares);
    return length < EPS ? EPS : length;
}

// Three sums, so that the next row's first takes the other turn.
INLINE Angle angle_of(const float *__restrict__ p, const float *__restrict__ z, int width, int turn) {
    double pp = 0;
    double zz = 0;
    double pz = 0;
    for (int c = threadIdx.x; c < width; c += blockDim.x) {
        double a = p[c];
        double b = z[c];
        pp = fma(a, a, pp);
        zz = fma(b, b, zz);
        pz = fma(a, b, pz);
    }
    Angle angle;
    angle.prediction = length_of(team_sum(pp, turn));
    angle.target = length_of(team_sum(zz, turn ^ 1));
    angle.cosine = team_sum(pz, turn) / (angle.prediction * angle.target);
    return angle;
}

INLINE long pair_of(int row, int rows) { return row < rows / 2 ? row + rows / 2 : row - rows / 2; }

KERNEL byol_forward_f32(float *__restrict__ row_loss, const float *__restrict__ prediction,
                        const float *__restrict__ target, int rows, int width) {
    int turn = 0;
    for (int row = blockIdx.x * blockDim.y + threadIdx.y; row < rows; row += gridDim.x * blockDim.y, turn ^= 1) {
        Angle angle = angle_of(prediction + static_cast<long>(row) * width, target + pair_of(row, rows) * width, width,
                               turn);
        if (threadIdx.x == 0) row_loss[row] = static_cast<float>(2 - 2 * angle.cosine);
    }
}

KERNEL byol_backward_f32(float *__restrict__ dprediction, const float *__restrict__ prediction,
                         const float *__restrict__ target, int rows, int width) {
    int turn = 0;
    for (int row = blockIdx.x * blockDim.y + threadIdx.y; row < rows; row += gridDim.x * blockDim.y, turn ^= 1) {
        const float *p = prediction + static_cast<long>(row) * width;
        const float *z = target + pair_of(row, rows) * width;
        Angle angle = angle_of(p, z, width, turn);
        double share = -2 / (angle.prediction * rows);
        double of_target = share / angle.target;
        double of_itself = angle.prediction > EPS ? share * angle.cosine / angle.prediction : 0;
        for (int c = threadIdx.x; c < width; c += blockDim.x) {
            dprediction[static_cast<long>(row) * width + c] =
                static_cast<float>(of_target * z[c] - of_itself * p[c]);
        }
    }
}
