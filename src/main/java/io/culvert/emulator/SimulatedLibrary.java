package io.culvert.emulator;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * A library whose functions are the methods of a subclass that bear their C names. {@link #serve} writes them into the
 * trampoline table of the shared library; a function without a method answers that it is not supported. Nothing thrown
 * crosses the border to C: it becomes a status, and {@link #lastError} keeps the words.
 */
abstract class SimulatedLibrary {
    private static final ValueLayout POINTER = ValueLayout.ADDRESS.withTargetLayout(
            MemoryLayout.sequenceLayout(Long.MAX_VALUE / 16, ValueLayout.JAVA_BYTE));
    private static final long LONGEST_NAME = 256;

    private String lastError = "no error";

    /** The status of a call that this simulation does not know. */
    abstract int notSupported();

    /** The status of a fault of the simulation itself. */
    abstract int internalError();

    /** Why the last call that failed did. */
    String lastError() {
        return lastError;
    }

    /** Called with each failure before its status is returned. */
    void failed(int status) {}

    /** Puts this object's methods behind the functions of the shared library in {@code file}. */
    void serve(Path file) {
        SymbolLookup library = SymbolLookup.libraryLookup(file, Arena.global());
        MemorySegment names = library.find("culvert_names").orElseThrow().reinterpret(Integer.MAX_VALUE);
        MemorySegment table = library.find("culvert_table").orElseThrow().reinterpret(Integer.MAX_VALUE);
        Map<String, MemorySegment> functions = functions();
        long at = 0;
        for (int slot = 0; names.get(ValueLayout.JAVA_BYTE, at) != 0; slot++) {
            String name = names.asSlice(at, LONGEST_NAME).getString(0);
            at += name.length() + 1;
            MemorySegment function = functions.remove(name);
            table.setAtIndex(ValueLayout.ADDRESS, slot, function != null ? function : unsupported(name));
        }
        if (!functions.isEmpty()) {
            throw new IllegalStateException(file + " has no " + functions.keySet() + ": add them to native/symbols");
        }
    }

    private Map<String, MemorySegment> functions() {
        Map<String, MemorySegment> functions = new HashMap<>();
        for (Method method : getClass().getDeclaredMethods()) {
            if (Modifier.isPublic(method.getModifiers())) {
                functions.put(method.getName(), stub(method));
            }
        }
        return functions;
    }

    private MemorySegment stub(Method method) {
        try {
            MethodHandle handle = MethodHandles.lookup().unreflect(method).bindTo(this);
            if (method.getReturnType() == int.class) {
                MethodHandle onFailure = MethodHandles.insertArguments(
                        MethodHandles.lookup()
                                .findVirtual(
                                        SimulatedLibrary.class,
                                        "status",
                                        MethodType.methodType(int.class, String.class, Throwable.class))
                                .bindTo(this),
                        0,
                        method.getName());
                handle = MethodHandles.catchException(
                        handle, Throwable.class, MethodHandles.dropArguments(onFailure, 1, handle.type().parameterList()));
            }
            return Linker.nativeLinker().upcallStub(handle, descriptor(method), Arena.global());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(method + " cannot be served", e);
        }
    }

    @SuppressWarnings("UnusedMethod") // by a method handle
    private int status(String function, Throwable thrown) {
        int status = thrown instanceof SimulatedError error ? error.status() : internalError();
        lastError = function + ": " + (thrown instanceof SimulatedError ? thrown.getMessage() : thrown.toString());
        failed(status);
        return status;
    }

    private MemorySegment unsupported(String name) {
        try {
            MethodHandle handle = MethodHandles.insertArguments(
                    MethodHandles.lookup()
                            .findVirtual(
                                    SimulatedLibrary.class,
                                    "unsupportedCall",
                                    MethodType.methodType(int.class, String.class)),
                    0,
                    this,
                    name);
            return Linker.nativeLinker().upcallStub(handle, FunctionDescriptor.of(ValueLayout.JAVA_INT), Arena.global());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    @SuppressWarnings("UnusedMethod") // by a method handle
    private int unsupportedCall(String name) {
        lastError = name + " is not simulated";
        failed(notSupported());
        return notSupported();
    }

    static FunctionDescriptor descriptor(Method method) {
        MemoryLayout[] parameters = Arrays.stream(method.getParameters())
                .map(SimulatedLibrary::layout)
                .toArray(MemoryLayout[]::new);
        return method.getReturnType() == void.class
                ? FunctionDescriptor.ofVoid(parameters)
                : FunctionDescriptor.of(layout(method.getReturnType()), parameters);
    }

    /** A parameter that is a struct, passed by value. */
    @Retention(RetentionPolicy.RUNTIME)
    @Target(ElementType.PARAMETER)
    @interface Struct {
        /** Its size; it holds bytes alone. */
        int bytes();
    }

    private static MemoryLayout layout(Parameter parameter) {
        Struct struct = parameter.getAnnotation(Struct.class);
        return struct == null
                ? layout(parameter.getType())
                : MemoryLayout.structLayout(MemoryLayout.sequenceLayout(struct.bytes(), ValueLayout.JAVA_BYTE));
    }

    private static MemoryLayout layout(Class<?> type) {
        if (type == int.class) {
            return ValueLayout.JAVA_INT;
        } else if (type == long.class) {
            return ValueLayout.JAVA_LONG;
        } else if (type == byte.class) {
            return ValueLayout.JAVA_BYTE;
        } else if (type == MemorySegment.class) {
            return POINTER;
        }
        throw new IllegalStateException("no C type for " + type);
    }
}
