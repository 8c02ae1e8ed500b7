package io.culvert.report;

import java.util.Locale;

/** Numbers as the report prints them. */
public final class Text {
    private static final String NARROW_SPACE = "\u202f";

    private Text() {}

    /** {@code 0.8731} as {@code 87.3 %}. */
    public static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f", 100 * share) + NARROW_SPACE + "%";
    }

    /** {@code 0.8731} as {@code 0.873}. */
    public static String score(double value) {
        return String.format(Locale.ROOT, "%.3f", value);
    }

    /** A difference with its sign, a true minus: {@code +0.123}. */
    public static String difference(double value) {
        String magnitude = score(Math.abs(value));
        return magnitude.equals("0.000") ? "±0" : (value < 0 ? "\u2212" : "+") + magnitude;
    }

    /** A score of the probe: log-odds with two decimals, a true minus. */
    public static String signed(double value) {
        return (value < 0 ? "\u2212" : "") + String.format(Locale.ROOT, "%.2f", Math.abs(value));
    }

    /** Any number: four digits, a true minus. */
    public static String number(double value) {
        return String.format(Locale.ROOT, "%.4g", value).replace('-', '\u2212');
    }

    /** A share as a length in CSS. */
    public static String css(double share) {
        return String.format(Locale.ROOT, "%.2f%%", 100 * share);
    }

    /** {@code 12345} as {@code 12 345}. */
    public static String count(long value) {
        return String.format(Locale.ROOT, "%,d", value).replace(",", NARROW_SPACE);
    }

    /** A number on an axis: as short as its value allows. */
    static String tick(double value) {
        double magnitude = Math.abs(value);
        if (magnitude >= 10_000 && value == Math.rint(value)) {
            return count((long) value);
        }
        if (magnitude > 0 && magnitude < 1e-3) {
            return String.format(Locale.ROOT, "%.0e", value).replace("e-0", "e\u2212").replace("e-", "e\u2212");
        }
        String text = String.format(Locale.ROOT, "%.4f", magnitude).replaceAll("\\.?0+$", "");
        return value < 0 ? "\u2212" + text : text;
    }
}
