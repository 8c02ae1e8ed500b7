// Kernels with one planted mistake each; the interpreter's tests expect it to be named.
extern "C" __global__ void off_by_one(float* out, const float* in, int n) {
  int i = threadIdx.x;
  if (i <= n) out[i] = in[i];  // the mistake: <=
}

extern "C" __global__ void missing_barrier(float* out, const float* in) {
  __shared__ float tile[64];
  tile[threadIdx.x] = in[threadIdx.x];
  // the mistake: no __syncthreads() here
  out[threadIdx.x] = tile[63 - threadIdx.x];
}

extern "C" __global__ void warp_race(float* out) {
  __shared__ float cell;
  cell = threadIdx.x;  // the mistake: every lane writes its own value
  __syncthreads();
  out[threadIdx.x] = cell;
}

extern "C" __global__ void partial_barrier(float* out) {
  if (threadIdx.x < 48) __syncthreads();  // the mistake: half a warp
  out[threadIdx.x] = threadIdx.x;
}

extern "C" __global__ void early_exit(float* out, int n) {
  __shared__ float tile[128];
  if (threadIdx.x >= n) {
    out[threadIdx.x] = 0;
    return;  // the mistake: whole warps leave before the barrier
  }
  tile[threadIdx.x] = threadIdx.x;
  __syncthreads();
  out[threadIdx.x] = tile[n - 1 - threadIdx.x];
}

extern "C" __global__ void misaligned(float4* out, const float* in) {
  out[threadIdx.x] = *reinterpret_cast<const float4*>(in + threadIdx.x + 1);
}

extern "C" __global__ void uninitialised(float* out) {
  __shared__ float tile[64];
  if (threadIdx.x != 5) tile[threadIdx.x] = 1;  // the mistake: nobody writes tile[5]
  __syncthreads();
  out[threadIdx.x] = tile[threadIdx.x] + 1;
}

extern "C" __global__ void endless(int* flag) {
  while (*(volatile int*)flag == 0) {
  }
}

extern "C" __global__ void copy(float* out, const float* in) { out[threadIdx.x] = in[threadIdx.x]; }

extern "C" __global__ void stop(int* in) {
  if (in[threadIdx.x] == 3) __trap();
}

extern "C" __global__ void shared_bound(float* out, int shift) {
  __shared__ float tile[32];
  tile[threadIdx.x + shift] = 1;
  __syncthreads();
  out[threadIdx.x] = tile[threadIdx.x];
}
