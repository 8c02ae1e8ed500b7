// The few instructions that CUDA C++ has no words for, each behind one function. Everything else in kernels/ is plain
// C++.
#ifndef CULVERT_PTX_CUH
#define CULVERT_PTX_CUH

// Two floats rounded to nearest even and packed; `low` lands in the lower half, which is the lower address in memory.
__device__ __forceinline__ unsigned pack_bf16(float low, float high) {
    unsigned packed;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(high), "f"(low));
    return packed;
}

// d += a b for a 16 x 16 (row), b 16 x 8 (column) of bf16 and d 16 x 8 of float, spread over a warp. With g = lane / 4
// and t = lane % 4 (PTX ISA, "Matrix fragments for mma.m16n8k16"):
//   a[0] = A[g][2t, 2t+1]   a[1] = A[g+8][2t, 2t+1]   a[2] = A[g][2t+8, 2t+9]   a[3] = A[g+8][2t+8, 2t+9]
//   b[0] = B[2t, 2t+1][g]   b[1] = B[2t+8, 2t+9][g]
//   d[0], d[1] = D[g][2t, 2t+1]   d[2], d[3] = D[g+8][2t, 2t+1]
__device__ __forceinline__ void mma_bf16(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Four 8 x 8 matrices of 16-bit values from shared memory, transposed: lanes 8i..8i+7 give the addresses of the rows of
// matrix i (16 bytes each, aligned), and m[i] of this lane is M_i[2t, 2t+1][g].
__device__ __forceinline__ void load_matrices_transposed(unsigned (&m)[4], const void *row) {
    unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(m[0]), "=r"(m[1]), "=r"(m[2]), "=r"(m[3])
                 : "r"(address)
                 : "memory");
}

// Starts a copy of 16 bytes, both addresses aligned, from global to shared memory past the registers; with inside =
// false the 16 bytes become 0 and `from` is not read. Visible to this thread after finish_copies, to others after a
// barrier too.
__device__ __forceinline__ void start_copy(void *to, const void *from, bool inside) {
    unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(to));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :
                 : "r"(address), "l"(__cvta_generic_to_global(from)), "r"(inside ? 16 : 0)
                 : "memory");
}

__device__ __forceinline__ void finish_copies() { asm volatile("cp.async.wait_all;" ::: "memory"); }

#endif
