package io.culvert.data;

import io.culvert.CulvertException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Which pipe, or which video, each image comes from: neighbouring frames look alike, and a split that parts them tests on
 * what was trained on. The group is read from the file's name by a regular expression, the first group of which it is:
 * {@code (p\d+)_} finds {@code p000123} in {@code p000123_004.jpg}.
 *
 * @param ids each image's group, counted from 0 in the order in which groups first occur
 * @param names the groups, by id
 */
public record Groups(int[] ids, List<String> names) {
    private static final int NAMED = 3;

    /**
     * Reads the groups.
     *
     * @param pattern a regular expression with a group, looked for anywhere in the name that the CSV has; empty: every
     *     image is a group of its own
     * @throws CulvertException of kind USAGE when the pattern is no regular expression or has no group, of kind DATA,
     *     naming the first, when it is not found in a name
     */
    public static Groups of(String pattern, List<Sample> samples) {
        if (pattern.isEmpty()) {
            int[] own = new int[samples.size()];
            Arrays.setAll(own, i -> i);
            return new Groups(own, samples.stream().map(Sample::file).toList());
        }
        Matcher matcher = compile(pattern).matcher("");
        Map<String, Integer> known = new LinkedHashMap<>();
        int[] ids = new int[samples.size()];
        for (int i = 0; i < ids.length; i++) {
            String file = samples.get(i).file();
            if (!matcher.reset(file).find() || matcher.group(1) == null) {
                throw CulvertException.data("data.group_by: '%s' finds no group in the name %s: mend it, or leave it empty",
                        pattern, file);
            }
            ids[i] = known.computeIfAbsent(matcher.group(1), name -> known.size());
        }
        return new Groups(ids, List.copyOf(known.keySet()));
    }

    private static Pattern compile(String pattern) {
        try {
            Pattern compiled = Pattern.compile(pattern);
            if (compiled.matcher("").groupCount() == 0) {
                throw CulvertException.usage(
                        "data.group_by: '%s' has no group: put what names the pipe or video in parentheses", pattern);
            }
            return compiled;
        } catch (PatternSyntaxException e) {
            throw CulvertException.usage("data.group_by: '%s' is no regular expression: %s near index %d", pattern,
                    e.getDescription(), e.getIndex());
        }
    }

    /** The groups that both have, in this one's order. */
    public List<String> sharedWith(Groups other) {
        Set<String> theirs = new HashSet<>(other.names);
        return names.stream().filter(theirs::contains).toList();
    }

    /**
     * Makes sure that no group lies in two data sets.
     *
     * @param here what the message calls this data set
     * @param there what it calls the other
     * @throws CulvertException of kind DATA, with the number of groups shared and the first few
     */
    public void requireApart(Groups other, String here, String there) {
        List<String> shared = new ArrayList<>(sharedWith(other));
        if (!shared.isEmpty()) {
            int count = shared.size();
            String named = String.join(", ", shared.subList(0, Math.min(NAMED, count)));
            throw CulvertException.data("%d of the groups of data.group_by have images in %s and in %s (%s%s): a test would "
                    + "meet what was trained on; mend the CSVs, or set data.allow_shared_groups=true", count, here, there,
                    named, count > NAMED ? ", ..." : "");
        }
    }
}
