// nvcuda::wmma: c = 2 (a b + c) of 16 x 16 x 16 in several types.
#include <cuda_bf16.h>
#include <mma.h>
using namespace nvcuda;

template <typename T, typename U, typename LA, typename LB>
__device__ void product(U* c, const T* a, const T* b) {
    wmma::fragment<wmma::matrix_a, 16, 16, 16, T, LA> fa;
    wmma::fragment<wmma::matrix_b, 16, 16, 16, T, LB> fb;
    wmma::fragment<wmma::accumulator, 16, 16, 16, U> fc;
    wmma::load_matrix_sync(fa, a, 16);
    wmma::load_matrix_sync(fb, b, 16);
    wmma::load_matrix_sync(fc, c, 16, wmma::mem_row_major);
    wmma::mma_sync(fc, fa, fb, fc);
    for (int i = 0; i < fc.num_elements; i++) {
        fc.x[i] = fc.x[i] + fc.x[i];
    }
    wmma::store_matrix_sync(c, fc, 16, wmma::mem_row_major);
}

extern "C" __global__ void halves(float* c, const half* a, const half* b) {
    product<half, float, wmma::row_major, wmma::col_major>(c, a, b);
}
extern "C" __global__ void halves_in_shared(float* c, const half* a, const half* b) {
    __shared__ half sa[256];
    __shared__ half sb[256];
    for (int i = threadIdx.x; i < 256; i += 32) {
        sa[i] = a[i];
        sb[i] = b[i];
    }
    __syncwarp();
    product<half, float, wmma::col_major, wmma::row_major>(c, sa, sb);
}
extern "C" __global__ void brains(float* c, const __nv_bfloat16* a, const __nv_bfloat16* b) {
    product<__nv_bfloat16, float, wmma::row_major, wmma::row_major>(c, a, b);
}
extern "C" __global__ void bytes(int* c, const signed char* a, const signed char* b) {
    product<signed char, int, wmma::row_major, wmma::col_major>(c, a, b);
}
