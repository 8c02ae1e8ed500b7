// The self-distillation of DINO (Caron et al. 2021, equations 1 to 3 and algorithm 1). For the crops t of the teacher,
// the first two, and s of the student with s != t, over images b:
//   loss = mean of -sum over k of P_t(k) log P_s(k),  P_t = softmax((teacher - center) / T_t),  P_s = softmax(student / T_s)
//   dstudent = (n P_s - sum of P_t over the n crops t != s) / (T_s (2 crops - 2) batch)
//   center = momentum center + rest (mean of the teacher's rows), afterwards
// student, dstudent: [crops batch, width], crop after crop; teacher: [2 batch, width]; center: [width].
//
// Beside these the entropy of each of the teacher's rows, -sum over k of P_t(k) log P_t(k).
//
// Launch, in this order: dino_teacher_f32 and dino_student_f32 teams (common.cuh); loss_sum_f32 of row_loss, float
// [crops batch], and of row_entropy, float [2 batch]; dino_center_f32 grid ceil(width / 32), block 256. Scratch: probabilities, float [2 batch, width]. The
// gradient is made with the loss, so that backward has nothing to launch; dstudent may be null. Bytes a value: teacher
// 8, and 4 for the centre; student 16, of which the probabilities are 8. Further looks at a row find it in the cache.
//
// Near certainty a probability is 1 less a small number, and the gradient is the difference of such numbers: the small
// number is what is kept. It is told from a probability by its sign, which it has even as a negative zero.
#include "logsum.cuh"

struct Probability {
    float whole;   // 0 or 1
    float rest;    // added to it

    INLINE float value() const { return whole + rest; }
};

// exp(below) / (1 + others), where the largest element has below = 0.
INLINE float encode(float below, float others) {
    float share = 1 / (1 + others);
    return below == 0 && others < 1 ? -others * share : expf(below) * share;
}

INLINE Probability decode(float code) {
    Probability p;
    p.whole = signbit(code) ? 1.0f : 0.0f;
    p.rest = code;
    return p;
}

INLINE double team_max(double value, int turn) {
#pragma unroll
    for (int lane = WARP / 2; lane > 0; lane /= 2) value = fmax(value, __shfl_xor_sync(ALL_LANES, value, lane));
    if (blockDim.x == WARP) return value;
    __shared__ double parts[2][WARP];
    int warp = threadIdx.x / WARP;
    if (threadIdx.x % WARP == 0) parts[turn][warp] = value;
    __syncthreads();
    double max = parts[turn][0];
    for (int i = 1; i < blockDim.x / WARP; i++) max = fmax(max, parts[turn][i]);
    return max;
}

// rates: float [1], 1 / T_t. The differences are in double: a small temperature magnifies what they lack. No fmax or
// comparison lets a NaN through, the sums do, and inf - inf is one.
KERNEL dino_teacher_f32(float *__restrict__ probabilities, float *__restrict__ row_entropy,
                        const float *__restrict__ teacher, const float *__restrict__ center,
                        const float *__restrict__ rates, int rows, int width) {
    double sharpness = rates[0];
    int turn = 0;
    for (int row = blockIdx.x * blockDim.y + threadIdx.y; row < rows; row += gridDim.x * blockDim.y, turn ^= 1) {
        const float *x = teacher + static_cast<long>(row) * width;
        float *p = probabilities + static_cast<long>(row) * width;
        double max = -INFINITY;
        for (int c = threadIdx.x; c < width; c += blockDim.x) max = fmax(max, static_cast<double>(x[c]) - center[c]);
        max = team_max(max, turn);
        float sum = 0;
        float tops = 0;
        for (int c = threadIdx.x; c < width; c += blockDim.x) {
            float below = static_cast<float>((static_cast<double>(x[c]) - center[c] - max) * sharpness);
            if (below == 0) {
                tops += 1;
            } else {
                sum += expf(below);
            }
        }
        float others = team_sum(sum, 0) + (team_sum(tops, 1) - 1);
        double entropy = 0;
        for (int c = threadIdx.x; c < width; c += blockDim.x) {
            float below = static_cast<float>((static_cast<double>(x[c]) - center[c] - max) * sharpness);
            float code = encode(below, others);
            p[c] = code;
            // The largest element's code is no probability, and its logarithm is the sum's alone.
            if (code > 0) entropy -= static_cast<double>(code) * below;
        }
        entropy = team_sum(entropy, turn);
        if (threadIdx.x == 0) row_entropy[row] = static_cast<float>(log1pf(others) + entropy);
    }
}

// sharpness = 1 / T_s; scale = 1 / (T_s (2 crops - 2) batch).
KERNEL dino_student_f32(float *__restrict__ row_loss, float *__restrict__ dstudent, const float *__restrict__ student,
                        const float *__restrict__ probabilities, int rows, int batch, int width, float sharpness,
                        float scale) {
    int turn = 0;
    for (int row = blockIdx.x * blockDim.y + threadIdx.y; row < rows; row += gridDim.x * blockDim.y, turn ^= 1) {
        int crop = row / batch;
        int image = row % batch;
        const float *x = student + static_cast<long>(row) * width;
        // The crop that the student does not share with the teacher; for local crops both.
        const float *first = probabilities + static_cast<long>(crop == 0 ? batch + image : image) * width;
        const float *second = crop < 2 ? nullptr : probabilities + static_cast<long>(batch + image) * width;
        float targets = crop < 2 ? 1 : 2;
        LogSum sum;
        sum.clear();
        for (int c = threadIdx.x; c < width; c += blockDim.x) sum.add(x[c], 0, sharpness);
        sum = team_logsum(sum, turn, sharpness);
        double loss = 0;
        for (int c = threadIdx.x; c < width; c += blockDim.x) {
            float below = (x[c] - sum.max) * sharpness;
            Probability p = decode(encode(below, sum.others));
            Probability target = decode(first[c]);
            if (second != nullptr) {
                Probability other = decode(second[c]);
                target.whole += other.whole;
                target.rest += other.rest;
            }
            loss -= static_cast<double>(target.value()) * below;
            if (dstudent != nullptr) {
                float off = (targets * p.rest - target.rest) + (targets * p.whole - target.whole);
                dstudent[static_cast<long>(row) * width + c] = off * scale;
            }
        }
        loss = team_sum(loss, turn);
        if (threadIdx.x == 0) row_loss[row] = static_cast<float>(targets * log1pf(sum.others) + loss);
    }
}

KERNEL __launch_bounds__(COLUMN_THREADS)
    dino_center_f32(float *__restrict__ center, const float *__restrict__ teacher, int rows, int width, float momentum,
                    float rest) {
    for (int first = blockIdx.x * WARP; first < width; first += gridDim.x * WARP) {
        int c = first + threadIdx.x % WARP;
        double mean = sum_parts(teacher + c, rows, width, c < width) / rows;
        if (threadIdx.x < WARP && c < width) {
            center[c] = static_cast<float>(static_cast<double>(momentum) * center[c] + static_cast<double>(rest) * mean);
        }
    }
}
