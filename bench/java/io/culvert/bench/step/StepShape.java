package io.culvert.bench.step;

import io.culvert.CulvertException;

/**
 * A training step to time, written {@code MODEL,METHOD,BATCH,SIZE} or, for a vision transformer, with {@code ,PATCH} behind.
 *
 * @param model resnet18 or vit_tiny
 * @param method simclr, or mae on vit_tiny
 * @param batch images a step
 * @param size side of the square images, pixels
 * @param patch side of a patch; 0 without
 */
public record StepShape(String model, String method, int batch, int size, int patch) {
    /** Reads one. */
    public static StepShape of(String text) {
        String[] parts = text.split(",");
        boolean vit = parts[0].equals("vit_tiny");
        boolean known = (vit || parts[0].equals("resnet18"))
                && parts.length == (vit ? 5 : 4)
                && (parts[1].equals("simclr") || vit && parts[1].equals("mae"));
        if (!known) {
            throw CulvertException.usage(
                    "no step '%s': resnet18,simclr,BATCH,SIZE or vit_tiny,simclr|mae,BATCH,SIZE,PATCH", text);
        }
        return new StepShape(
                parts[0], parts[1], Integer.parseInt(parts[2]), Integer.parseInt(parts[3]),
                vit ? Integer.parseInt(parts[4]) : 0);
    }
}
