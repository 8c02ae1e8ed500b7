package io.culvert.study.report;

import io.culvert.report.Text;
import io.culvert.study.PlannedRun;
import java.util.Locale;

/** Numbers as the study's report prints them. */
public final class Words {
    private static final String NARROW_SPACE = "\u202f";

    private Words() {}

    /** {@code 0.05} as {@code 5 %}. */
    public static String percent(double share) {
        return PlannedRun.percent(share) + NARROW_SPACE + "%";
    }

    /** A mean and its deviation, if it has one. */
    static String mean(Estimate estimate) {
        return Text.score(estimate.mean()) + (estimate.runs() > 1 ? " ± " + Text.score(estimate.deviation()) : "");
    }

    /** A difference and its interval, if it has one. */
    static String difference(double value, double low, double high) {
        return Text.difference(value) + interval(low, high);
    }

    /** {@code [low, high]} after a space; empty where there is none. */
    static String interval(double low, double high) {
        return Double.isNaN(low) ? "" : " [" + signed(low) + ", " + signed(high) + "]";
    }

    private static String signed(double value) {
        return (value < 0 ? "\u2212" : "") + Text.score(Math.abs(value));
    }

    static String p(double p) {
        return p < 0.001 ? "< 0.001" : Text.score(p);
    }

    /** {@code p = 0.031}. */
    static String withP(double p) {
        return p < 0.001 ? "p < 0.001" : "p = " + Text.score(p);
    }

    /** Two digits and a sign. */
    static String correlation(double value) {
        return (value < 0 ? "\u2212" : "+") + fixed(Math.abs(value), 2);
    }

    /** Seconds in the unit that suits them. */
    static String duration(double seconds) {
        return seconds < 120
                ? fixed(seconds, 1) + " s"
                : seconds < 7200 ? fixed(seconds / 60, 1) + " min" : fixed(seconds / 3600, 1) + " h";
    }

    /** With so many digits behind the point. */
    static String fixed(double value, int digits) {
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }
}
