package io.culvert.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Annotated images in a fixed order; an index into it names a sample everywhere else.
 *
 * @param images the folder that the samples' file names are relative to
 */
public record Dataset(Path images, List<Sample> samples) {
    public Dataset {
        samples = List.copyOf(samples);
    }

    public int size() {
        return samples.size();
    }

    public Sample get(int index) {
        return samples.get(index);
    }

    /** Where a sample's image lies. */
    public Path path(int index) {
        return images.resolve(samples.get(index).file());
    }

    /** Whether every sample has labels. */
    public boolean labelled() {
        return samples.stream().allMatch(Sample::labelled);
    }

    /** Number of samples with at least one defect code. */
    public int defectCount() {
        return (int) samples.stream().filter(Sample::defective).count();
    }

    /** Number of samples with this code. */
    public int count(DefectCode code) {
        return (int) samples.stream().filter(sample -> sample.has(code)).count();
    }

    /** The samples at these indices, in that order. */
    public Dataset subset(int[] indices) {
        List<Sample> chosen = new ArrayList<>(indices.length);
        for (int index : indices) {
            chosen.add(samples.get(index));
        }
        return new Dataset(images, chosen);
    }
}
