package io.culvert.study.report;

import io.culvert.study.Store;
import io.culvert.study.TableText;
import java.util.ArrayList;
import java.util.List;

/**
 * A table of the report, for the page and as text.
 *
 * @param name of its files
 * @param columns the first names what rows are
 * @param rows as many cells as there are columns
 * @param commands that give its numbers
 */
public record Sheet(String name, List<String> columns, List<List<Cell>> rows, List<String> commands) {
    /**
     * A cell.
     *
     * @param detail a second line; may be empty
     * @param style {@code best}, {@code up}, {@code down}, ... or empty
     */
    public record Cell(String text, String detail, String style) {
        static final Cell NONE = new Cell("–", "", "none");

        static Cell of(String text) {
            return new Cell(text, "", "");
        }

        static Cell of(String text, String detail) {
            return new Cell(text, detail, "");
        }

        public boolean best() {
            return style.startsWith("best");
        }
    }

    public boolean empty() {
        return rows.isEmpty();
    }

    String text(TableText.Format format) {
        List<List<Object>> lines = new ArrayList<>();
        for (List<Cell> row : rows) {
            List<Object> line = new ArrayList<>();
            for (Cell cell : row) {
                String text = cell.best() && format == TableText.Format.MARKDOWN ? "**" + cell.text() + "**" : cell.text();
                line.add(cell.detail().isEmpty() ? text : text + " (" + cell.detail() + ")");
            }
            lines.add(line);
        }
        return TableText.of(new Store.Table(columns, lines), format);
    }
}
