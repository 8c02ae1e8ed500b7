package io.culvert.device;

/**
 * One GPU as the driver shows it.
 *
 * @param computeCapability {@code major * 10 + minor}
 * @param multiprocessors streaming multiprocessors
 * @param bytes all of its memory
 */
public record GpuStatus(String name, int computeCapability, int multiprocessors, long bytes) {}
