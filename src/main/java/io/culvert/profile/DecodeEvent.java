package io.culvert.profile;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** {@code culvert.Decode} of the Flight Recorder; nothing is created unless a recording asked for it. */
@Name("culvert.Decode")
@Label("Image Decoding")
@Description("One image read and decoded by a thread of the loader")
@Category("Culvert")
@Enabled(false)
@StackTrace(false)
public final class DecodeEvent extends Event {
    private static final DecodeEvent ASKED = new DecodeEvent();

    @Label("File")
    String file;

    /** Begins an event; null if no recording wants it. */
    public static DecodeEvent start() {
        if (!ASKED.isEnabled()) {
            return null;
        }
        DecodeEvent event = new DecodeEvent();
        event.begin();
        return event;
    }

    /** Ends and writes it. */
    public void finish(Object ofFile) {
        file = ofFile.toString();
        commit();
    }
}
