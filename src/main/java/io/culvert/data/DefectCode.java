package io.culvert.data;

/**
 * The 17 defect codes of Sewer-ML in the order of its CSV columns, with their class-importance weight (Haurum and
 * Moeslund, CVPR 2021, normalised to 1 for the most important code).
 */
public enum DefectCode {
    RB("cracks, breaks, collapses", 1.0000),
    OB("surface damage", 0.5518),
    PF("production error", 0.2896),
    DE("deformation", 0.1622),
    FS("displaced joint", 0.6419),
    IS("intruding sealing material", 0.1847),
    RO("roots", 0.3559),
    IN("infiltration", 0.3131),
    AF("settled deposits", 0.0811),
    BE("attached deposits", 0.2275),
    FO("obstacle", 0.2477),
    GR("branch pipe", 0.0901),
    PH("chiseled connection", 0.4167),
    PB("drilled connection", 0.4167),
    OS("lateral reinstatement cuts", 0.9009),
    OP("connection with transition profile", 0.3829),
    OK("connection with construction changes", 0.4396);

    private final String meaning;
    private final double weight;

    DefectCode(String meaning, double weight) {
        this.meaning = meaning;
        this.weight = weight;
    }

    /** What the code stands for, in English. */
    public String meaning() {
        return meaning;
    }

    /** The class-importance weight (CIW), 0..1. */
    public double weight() {
        return weight;
    }

    /** The code's bit in {@link Sample#codes()}. */
    public int bit() {
        return 1 << ordinal();
    }
}
