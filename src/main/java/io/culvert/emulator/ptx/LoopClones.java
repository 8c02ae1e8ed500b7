package io.culvert.emulator.ptx;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.InvocationTargetException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Gives each operation its own copy of the loop over lanes. One loop for all operations would call its operator through
 * an interface with a hundred implementations; the compiler inlines, and vectorises, only where a call site sees one.
 * So the loop's class file is defined again, as a hidden class, for each class of operator.
 */
final class LoopClones {
    private record Key(Class<?> loop, Class<?> operator) {}

    private static final Map<Key, Class<?>> CLONES = new ConcurrentHashMap<>();

    private LoopClones() {}

    /** An instance of {@code loop}'s copy for this operator; the constructor takes the operator and then the slots. */
    static Action make(Class<? extends Action> loop, Object operator, int... slots) {
        Class<?> own = CLONES.computeIfAbsent(new Key(loop, operator.getClass()), key -> define(loop));
        try {
            return (Action) own.getDeclaredConstructors()[0].newInstance(operator, slots);
        } catch (InstantiationException | IllegalAccessException e) {
            throw new IllegalStateException(e);
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    private static Class<?> define(Class<?> loop) {
        String name = loop.getName();
        try (InputStream bytes = loop.getResourceAsStream(name.substring(name.lastIndexOf('.') + 1) + ".class")) {
            return MethodHandles.lookup()
                    .defineHiddenClass(bytes.readAllBytes(), true)
                    .lookupClass();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }
}
