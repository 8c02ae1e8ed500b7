// Lanes that meet: partitions of a warp with a member mask each, branches that join inside a condition, locks.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;

extern "C" __global__ void partitions(int* out, const int* x) {
    auto tile = cg::tiled_partition<32>(cg::this_thread_block());
    int i = threadIdx.x;
    auto part = cg::labeled_partition(tile, x[i] % 3);
    out[2 * i] = cg::reduce(part, x[i], cg::plus<int>());
    auto half = cg::binary_partition(tile, x[i] & 1);
    out[2 * i + 1] = half.size() * 1000 + half.thread_rank();
}

// Two branches lead into the block, which meets only there.
extern "C" __global__ void either(int* out, const int* x, const int* y) {
    int t = threadIdx.x;
    unsigned members = __ballot_sync(~0u, x[t] > 5 || y[t] < 3);
    out[t] = -1;
    if (x[t] > 5 || y[t] < 3) {
        out[t] = x[t] + __shfl_sync(members, x[t], __ffs(members) - 1);
    }
}

extern "C" __global__ void spin(int* lock, int* count) {
    while (atomicCAS(lock, 0, 1) != 0) {
    }
    *(volatile int*)count += threadIdx.x;
    __threadfence();
    atomicExch(lock, 0);
}

extern "C" __global__ void spin_shared(int* out) {
    __shared__ int lock;
    __shared__ int sum;
    if (threadIdx.x == 0) {
        lock = 0;
        sum = 0;
    }
    __syncthreads();
    bool done = false;
    while (!done) {
        if (atomicCAS(&lock, 0, 1) == 0) {
            sum += threadIdx.x;
            __threadfence_block();
            atomicExch(&lock, 0);
            done = true;
        }
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        *out = sum;
    }
}
