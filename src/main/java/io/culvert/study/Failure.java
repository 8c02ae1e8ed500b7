package io.culvert.study;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.culvert.AtomicFile;
import io.culvert.CulvertException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/**
 * Why a run ended without a result: {@code failure.json} in its folder, until {@code culvert study retry}.
 *
 * @param exitCode of its process; 128 and a signal's number where one ended it
 * @param message its last line
 */
public record Failure(int exitCode, String message, String at) {
    private static final String FILE = "failure.json";
    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .build();

    static Failure now(int exitCode, String message) {
        return new Failure(exitCode, message, Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    }

    void write(Path folder) {
        try {
            AtomicFile.replace(folder.resolve(FILE), JSON.writeValueAsString(this) + "\n");
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e); // a record of a number and texts
        }
    }

    /** The failure that a folder tells of. */
    public static Optional<Failure> read(Path folder) {
        try {
            return Optional.of(JSON.readValue(Files.readString(folder.resolve(FILE)), Failure.class));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw CulvertException.data(e, "%s: cannot read: %s", folder.resolve(FILE), e.getMessage());
        }
    }

    /** Forgets it; whether there was one. */
    static boolean clear(Path folder) {
        try {
            return Files.deleteIfExists(folder.resolve(FILE));
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(folder.resolve(FILE), e);
        }
    }
}
