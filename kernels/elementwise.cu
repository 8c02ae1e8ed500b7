// Fill, add, scale, cast and bias: one pass over memory each, so the floor is the bytes named at each kernel.
//
// Launch: one dimension, any grid, any block (256 threads; about 8 blocks an SM) unless a kernel says otherwise.
// bias_backward is two launches: bias_backward_partial_* into scratch (double [parts, width]), then bias_backward_f32.
#include "common.cuh"

// 4 n bytes written.
KERNEL fill_f32(float *__restrict__ out, float value, int n) {
    Floats<4> v = {{value, value, value, value}};
    for_elements<4>(n, aligned(out), [&](long i) { store(out + i, v); }, [&](long i) { out[i] = value; });
}

// out may be a or b. 12 n bytes (6 n in bf16).
template <class T>
INLINE void add(T *out, const T *a, const T *b, int n) {
    constexpr int N = LANE_WIDTH<T>;
    for_elements<N>(
        n, aligned(out, a, b),
        [&](long i) {
            Floats<N> v = load<N>(a + i);
            Floats<N> w = load<N>(b + i);
#pragma unroll
            for (int k = 0; k < N; k++) v.at[k] += w.at[k];
            store(out + i, v);
        },
        [&](long i) { put(out + i, to_float(a[i]) + to_float(b[i])); });
}

KERNEL add_f32(float *out, const float *a, const float *b, int n) { add(out, a, b, n); }
KERNEL add_bf16(bf16 *out, const bf16 *a, const bf16 *b, int n) { add(out, a, b, n); }

// out = factor x; out may be x. 8 n bytes.
KERNEL scale_f32(float *out, const float *x, int n, float factor) {
    for_elements<4>(
        n, aligned(out, x),
        [&](long i) {
            Floats<4> v = load<4>(x + i);
#pragma unroll
            for (int k = 0; k < 4; k++) v.at[k] *= factor;
            store(out + i, v);
        },
        [&](long i) { out[i] = x[i] * factor; });
}

// Rounds to nearest even. 6 n bytes.
KERNEL cast_f32_to_bf16(bf16 *__restrict__ out, const float *__restrict__ x, int n) {
    for_elements<8>(
        n, aligned(out, x), [&](long i) { store(out + i, load<8>(x + i)); }, [&](long i) { put(out + i, x[i]); });
}

// 6 n bytes.
KERNEL cast_bf16_to_f32(float *__restrict__ out, const bf16 *__restrict__ x, int n) {
    for_elements<8>(
        n, aligned(out, x), [&](long i) { store(out + i, load<8>(x + i)); }, [&](long i) { out[i] = to_float(x[i]); });
}

// sum += part. 10 n bytes.
KERNEL accumulate_bf16(float *__restrict__ sum, const bf16 *__restrict__ part, int n) {
    for_elements<8>(
        n, aligned(sum, part),
        [&](long i) {
            Floats<8> v = load<8>(sum + i);
            Floats<8> w = load<8>(part + i);
#pragma unroll
            for (int k = 0; k < 8; k++) v.at[k] += w.at[k];
            store(sum + i, v);
        },
        [&](long i) { sum[i] += to_float(part[i]); });
}

template <class T, int N>
INLINE void add_bias(T *__restrict__ y, const float *__restrict__ bias, int rows, int width) {
    Columns w = columns_of<N>(width);
    for_columns<N>(w, width, [&](int c, bool active) {
        if (!active) return;
        Floats<N> b = load<N>(bias + c);
        for_rows(w, rows, [&](long r) {
            T *at = y + r * width + c;
            Floats<N> v = load<N>(at);
#pragma unroll
            for (int k = 0; k < N; k++) v.at[k] += b.at[k];
            store(at, v);
        });
    });
}

template <class T>
INLINE void bias_forward(T *y, const float *bias, int rows, int width) {
    constexpr int N = LANE_WIDTH<T>;
    if (width % N == 0 && aligned(y, bias)) {
        add_bias<T, N>(y, bias, rows, width);
    } else {
        add_bias<T, 1>(y, bias, rows, width);
    }
}

// y += bias for each row of y [rows, width]; bias [width]. 8 rows width bytes.
// Launch: 256 threads; grid.x column tiles (1 or more; ceil(width / 128)), grid.y any.
KERNEL bias_forward_f32(float *y, const float *bias, int rows, int width) { bias_forward(y, bias, rows, width); }
KERNEL bias_forward_bf16(bf16 *y, const float *bias, int rows, int width) { bias_forward(y, bias, rows, width); }

template <class T, int N>
INLINE void partial_sums(double *__restrict__ scratch, const T *__restrict__ dy, int rows, int width) {
    Columns w = columns_of<N>(width);
    for_columns<N>(w, width, [&](int c, bool active) {
        ColumnSum<N> sum;
        sum.clear();
        if (active) {
            int pending = 0;
            for_rows(w, rows, [&](long r) {
                Floats<N> v = load<N>(dy + r * width + c);
#pragma unroll
                for (int k = 0; k < N; k++) sum.recent[k] += v.at[k];
                if (++pending % FLUSH == 0) sum.flush();
            });
            sum.flush();
        }
        reduce_levels(w, sum.total, scratch + static_cast<long>(blockIdx.y) * width + c, active);
    });
}

template <class T>
INLINE void bias_backward_partial(double *scratch, const T *dy, int rows, int width) {
    constexpr int N = LANE_WIDTH<T>;
    if (width % N == 0 && aligned(dy)) {
        partial_sums<T, N>(scratch, dy, rows, width);
    } else {
        partial_sums<T, 1>(scratch, dy, rows, width);
    }
}

// Sums over rows of dy [rows, width], one for each of gridDim.y parts. scratch: double [gridDim.y, width]. 4 rows width
// bytes. Launch: 256 threads; grid.x column tiles (1 or more), grid.y = parts.
KERNEL bias_backward_partial_f32(double *scratch, const float *dy, int rows, int width) {
    bias_backward_partial(scratch, dy, rows, width);
}
KERNEL bias_backward_partial_bf16(double *scratch, const bf16 *dy, int rows, int width) {
    bias_backward_partial(scratch, dy, rows, width);
}

// dbias += the sum of the parts. Launch: 256 threads; grid.x any (ceil(width / 32)).
KERNEL bias_backward_f32(float *__restrict__ dbias, const double *__restrict__ scratch, int parts, int width) {
    for (int first = blockIdx.x * WARP; first < width; first += gridDim.x * WARP) {
        int c = first + threadIdx.x % WARP;
        double sum = sum_parts(scratch + c, parts, width, c < width);
        if (threadIdx.x < WARP && c < width) dbias[c] = static_cast<float>(dbias[c] + sum);
    }
}
