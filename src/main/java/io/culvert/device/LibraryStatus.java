package io.culvert.device;

import java.util.List;

/**
 * What became of one native library.
 *
 * @param name the name people know it by
 * @param file where it was loaded from, null if it is missing
 * @param version what the library says of itself, null if it is missing or has no such call
 * @param tried if it is missing, each place with the reason why it did not do
 * @param broken if a file of it is there and does not open: which, and the linker's reason; else null
 * @param remedy if it is missing, what to do
 */
public record LibraryStatus(
        String name, String file, String version, List<String> tried, String broken, String remedy) {
    public boolean found() {
        return file != null;
    }
}
