package io.culvert.study.report;

import java.util.Set;

/** What a study compares: a row of its configuration. */
public record Network(String row, String method, String backbone) {
    static final String UNTRAINED = "untrained";
    static final String SUPERVISED = "supervised";
    static final String MAE = "mae";
    /** MAE as the public code of the study runs it. */
    static final String MAE_AS_PUBLISHED = "mae as published";
    private static final Set<String> JOINT_EMBEDDING = Set.of("simclr", "barlow_twins", "byol", "dino");

    boolean isUntrained() {
        return method.equals(UNTRAINED);
    }

    boolean isJointEmbedding() {
        return JOINT_EMBEDDING.contains(method);
    }

    /** Trained without labels. */
    boolean isSelfSupervised() {
        return isJointEmbedding() || method.equals(MAE);
    }
}
