package io.culvert.verify;

import io.culvert.safetensors.StoredTensor;
import java.util.Collection;
import java.util.Map;

/**
 * The worst of the expected tensors.
 *
 * @param error its relative error; infinite if it is missing, of another shape or not finite
 * @param tensor its full name
 * @param reason why the error is infinite, empty otherwise
 */
public record Comparison(double error, String tensor, String reason) {
    private static final double TINY = 1e-12;

    static Comparison worst(Collection<StoredTensor> expected, Map<String, Computed> computed) {
        Comparison worst = null;
        for (StoredTensor want : expected) {
            Comparison each = of(want, computed.get(want.name()));
            if (worst == null || each.error > worst.error) {
                worst = each;
            }
        }
        return worst;
    }

    private static Comparison of(StoredTensor want, Computed got) {
        if (got == null) {
            return failed(want, "missing");
        }
        if (!got.hasShape(want.shape())) {
            return failed(want, "shape " + got.shape() + ", expected " + want.shape());
        }
        for (double value : got.values()) {
            if (!Double.isFinite(value)) {
                return failed(want, "holds " + value);
            }
        }
        double error = relativeError(got.values(), want);
        return Double.isNaN(error)
                ? failed(want, "the expected values are not finite")
                : new Comparison(error, want.name(), "");
    }

    private static Comparison failed(StoredTensor want, String reason) {
        return new Comparison(Double.POSITIVE_INFINITY, want.name(), reason);
    }

    /** {@code |got - want| / max(|want|, 1e-12 sqrt(count))} in the 2-norm, in double. */
    static double relativeError(double[] got, StoredTensor want) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < got.length; i++) {
            double expected = want.get(i);
            difference += (got[i] - expected) * (got[i] - expected);
            norm += expected * expected;
        }
        return got.length == 0 ? 0 : Math.sqrt(difference) / Math.max(Math.sqrt(norm), TINY * Math.sqrt(got.length));
    }
}
