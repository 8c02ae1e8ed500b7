// The compiler's library functions, one a row: out[function * n + i] = f(x[i]).
extern "C" __global__ void __launch_bounds__(128) single_functions(float* out, const float* x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  float v = x[i], a = fabsf(v);
  float r[12] = {expf(v), logf(a),       tanhf(v),  erff(v),        sinf(v),       cosf(v),
                 powf(a, 1.7f), log1pf(a), expm1f(v), cbrtf(v), atan2f(v, 0.5f), v / 0.37f};
#pragma unroll
  for (int k = 0; k < 12; k++) out[k * n + i] = r[k];
}

extern "C" __global__ void double_functions(double* out, const double* x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  double v = x[i], a = fabs(v);
  double r[10] = {exp(v), log(a), tanh(v), sin(v), cos(v), pow(a, 1.7), log1p(a), expm1(v), cbrt(v), 1 / v};
#pragma unroll
  for (int k = 0; k < 10; k++) out[k * n + i] = r[k];
}
