/**
 * Runs the PTX that nvcc writes, on the CPU, exactly and with checks: {@link io.culvert.emulator.ptx.PtxModule} parses
 * and decodes the text, {@link io.culvert.emulator.ptx.DeviceMemory} stands for the GPU's memory, and {@link
 * io.culvert.emulator.ptx.Interpreter} executes a {@link io.culvert.emulator.ptx.Launch} warp by warp, reporting
 * out-of-bounds and uninitialised accesses, shared-memory races and barriers that not all threads reach as a {@link
 * io.culvert.emulator.ptx.KernelFault} that names the PTX line and the line of the {@code .cu} file.
 *
 * <p>Source of all semantics: NVIDIA, Parallel Thread Execution ISA, version 9.0. Depends on nothing but the JDK.
 */
package io.culvert.emulator.ptx;
