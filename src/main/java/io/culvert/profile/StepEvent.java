package io.culvert.profile;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** {@code culvert.Step} of the Flight Recorder; nothing is created unless a recording asked for it. */
@Name("culvert.Step")
@Label("Training Step")
@Description("One step of training")
@Category("Culvert")
@Enabled(false)
@StackTrace(false)
public final class StepEvent extends Event {
    private static final StepEvent ASKED = new StepEvent();

    @Label("Step")
    long step;

    @Label("Loss")
    float loss;

    /** Begins an event; null if no recording wants it. */
    public static StepEvent start() {
        if (!ASKED.isEnabled()) {
            return null;
        }
        StepEvent event = new StepEvent();
        event.begin();
        return event;
    }

    /** Ends and writes it. */
    public void finish(long ofStep, float itsLoss) {
        step = ofStep;
        loss = itsLoss;
        commit();
    }
}
