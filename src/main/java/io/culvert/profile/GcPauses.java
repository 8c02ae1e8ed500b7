package io.culvert.profile;

import com.sun.management.GarbageCollectionNotificationInfo;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.management.ListenerNotFoundException;
import javax.management.Notification;
import javax.management.NotificationEmitter;
import javax.management.NotificationListener;
import javax.management.openmbean.CompositeData;

/** The garbage collector's pauses, to the millisecond, as its beans tell them. Work beside the program is no pause. */
public final class GcPauses implements AutoCloseable {
    /** A pause on {@link System#nanoTime}'s axis. */
    public record Pause(String collector, String cause, long begin, long end) {}

    private final long origin =
            System.nanoTime() - TimeUnit.MILLISECONDS.toNanos(ManagementFactory.getRuntimeMXBean().getUptime());
    private final List<Pause> pauses = new ArrayList<>();
    private final NotificationListener listener = (notification, handback) -> note(notification);

    GcPauses() {
        for (NotificationEmitter emitter : emitters()) {
            emitter.addNotificationListener(listener, null, null);
        }
    }

    private static List<NotificationEmitter> emitters() {
        return ManagementFactory.getGarbageCollectorMXBeans().stream()
                .filter(bean -> !worksBeside(bean) && bean instanceof NotificationEmitter)
                .map(NotificationEmitter.class::cast)
                .toList();
    }

    /** ZGC and Shenandoah report cycles and pauses as two beans, G1 its concurrent work as a third. */
    private static boolean worksBeside(GarbageCollectorMXBean bean) {
        return bean.getName().endsWith("Cycles") || bean.getName().contains("Concurrent");
    }

    private void note(Notification notification) {
        if (notification.getType().equals(GarbageCollectionNotificationInfo.GARBAGE_COLLECTION_NOTIFICATION)) {
            var info = GarbageCollectionNotificationInfo.from((CompositeData) notification.getUserData());
            synchronized (pauses) {
                pauses.add(new Pause(
                        info.getGcName(),
                        info.getGcCause(),
                        origin + TimeUnit.MILLISECONDS.toNanos(info.getGcInfo().getStartTime()),
                        origin + TimeUnit.MILLISECONDS.toNanos(info.getGcInfo().getEndTime())));
            }
        }
    }

    List<Pause> pauses() {
        synchronized (pauses) {
            return List.copyOf(pauses);
        }
    }

    @Override
    public void close() {
        for (NotificationEmitter emitter : emitters()) {
            try {
                emitter.removeNotificationListener(listener);
            } catch (ListenerNotFoundException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
