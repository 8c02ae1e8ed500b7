/**
 * A GPU that is not there: shared libraries with NVIDIA's names and ABI ({@code native/emulator}) whose functions are the
 * Java methods of this package, and kernels executed from the PTX that ships ({@code emulator.ptx}). The CUDA device runs
 * on it unchanged, and is checked more strictly than by the real one.
 */
package io.culvert.emulator;
