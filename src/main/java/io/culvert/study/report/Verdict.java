package io.culvert.study.report;

import java.util.Locale;

/** What runs say to a statement. */
public enum Verdict {
    SUPPORTS,
    CONTRADICTS,
    UNDECIDED,
    /** The study has no runs for it. */
    UNTESTED;

    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
