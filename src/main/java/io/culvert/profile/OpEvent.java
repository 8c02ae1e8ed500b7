package io.culvert.profile;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** {@code culvert.Op} of the Flight Recorder; nothing is created unless a recording asked for it. */
@Name("culvert.Op")
@Label("Operation")
@Description("One half of an operation of a recorded step; on a GPU the time that queueing it took")
@Category("Culvert")
@Enabled(false)
@StackTrace(false)
public final class OpEvent extends Event {
    private static final OpEvent ASKED = new OpEvent();

    @Label("Layer")
    String layer;

    @Label("Class")
    String kind;

    @Label("Pass")
    String pass;

    /** Whether a recording wants such events. */
    public static boolean isAsked() {
        return ASKED.isEnabled();
    }

    /** Begins an event; null if no recording wants it. */
    public static OpEvent start() {
        if (!isAsked()) {
            return null;
        }
        OpEvent event = new OpEvent();
        event.begin();
        return event;
    }

    /** Ends and writes it. */
    public void finish(String itsLayer, String itsKind, String itsPass) {
        layer = itsLayer;
        kind = itsKind;
        pass = itsPass;
        commit();
    }
}
