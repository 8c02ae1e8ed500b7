package io.culvert.data;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import io.culvert.CulvertException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Reads Sewer-ML's annotation CSV: {@code Filename,WaterLevel,VA,RB,OB,...,OK,ND,Defect}, or {@code Filename} alone as
 * its test split has it.
 *
 * <p>Columns are found by name, so their order is free and others may stand among them; {@code WaterLevel}, {@code VA}
 * and {@code ND} are no targets and not read. {@code Defect}, where there, must be 1 exactly when one of the 17 codes
 * is. A byte-order mark, quoted fields and CRLF line ends are fine.
 */
public final class SewerMlCsv {
    private static final String FILENAME = "Filename";
    private static final String DEFECT = "Defect";
    private static final int ABSENT = -1;

    private final Path csv;
    private final Consumer<String> problems;
    private final List<Sample> samples = new ArrayList<>();
    private final int[] codeColumns = new int[DefectCode.values().length];
    private int columns;
    private int filenameColumn;
    private int defectColumn;
    private boolean labelled;

    private SewerMlCsv(Path csv, Consumer<String> problems) {
        this.csv = csv;
        this.problems = problems;
    }

    /**
     * Reads a data set.
     *
     * @throws CulvertException of kind DATA at the first bad row (naming file and line), for missing columns (naming
     *     them), for a CSV without rows, and when the CSV or the folder of images is not there
     */
    public static Dataset read(Path csv, Path images) {
        List<Sample> samples = read(csv, problem -> {
            throw CulvertException.data("%s", problem);
        });
        if (samples.isEmpty()) {
            throw CulvertException.data("%s: there is no row below the header", csv);
        }
        if (!Files.isDirectory(images)) {
            throw CulvertException.data("%s: no such folder of images; name the one that holds %s", images,
                    samples.getFirst().file());
        }
        return new Dataset(images, samples);
    }

    /**
     * Reads the good rows and reports each bad one.
     *
     * @param problems receives a line {@code file:line: what is wrong} for each bad row, which is left out
     * @throws CulvertException of kind DATA when the file cannot be read or its header lacks columns
     */
    public static List<Sample> read(Path csv, Consumer<String> problems) {
        SewerMlCsv reader = new SewerMlCsv(csv, problems);
        try (CsvReader<CsvRecord> records = CsvReader.builder().detectBomHeader(true).allowExtraFields(true)
                .allowMissingFields(true).ofCsvRecord(csv)) {
            reader.readAll(records);
        } catch (NoSuchFileException e) {
            throw CulvertException.data(e, "%s: no such file; name the annotation CSV", csv);
        } catch (CsvParseException e) {
            throw CulvertException.data(e, "%s: not a CSV file: %s", csv, e.getMessage());
        } catch (IOException | UncheckedIOException e) {
            throw CulvertException.data(e, "%s: cannot be read: %s", csv, e.getMessage());
        }
        return reader.samples;
    }

    private void readAll(Iterable<CsvRecord> records) {
        boolean header = true;
        for (CsvRecord each : records) {
            if (header) {
                readHeader(each.getFields());
                header = false;
            } else {
                readRow(each);
            }
        }
        if (header) {
            throw CulvertException.data("%s: the file is empty; its first line must name the columns", csv);
        }
    }

    private void readHeader(List<String> names) {
        columns = names.size();
        filenameColumn = column(names, FILENAME);
        defectColumn = column(names, DEFECT);
        List<String> missing = new ArrayList<>();
        for (DefectCode code : DefectCode.values()) {
            codeColumns[code.ordinal()] = column(names, code.name());
            if (codeColumns[code.ordinal()] == ABSENT) {
                missing.add(code.name());
            }
        }
        labelled = missing.size() < codeColumns.length || defectColumn != ABSENT;
        if (!labelled) {
            missing.clear();
        }
        if (filenameColumn == ABSENT) {
            missing.addFirst(FILENAME);
        }
        if (!missing.isEmpty()) {
            throw CulvertException.data("%s:1: column%s %s missing; expected Filename and the codes %s", csv,
                    missing.size() == 1 ? "" : "s", String.join(", ", missing),
                    Arrays.stream(DefectCode.values()).map(Enum::name).collect(Collectors.joining(",")));
        }
    }

    private int column(List<String> names, String wanted) {
        int found = ABSENT;
        for (int i = 0; i < names.size(); i++) {
            if (names.get(i).strip().equals(wanted)) {
                if (found != ABSENT) {
                    throw CulvertException.data("%s:1: column %s appears twice", csv, wanted);
                }
                found = i;
            }
        }
        return found;
    }

    private void readRow(CsvRecord row) {
        if (row.getFieldCount() != columns) {
            report(row, "has %d fields, the header %d", row.getFieldCount(), columns);
            return;
        }
        String file = row.getField(filenameColumn).strip();
        if (file.isEmpty()) {
            report(row, "has no %s", FILENAME);
            return;
        }
        int codes = labelled ? readCodes(row) : 0;
        if (codes != ABSENT) {
            samples.add(new Sample(file, codes, labelled));
        }
    }

    /** The bits of the row's codes, or ABSENT when a value is bad (and reported). */
    private int readCodes(CsvRecord row) {
        int codes = 0;
        for (DefectCode code : DefectCode.values()) {
            int flag = readFlag(row, codeColumns[code.ordinal()], code.name());
            if (flag == ABSENT) {
                return ABSENT;
            }
            codes |= flag * code.bit();
        }
        if (defectColumn == ABSENT) {
            return codes;
        }
        int defect = readFlag(row, defectColumn, DEFECT);
        if (defect != ABSENT && defect != (codes == 0 ? 0 : 1)) {
            report(row, "Defect is %d but %s; mend the row, or leave the column Defect out", defect,
                    codes == 0 ? "no code is set" : "the codes " + names(codes) + " are set");
            return ABSENT;
        }
        return defect == ABSENT ? ABSENT : codes;
    }

    private int readFlag(CsvRecord row, int column, String name) {
        String text = row.getField(column).strip();
        switch (text) {
            case "0":
                return 0;
            case "1":
                return 1;
            default:
                report(row, "%s is '%s', expected 0 or 1", name, text);
                return ABSENT;
        }
    }

    private static String names(int codes) {
        return Arrays.stream(DefectCode.values()).filter(code -> (codes & code.bit()) != 0).map(Enum::name)
                .collect(Collectors.joining(","));
    }

    private void report(CsvRecord row, String format, Object... args) {
        problems.accept(csv + ":" + row.getStartingLineNumber() + ": " + String.format(format, args));
    }
}
