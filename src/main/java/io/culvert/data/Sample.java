package io.culvert.data;

/**
 * One annotated image.
 *
 * @param file the image's name, relative to the folder of images
 * @param codes the bits of its {@link DefectCode}s
 * @param labelled whether the annotation said so; false for a CSV that lists file names only, where codes is 0
 */
public record Sample(String file, int codes, boolean labelled) {

    /** Whether any of the 17 codes is annotated. */
    public boolean defective() {
        return codes != 0;
    }

    /** Whether this code is annotated. */
    public boolean has(DefectCode code) {
        return (codes & code.bit()) != 0;
    }
}
