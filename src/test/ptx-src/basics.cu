// Kernels for the PTX interpreter's tests: elementwise work, divergence, calls, double precision.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

extern "C" __global__ void vector_add(float* out, const float* a, const float* b, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = a[i] + b[i];
}

// Vectorised: n is a multiple of 4.
extern "C" __global__ void vector_add4(float4* out, const float4* __restrict__ a, const float4* __restrict__ b, int n4) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n4; i += gridDim.x * blockDim.x) {
    float4 x = a[i], y = __ldg(b + i);
    out[i] = make_float4(x.x + y.x, x.y + y.y, x.z + y.z, x.w + y.w);
  }
}

// Collatz steps: every lane leaves the loop at its own time.
extern "C" __global__ void collatz(int* steps, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  unsigned x = i + 1;
  int count = 0;
  while (x != 1) {
    if (x & 1) {
      x = 3 * x + 1;
    } else {
      x >>= 1;
    }
    count++;
    if (count > 200) break;
  }
  steps[i] = count;
}

extern "C" __global__ void choose(float* out, const int* op, const float* a, const float* b, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  float x = a[i], y = b[i], r;
  switch (op[i]) {
    case 0: r = x + y; break;
    case 1: r = x - y; break;
    case 2: r = x * y; break;
    case 3: r = x / y; break;
    case 4: r = sqrtf(x); break;
    case 5: r = fminf(x, y); break;
    case 6: r = expf(x); break;
    case 7: r = sinf(y); break;
    case 8: r = powf(x, y); break;
    default: r = -1;
  }
  out[i] = r;
}

__device__ __noinline__ float horner(const float* c, int terms, float x) {
  float r = 0;
  for (int k = terms - 1; k >= 0; k--) r = fmaf(r, x, c[k]);
  return r;
}

__device__ __noinline__ int factorial(int n) { return n <= 1 ? 1 : n * factorial(n - 1); }

extern "C" __global__ void calls(float* out, int* fact, const float* coefficients, const float* x, int terms, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    out[i] = horner(coefficients, terms, x[i]);
    if (i % 3 == 0) fact[i] = factorial(i % 11);
  }
}

extern "C" __global__ void double_math(double* out, const double* a, const double* b, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  double x = a[i], y = b[i];
  out[i] = fma(x, y, x / y) + sqrt(fabs(x)) - floor(y) + (double)(long long)(x * 1000) + exp(y * 0.01) + log(fabs(x) + 1);
}

// Per-lane array: local memory.
extern "C" __global__ void sort_small(int* data, int rows) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= rows) return;
  int v[16];
  int filled = 0;
  for (int k = 0; k < 16; k++) {
    int x = data[i * 16 + k];
    int p = filled++;
    while (p > 0 && v[p - 1] > x) {
      v[p] = v[p - 1];
      p--;
    }
    v[p] = x;
  }
  for (int k = 0; k < 16; k++) data[i * 16 + k] = v[k];
}

__constant__ float table[8] = {1.f, 2.f, 4.f, 8.f, 16.f, 32.f, 64.f, 128.f};
__device__ unsigned counter = 7;

extern "C" __global__ void lookup(float* out, const int* index, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    out[i] = table[index[i] & 7];
    atomicAdd(&counter, 1u);
  }
}

extern "C" __global__ void half_math(__half* h, __nv_bfloat16* b, const float* x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  __half v = __float2half_rn(x[i]);
  __half w = __hadd(__hmul(v, v), __float2half(0.5f));
  h[i] = __hmax(w, __hneg(v));
  __nv_bfloat16 c = __float2bfloat16_rn(x[i]);
  b[i] = __hfma(c, c, __float2bfloat16(1.25f));
}

extern "C" __global__ void half2_math(__half2* h, __nv_bfloat162* b, const float2* x, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  __half2 v = __float22half2_rn(x[i]);
  h[i] = __hfma2(v, v, __hadd2(v, __float2half2_rn(1.f)));
  __nv_bfloat162 c = __float22bfloat162_rn(x[i]);
  b[i] = __hmul2(c, __hsub2(c, __float2bfloat162_rn(3.f)));
}
