// What the language has beyond arithmetic: variables that point to others, calls through pointers, names in inline
// assembly, integers of 128 bits.
#include <cstdio>
typedef unsigned long long ull;
struct S {
    char c;
    short s;
    double d;
    float f[3];
};
__device__ int array[10] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
__device__ S one = {'x', -7, 2.5, {1, 2, 3}};
__device__ int* within = &array[3];
__device__ const char* text = "hello";
__device__ void* mixed[3] = {&array[9], (void*)0, &one.d};
__constant__ S two[2] = {{1, 2, 4.0, {5, 6, 7}}, {-1, -2, -4.0, {-5, -6, -7}}};

extern "C" __global__ void variables(double* out) {
    out[0] = *within;
    out[1] = text[1];
    out[2] = *(int*)mixed[0];
    out[3] = mixed[1] == 0;
    out[4] = *(double*)mixed[2];
    out[5] = one.c * 1000 + one.s;
    out[6] = two[1].d + two[1].f[1];
}

__device__ float plus(float x) { return x + 1; }
__device__ float twice(float x) { return x * 2; }
typedef float (*function)(float);
__device__ function functions[2] = {plus, twice};

extern "C" __global__ void pointers(float* out, int k) {
    out[threadIdx.x] = functions[(threadIdx.x + k) & 1](threadIdx.x);
}

struct Base {
    float m;
    __device__ virtual float f(float x) { return x; }
};
struct Times : Base {
    __device__ float f(float x) override { return x * m; }
};
struct Plus : Base {
    __device__ float f(float x) override { return x + m; }
};

extern "C" __global__ void overridden(float* out) {
    Times a;
    a.m = 3;
    Plus b;
    b.m = 10;
    Base* p = threadIdx.x & 1 ? (Base*)&a : (Base*)&b;
    out[threadIdx.x] = p->f(threadIdx.x);
}

// One label in two pairs of braces.
extern "C" __global__ void labels(int* out, const int* x) {
    int a = x[threadIdx.x];
    asm volatile("{\n.reg .pred p;\nAGAIN: sub.s32 %0,%0,3; setp.gt.s32 p,%0,0; @p bra AGAIN;\n}" : "+r"(a));
    asm volatile("{\n.reg .pred p;\nAGAIN: add.s32 %0,%0,7; setp.lt.s32 p,%0,30; @p bra AGAIN;\n}" : "+r"(a));
    out[threadIdx.x] = a;
}

extern "C" __global__ void divide128(ull* out, const ull* x, const ull* y) {
    int i = threadIdx.x;
    unsigned __int128 a = (unsigned __int128)x[2 * i] << 64 | x[2 * i + 1];
    unsigned __int128 b = (unsigned __int128)y[2 * i] << 64 | y[2 * i + 1];
    unsigned __int128 q = a / b, r = a % b;
    out[4 * i] = (ull)(q >> 64);
    out[4 * i + 1] = (ull)q;
    out[4 * i + 2] = (ull)(r >> 64);
    out[4 * i + 3] = (ull)r;
}

extern "C" __global__ void product256(ull* out, const ull* x, const ull* y) {
    ull r0, r1, r2, r3;
    int i = threadIdx.x;
    asm("mul.lo.u64 %0,%4,%6; mul.hi.u64 %1,%4,%6; mad.lo.cc.u64 %1,%5,%6,%1; madc.hi.u64 %2,%5,%6,0;"
        "mad.lo.cc.u64 %1,%4,%7,%1; madc.hi.cc.u64 %2,%4,%7,%2; addc.u64 %3,0,0; mad.lo.cc.u64 %2,%5,%7,%2;"
        "madc.hi.u64 %3,%5,%7,%3;"
        : "=&l"(r0), "=&l"(r1), "=&l"(r2), "=&l"(r3)
        : "l"(x[2 * i + 1]), "l"(x[2 * i]), "l"(y[2 * i + 1]), "l"(y[2 * i]));
    out[4 * i] = r3;
    out[4 * i + 1] = r2;
    out[4 * i + 2] = r1;
    out[4 * i + 3] = r0;
}

extern "C" __global__ void prints(int* out, int n) {
    if (threadIdx.x >= n) {
        printf("%d\n", threadIdx.x);
    }
    out[threadIdx.x] = 1;
}

extern "C" __global__ void bytes(unsigned* out, const unsigned* x, const unsigned* y) {
    int i = threadIdx.x;
    out[4 * i] = __vabsdiffu4(x[i], y[i]);
    out[4 * i + 1] = __vsads4(x[i], y[i]);
    out[4 * i + 2] = __vsadu2(x[i], y[i]);
    out[4 * i + 3] = __vaddss4(x[i], y[i]);
}

extern "C" __global__ void roots(double* out, const double* x) {
    int i = threadIdx.x;
    out[4 * i] = __dsqrt_rd(x[i]);
    out[4 * i + 1] = __dsqrt_ru(x[i]);
    out[4 * i + 2] = __drcp_rd(x[i]);
    out[4 * i + 3] = __drcp_ru(x[i]);
}
