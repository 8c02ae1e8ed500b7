package io.culvert.bindings.load;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The dynamic linker, called directly: {@code SymbolLookup.libraryLookup} hides the reason that {@code dlopen} gives.
 */
final class Dl {
    private static final int RTLD_NOW = 2;
    private static final int RTLD_DI_LINKMAP = 2;
    private static final AddressLayout STRING =
            ValueLayout.ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(Long.MAX_VALUE, ValueLayout.JAVA_BYTE));

    private static final MethodHandle DLOPEN =
            bind("dlopen", FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    private static final MethodHandle DLSYM =
            bind("dlsym", FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
    private static final MethodHandle DLERROR = bind("dlerror", FunctionDescriptor.of(STRING));
    private static final MethodHandle DLINFO = bind(
            "dlinfo",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
    private static final MethodHandle SETENV = bind(
            "setenv",
            FunctionDescriptor.of(
                    ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
    private static final MethodHandle GETENV =
            bind("getenv", FunctionDescriptor.of(STRING, ValueLayout.ADDRESS));

    private Dl() {}

    /** What {@code dlopen} answered: a handle, or its reason for refusing. */
    record Opened(MemorySegment handle, String reason) {
        boolean failed() {
            return handle == null;
        }
    }

    /** Opens a library by path, or by the name that the linker's own search understands. */
    static Opened open(String pathOrName) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle = (MemorySegment) DLOPEN.invokeExact(arena.allocateFrom(pathOrName), RTLD_NOW);
            return handle.address() == 0 ? new Opened(null, lastError()) : new Opened(handle, null);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** The address of a symbol, or null if the library has none of that name. */
    static MemorySegment symbol(MemorySegment handle, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = (MemorySegment) DLSYM.invokeExact(handle, arena.allocateFrom(name));
            return address.address() == 0 ? null : address;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** The file that an open library came from, as the linker knows it. */
    static String path(MemorySegment handle) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            int rc = (int) DLINFO.invokeExact(handle, RTLD_DI_LINKMAP, out);
            if (rc != 0) {
                throw new IllegalStateException("dlinfo: " + lastError());
            }
            // struct link_map { ElfW(Addr) l_addr; char *l_name; ... }
            MemorySegment linkMap = out.get(ValueLayout.ADDRESS, 0).reinterpret(2 * ValueLayout.ADDRESS.byteSize());
            return linkMap.get(STRING, ValueLayout.ADDRESS.byteSize()).getString(0);
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Sets a variable of the C environment, which {@code System.getenv} does not see; keeps one that is set. */
    static String setDefaultEnvironment(String name, String value) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment cName = arena.allocateFrom(name);
            int rc = (int) SETENV.invokeExact(cName, arena.allocateFrom(value), 0);
            if (rc != 0) {
                throw new IllegalArgumentException("setenv refused the name \"" + name + "\"");
            }
            return ((MemorySegment) GETENV.invokeExact(cName)).getString(0);
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static String lastError() throws Throwable {
        MemorySegment reason = (MemorySegment) DLERROR.invokeExact();
        return reason.address() == 0 ? "no reason given" : reason.getString(0);
    }

    private static MethodHandle bind(String name, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        MemorySegment address = linker.defaultLookup()
                .find(name)
                .orElseThrow(() -> new UnsupportedOperationException("no " + name + " in this system's C library: "
                        + "Culvert's native libraries need Linux"));
        return linker.downcallHandle(address, descriptor);
    }
}
