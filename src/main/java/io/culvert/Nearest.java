package io.culvert;

import java.util.Collection;
import java.util.Optional;

/** Finds the name that was probably meant: by edit distance, a swap of neighbours counting as one edit. */
public final class Nearest {
    private Nearest() {}

    /** The name closest to {@code given}, if one is close enough to be a likely slip; the first of equals. */
    public static Optional<String> of(String given, Collection<String> names) {
        String best = null;
        int bestDistance = Math.max(2, given.length() / 2) + 1;
        for (String name : names) {
            int distance = distance(given, name);
            if (distance < bestDistance && distance < Math.max(given.length(), name.length())) {
                best = name;
                bestDistance = distance;
            }
        }
        return Optional.ofNullable(best);
    }

    /** {@code "; did you mean 'lr'?"}, or nothing if no name is close: the tail of an error message. */
    public static String hint(String given, Collection<String> names) {
        return of(given, names).map(name -> "; did you mean '" + name + "'?").orElse("");
    }

    /** Optimal string alignment distance. */
    static int distance(String a, String b) {
        int[][] d = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            d[i][0] = i;
        }
        for (int j = 0; j <= b.length(); j++) {
            d[0][j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            for (int j = 1; j <= b.length(); j++) {
                int substitution = d[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                d[i][j] = Math.min(substitution, 1 + Math.min(d[i - 1][j], d[i][j - 1]));
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
                }
            }
        }
        return d[a.length()][b.length()];
    }
}
