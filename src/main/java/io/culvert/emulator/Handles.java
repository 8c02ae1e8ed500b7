package io.culvert.emulator;

import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The objects behind the opaque pointers of one library; a stale or foreign pointer is refused, a forgotten one told. */
final class Handles {
    private final int invalidHandle;
    private final Map<Long, Object> objects = new LinkedHashMap<>();
    private long next;

    /**
     * @param first address of the first handle, apart from every other library's and from all memory
     * @param invalidHandle the library's status for a bad handle
     */
    Handles(long first, int invalidHandle) {
        next = first;
        this.invalidHandle = invalidHandle;
    }

    MemorySegment put(Object object) {
        next += 16;
        objects.put(next, object);
        return MemorySegment.ofAddress(next);
    }

    <T> T get(MemorySegment handle, Class<T> type) {
        Object object = objects.get(handle.address());
        if (!type.isInstance(object)) {
            throw new SimulatedError(
                    invalidHandle,
                    "0x%x is %s, not a %s",
                    handle.address(),
                    object == null ? "no live handle" : "a " + object.getClass().getSimpleName(),
                    type.getSimpleName());
        }
        return type.cast(object);
    }

    <T> T remove(MemorySegment handle, Class<T> type) {
        T object = get(handle, type);
        objects.remove(handle.address());
        return object;
    }

    /** The objects of a type that are alive. */
    <T> List<T> all(Class<T> type) {
        return objects.values().stream().filter(type::isInstance).map(type::cast).toList();
    }

    void clear() {
        objects.clear();
    }

    /** How many objects of each type are alive. */
    Map<String, Integer> alive() {
        Map<String, Integer> alive = new TreeMap<>();
        objects.values().forEach(object -> alive.merge(object.getClass().getSimpleName(), 1, Integer::sum));
        return alive;
    }
}
