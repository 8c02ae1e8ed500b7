package io.culvert.data.synth;

import io.culvert.data.DefectCode;

/** How often Sewer-ML has each defect code, and how masks number them. */
final class Codes {
    /** Training images that carry each code, in the order of {@link DefectCode} (Haurum and Moeslund, CVPR 2021). */
    private static final int[] SEWER_ML_TRAIN = {
        45_821, 184_379, 16_254, 19_084, 283_983, 6_271, 22_637, 23_782, 74_856, 66_499, 5_010, 53_986, 23_685, 6_746,
        4_625, 5_325, 154_624
    };

    private Codes() {}

    /** A code drawn in proportion to Sewer-ML's training images. */
    static DefectCode byFrequency(Rng rng) {
        int total = 0;
        for (int count : SEWER_ML_TRAIN) {
            total += count;
        }
        int left = rng.below(total);
        int code = 0;
        while (left >= SEWER_ML_TRAIN[code]) {
            left -= SEWER_ML_TRAIN[code];
            code++;
        }
        return DefectCode.values()[code];
    }

    /** The grey value of the code in a mask: 1 to 17, where 0 is sound pipe. */
    static int label(DefectCode code) {
        return code.ordinal() + 1;
    }

    /** Whether the code says how a side pipe joins this one. */
    static boolean isConnection(DefectCode code) {
        return switch (code) {
            case GR, PH, PB, OS, OP, OK -> true;
            default -> false;
        };
    }
}
