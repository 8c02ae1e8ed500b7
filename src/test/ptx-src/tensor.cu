// c[m,n] = a[m,k] b[n,k]^T in bf16 with float sums: mma.m16n8k16, ldmatrix, cp.async in two stages.
#include <cuda_bf16.h>
#include <stdint.h>

__device__ inline uint32_t shared_address(const void* p) { return (uint32_t)__cvta_generic_to_shared(p); }

__device__ inline void copy16(void* dst, const void* src, bool live) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(shared_address(dst)), "l"(src), "r"(live ? 16 : 0));
}

// 4 warps, 64 x 64 tile of c, k in steps of 32; m and n any, k a multiple of 8.
extern "C" __global__ void bf16_matmul(float* c, const __nv_bfloat16* a, const __nv_bfloat16* b, int m, int n, int k) {
  __shared__ __align__(16) __nv_bfloat16 as[2][64][40], bs[2][64][40];
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  int row0 = blockIdx.y * 64, col0 = blockIdx.x * 64;
  int wm = warp / 2 * 32, wn = warp % 2 * 32;
  float acc[2][4][4] = {};
  int steps = (k + 31) / 32;
  auto load = [&](int step) {
    for (int i = threadIdx.x; i < 64 * 4; i += 128) {
      int r = i / 4, col = step * 32 + i % 4 * 8;
      bool la = row0 + r < m && col < k, lb = col0 + r < n && col < k;
      copy16(&as[step & 1][r][i % 4 * 8], a + (la ? (size_t)(row0 + r) * k + col : 0), la);
      copy16(&bs[step & 1][r][i % 4 * 8], b + (lb ? (size_t)(col0 + r) * k + col : 0), lb);
    }
    asm volatile("cp.async.commit_group;\n");
  };
  load(0);
  for (int s = 0; s < steps; s++) {
    if (s + 1 < steps) {
      load(s + 1);
      asm volatile("cp.async.wait_group 1;\n");
    } else {
      asm volatile("cp.async.wait_group 0;\n");
    }
    __syncthreads();
    for (int kk = 0; kk < 32; kk += 16) {
      uint32_t fa[2][4], fb[4][2];
      for (int i = 0; i < 2; i++)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
                     : "=r"(fa[i][0]), "=r"(fa[i][1]), "=r"(fa[i][2]), "=r"(fa[i][3])
                     : "r"(shared_address(&as[s & 1][wm + i * 16 + lane % 16][kk + lane / 16 * 8])));
      for (int j = 0; j < 4; j++)
        asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];\n"
                     : "=r"(fb[j][0]), "=r"(fb[j][1])
                     : "r"(shared_address(&bs[s & 1][wn + j * 8 + lane % 8][kk + lane / 8 % 2 * 8])));
      for (int i = 0; i < 2; i++)
        for (int j = 0; j < 4; j++)
          asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
                       : "+f"(acc[i][j][0]), "+f"(acc[i][j][1]), "+f"(acc[i][j][2]), "+f"(acc[i][j][3])
                       : "r"(fa[i][0]), "r"(fa[i][1]), "r"(fa[i][2]), "r"(fa[i][3]), "r"(fb[j][0]), "r"(fb[j][1]));
    }
    __syncthreads();
  }
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 4; j++)
      for (int e = 0; e < 4; e++) {
        int r = row0 + wm + i * 16 + lane / 4 + e / 2 * 8, col = col0 + wn + j * 8 + lane % 4 * 2 + e % 2;
        if (r < m && col < n) c[(size_t)r * n + col] = acc[i][j][e];
      }
}
