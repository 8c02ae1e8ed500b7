// Kernels with shared memory, shuffles, barriers and atomics.
__device__ inline float warp_sum(float v) {
  for (int o = 16; o > 0; o >>= 1) v += __shfl_xor_sync(0xffffffffu, v, o);
  return v;
}

__device__ inline float block_sum(float v, float* scratch) {
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  v = warp_sum(v);
  __syncthreads();
  if (lane == 0) scratch[warp] = v;
  __syncthreads();
  v = lane < (blockDim.x >> 5) ? scratch[lane] : 0.f;
  return warp_sum(v);
}

extern "C" __global__ void block_reduce(float* out, const float* in, int n) {
  __shared__ float scratch[32];
  float s = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) s += in[i];
  s = block_sum(s, scratch);
  if (threadIdx.x == 0) atomicAdd(out, s);
}

extern "C" __global__ void tree_reduce(float* out, const float* in, int n) {
  extern __shared__ float tree[];
  int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
  tree[t] = i < n ? in[i] : 0.f;
  __syncthreads();
  for (int s = blockDim.x / 2; s > 0; s >>= 1) {
    if (t < s) tree[t] += tree[t + s];
    __syncthreads();
  }
  if (t == 0) out[blockIdx.x] = tree[0];
}

// c[m,n] = a[m,k] b[k,n], any sizes, 16 x 16 threads.
extern "C" __global__ void tiled_matmul(float* c, const float* a, const float* b, int m, int n, int k) {
  __shared__ float as[16][16], bs[16][17];
  int tx = threadIdx.x, ty = threadIdx.y;
  int row = blockIdx.y * 16 + ty, col = blockIdx.x * 16 + tx;
  float acc = 0;
  for (int k0 = 0; k0 < k; k0 += 16) {
    as[ty][tx] = row < m && k0 + tx < k ? a[row * k + k0 + tx] : 0.f;
    bs[ty][tx] = col < n && k0 + ty < k ? b[(k0 + ty) * n + col] : 0.f;
    __syncthreads();
    for (int i = 0; i < 16; i++) acc = fmaf(as[ty][i], bs[i][tx], acc);
    __syncthreads();
  }
  if (row < m && col < n) c[row * n + col] = acc;
}

extern "C" __global__ void softmax_rows(float* y, const float* x, int width) {
  __shared__ float scratch[32];
  const float* row = x + (size_t)blockIdx.x * width;
  float* out = y + (size_t)blockIdx.x * width;
  float m = -INFINITY;
  for (int i = threadIdx.x; i < width; i += blockDim.x) m = fmaxf(m, row[i]);
  for (int o = 16; o > 0; o >>= 1) m = fmaxf(m, __shfl_down_sync(0xffffffffu, m, o));
  if ((threadIdx.x & 31) == 0) scratch[threadIdx.x >> 5] = m;
  __syncthreads();
  m = scratch[0];
  for (int w = 1; w < blockDim.x / 32; w++) m = fmaxf(m, scratch[w]);
  float s = 0;
  for (int i = threadIdx.x; i < width; i += blockDim.x) s += __expf(row[i] - m);
  s = block_sum(s, scratch);
  for (int i = threadIdx.x; i < width; i += blockDim.x) out[i] = __expf(row[i] - m) / s;
}

extern "C" __global__ void layer_norm(float* y, const float* x, const float* weight, const float* bias, int width, float eps) {
  __shared__ float scratch[32];
  const float* row = x + (size_t)blockIdx.x * width;
  float s = 0;
  for (int i = threadIdx.x; i < width; i += blockDim.x) s += row[i];
  float mean = block_sum(s, scratch) / width;
  float q = 0;
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    float d = row[i] - mean;
    q += d * d;
  }
  float rstd = rsqrtf(block_sum(q, scratch) / width + eps);
  for (int i = threadIdx.x; i < width; i += blockDim.x)
    y[(size_t)blockIdx.x * width + i] = (row[i] - mean) * rstd * weight[i] + bias[i];
}

// One head, one warp per query row, head width 64: softmax kept online.
extern "C" __global__ void attention(float* out, const float* q, const float* k, const float* v, int tokens, float scale) {
  __shared__ float ks[32][65], vs[32][65], qs[4][64];
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  int row = blockIdx.x * 4 + warp;
  bool live = row < tokens;
  for (int d = lane; d < 64; d += 32) qs[warp][d] = live ? q[row * 64 + d] * scale : 0.f;
  float m = -INFINITY, l = 0, o0 = 0, o1 = 0;
  for (int t0 = 0; t0 < tokens; t0 += 32) {
    __syncthreads();
    for (int i = threadIdx.x; i < 32 * 64; i += blockDim.x) {
      int t = t0 + i / 64;
      ks[i / 64][i % 64] = t < tokens ? k[t * 64 + i % 64] : 0.f;
      vs[i / 64][i % 64] = t < tokens ? v[t * 64 + i % 64] : 0.f;
    }
    __syncthreads();
    float s = -INFINITY;
    if (t0 + lane < tokens) {
      s = 0;
      for (int d = 0; d < 64; d++) s = fmaf(qs[warp][d], ks[lane][d], s);
    }
    float top = s;
    for (int x = 16; x > 0; x >>= 1) top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, x));
    float next = fmaxf(m, top), shrink = __expf(m - next), p = __expf(s - next);
    l = l * shrink + warp_sum(p);
    o0 *= shrink;
    o1 *= shrink;
    for (int t = 0; t < 32; t++) {
      float w = __shfl_sync(0xffffffffu, p, t);
      o0 = fmaf(w, vs[t][lane], o0);
      o1 = fmaf(w, vs[t][lane + 32], o1);
    }
    m = next;
  }
  if (live) {
    out[row * 64 + lane] = o0 / l;
    out[row * 64 + lane + 32] = o1 / l;
  }
}

extern "C" __global__ void histogram(unsigned* bins, const unsigned char* data, int n) {
  __shared__ unsigned local[256];
  for (int i = threadIdx.x; i < 256; i += blockDim.x) local[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&local[data[i]], 1u);
  __syncthreads();
  for (int i = threadIdx.x; i < 256; i += blockDim.x)
    if (local[i]) atomicAdd(&bins[i], local[i]);
}

extern "C" __global__ void warp_votes(unsigned* out, const int* in) {
  int v = in[threadIdx.x];
  unsigned b = __ballot_sync(0xffffffffu, v > 0);
  unsigned same = __match_any_sync(0xffffffffu, v);
  int top = __reduce_max_sync(0xffffffffu, v);
  int all = __all_sync(0xffffffffu, v > -100), any = __any_sync(0xffffffffu, v == 3);
  out[threadIdx.x * 4] = b;
  out[threadIdx.x * 4 + 1] = same;
  out[threadIdx.x * 4 + 2] = top;
  out[threadIdx.x * 4 + 3] = all * 2 + any + 4 * __syncthreads_count(v > 0);
}
