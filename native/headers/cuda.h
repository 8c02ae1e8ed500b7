/*
 * The CUDA driver API, and the profiler's start and stop. cuda.h renames functions by macro (cuMemAlloc is
 * cuMemAlloc_v2): native/symbols/cuda.txt holds the names that libcuda exports.
 */
#include <cuda.h>
#include <cudaProfiler.h>
