// Code of libraries, and of the compiler's own making: cooperative groups, CUB, 128-bit integers, structures by value,
// generic pointers, jump tables.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cub/block/block_radix_sort.cuh>
#include <cub/block/block_reduce.cuh>
#include <cub/block/block_scan.cuh>
#include <stdint.h>
namespace cg = cooperative_groups;

extern "C" __global__ void group_sums(float* out, const float* in) {
  cg::thread_block block = cg::this_thread_block();
  auto tile = cg::tiled_partition<16>(block);
  float v = cg::reduce(tile, in[block.thread_rank()], cg::plus<float>());
  tile.sync();
  if (tile.thread_rank() == 0) out[tile.meta_group_rank()] = v;
}

// 128 threads: sum of in, exclusive prefix sums of keys, keys sorted.
extern "C" __global__ void cub_block(float* sum, const float* in, int* prefix, int* keys) {
  typedef cub::BlockReduce<float, 128> Reduce;
  typedef cub::BlockScan<int, 128> Scan;
  typedef cub::BlockRadixSort<int, 128, 2> Sort;
  __shared__ union {
    Reduce::TempStorage reduce;
    Scan::TempStorage scan;
    Sort::TempStorage sort;
  } storage;
  int t = threadIdx.x;
  float total = Reduce(storage.reduce).Sum(in[t]);
  if (t == 0) *sum = total;
  __syncthreads();
  int before;
  Scan(storage.scan).ExclusiveSum(keys[t], before);
  prefix[t] = before;
  __syncthreads();
  int mine[2] = {keys[2 * t], keys[2 * t + 1]};
  Sort(storage.sort).Sort(mine);
  keys[2 * t] = mine[0];
  keys[2 * t + 1] = mine[1];
}

extern "C" __global__ void wide_product(uint64_t* out, const uint64_t* a, const uint64_t* b) {
  int i = threadIdx.x;
  unsigned __int128 p = (unsigned __int128)a[i] * b[i] + a[i];
  p -= b[i];
  out[2 * i] = (uint64_t)p;
  out[2 * i + 1] = (uint64_t)(p >> 64);
}

struct Options {
  float* out;
  int n;
  float table[5];
  char shift;
};

extern "C" __global__ void by_value(Options options, short step, int pick) {
  int i = threadIdx.x;
  if (i < options.n) options.out[i] = options.table[i % 5] + options.shift + step + options.table[pick];
}

__device__ __noinline__ void twice(float x, float* a, double* b) {
  *a = 2 * x;
  *b = 3 * x;
}

// Pointers that are local, shared or global at run time.
extern "C" __global__ void pointers(float* out, double* triple) {
  __shared__ float tile[64];
  int t = threadIdx.x;
  float local;
  double local3;
  twice(out[t], &local, &local3);
  float* p = (t & 1) ? tile + t : out + t;
  *p = local;
  __syncthreads();
  if (!(t & 1)) tile[t] = out[t];
  twice(local, tile + t, &local3);
  __syncthreads();
  out[t] = tile[t ^ 1];
  triple[t] = local3;
}

// A jump table: asm, since the compiler prefers compares.
extern "C" __global__ void jump(int* out, const int* which) {
  int r = 0, x = which[threadIdx.x];
  asm volatile(
      "{\n\t"
      "table: .branchtargets case0, case1, case2, case1;\n\t"
      "brx.idx %1, table;\n\t"
      "case0: mov.b32 %0, 10; bra.uni done;\n\t"
      "case1: mov.b32 %0, 20; bra.uni done;\n\t"
      "case2: mov.b32 %0, 30;\n\t"
      "done:\n\t"
      "}"
      : "+r"(r)
      : "r"(x));
  out[threadIdx.x] = r;
}

// Half of the warps give, half take: a barrier that the givers only arrive at.
extern "C" __global__ void give_and_take(int* out) {
  __shared__ int mail[64];
  int t = threadIdx.x;
  if (t < 64) {
    mail[t] = t * t;
    asm volatile("bar.arrive 1, 128;" ::: "memory");
  } else {
    asm volatile("bar.sync 1, 128;" ::: "memory");
    out[t - 64] = mail[127 - t];
  }
}

// As above without the barrier's other half: a race.
extern "C" __global__ void take_at_once(int* out) {
  __shared__ int mail[64];
  int t = threadIdx.x;
  if (t < 64) {
    mail[t] = t * t;
  } else {
    out[t - 64] = mail[127 - t];
  }
}
