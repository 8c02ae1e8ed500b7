/**
 * Runs the PTX that nvcc writes, on the CPU, exactly and with checks: {@link io.culvert.emulator.ptx.PtxModule} parses
 * and decodes the text, {@link io.culvert.emulator.ptx.DeviceMemory} stands for the GPU's memory, and {@link
 * io.culvert.emulator.ptx.Interpreter} executes a {@link io.culvert.emulator.ptx.Launch} warp by warp, reporting
 * out-of-bounds and uninitialised accesses, shared-memory races and barriers that not all threads reach as a {@link
 * io.culvert.emulator.ptx.KernelFault} that names the PTX line and the line of the {@code .cu} file.
 *
 * <p>Runs: all of PTX's arithmetic, logic, conversions and comparisons on integers, f16, bf16, f32 and f64, in scalars
 * and pairs; loads, stores and atomics, also of vectors; {@code cp.async}; shuffles, votes, matches and reductions,
 * also by lanes that come from several branches; named barriers; {@code mma.sync} and {@code wmma} on f16, bf16, tf32,
 * f64 and bytes; {@code ldmatrix}; calls, also recursive and through pointers; threads that wait for a lock that another
 * thread of the block holds.
 *
 * <p>Refuses, with the line and what stands there: textures and surfaces, clusters, {@code mbarrier}, tensor maps and
 * bulk copies, {@code wgmma} and {@code tcgen05}, {@code stmatrix}, conversions to 8 bits and fewer, f32x2, alloca,
 * shuffles without {@code .sync}, the scalar video instructions, addresses of 32 bits. Calls of functions that the
 * module does not define, such as printf and malloc, are refused when they run. A flag in shared memory that is volatile
 * but not atomic is a race. Blocks run one after another, so a block that waits for a later one runs out of its budget.
 *
 * <p>Source of all semantics: NVIDIA, Parallel Thread Execution ISA, version 9.0. Depends on nothing but the JDK.
 */
package io.culvert.emulator.ptx;
