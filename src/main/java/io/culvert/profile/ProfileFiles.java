package io.culvert.profile;

import io.culvert.CulvertException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a profile leaves. */
public final class ProfileFiles {
    private ProfileFiles() {}

    /**
     * Writes {@code profile.txt}, {@code profile.jsonl}, {@code trace.json} and, where the machine was measured,
     * {@code roofline.svg}.
     *
     * @param top operations that the text lists
     * @return the text, with the folder in its last line
     */
    public static String write(Recording recording, int top) {
        Path folder = recording.settings().folder() == null
                ? recording.subject().folder().resolve("profile")
                : recording.settings().folder();
        Analysis analysis = new Analysis(recording);
        String text = ProfileText.of(recording, analysis, top);
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve("profile.txt"), text);
            Files.write(folder.resolve("profile.jsonl"), ProfileLines.of(recording, analysis));
            try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(folder.resolve("trace.json")))) {
                TraceFile.write(recording, out);
            }
            if (recording.subject().ceilings().measured()) {
                Files.writeString(folder.resolve("roofline.svg"), RooflineSvg.of(recording.subject().ceilings(), analysis));
            }
        } catch (IOException e) {
            throw CulvertException.data(e, "%s: cannot write the profile: %s; choose another --out", folder, e.getMessage());
        }
        return text + System.lineSeparator() + "profile.txt, profile.jsonl and trace.json (for ui.perfetto.dev) are in " + folder
                + System.lineSeparator();
    }
}
