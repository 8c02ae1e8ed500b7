package io.culvert.study;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** A table of a study as text. */
public final class TableText {
    /** How it is written. */
    public enum Format {
        TEXT,
        MARKDOWN,
        CSV
    }

    private TableText() {}

    public static String of(Store.Table table, Format format) {
        List<List<String>> lines = new ArrayList<>();
        lines.add(table.columns());
        for (List<Object> row : table.rows()) {
            lines.add(row.stream().map(value -> value == null ? "" : String.valueOf(value)).toList());
        }
        return switch (format) {
            case TEXT -> aligned(lines);
            case MARKDOWN -> markdown(lines);
            case CSV -> lines.stream().map(TableText::csv).collect(Collectors.joining());
        };
    }

    private static String aligned(List<List<String>> lines) {
        int[] widths = new int[lines.getFirst().size()];
        for (List<String> line : lines) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], line.get(i).length());
            }
        }
        StringBuilder text = new StringBuilder();
        for (List<String> line : lines) {
            StringBuilder one = new StringBuilder();
            for (int i = 0; i < widths.length; i++) {
                one.append(line.get(i)).repeat(" ", widths[i] - line.get(i).length() + 2);
            }
            text.append(one.toString().stripTrailing()).append('\n');
        }
        return text.toString();
    }

    private static String markdown(List<List<String>> lines) {
        StringBuilder text = new StringBuilder();
        for (List<String> line : lines) {
            text.append(line.stream().map(cell -> cell.replace("|", "\\|")).collect(Collectors.joining(" | ", "| ", " |\n")));
            if (text.indexOf("\n") == text.length() - 1) {
                text.append("|").repeat("---|", line.size()).append('\n');
            }
        }
        return text.toString();
    }

    /** RFC 4180. */
    private static String csv(List<String> line) {
        return line.stream()
                .map(cell -> cell.matches("(?s).*[\",\\r\\n].*") ? '"' + cell.replace("\"", "\"\"") + '"' : cell)
                .collect(Collectors.joining(",", "", "\n"));
    }
}
