/**
 * Scores of predictions against labels, and of representations without labels. Everything takes plain arrays and
 * computes in double; nothing here knows of tensors, data sets or runs.
 *
 * <p>Labels are 0 (sound) or 1 (defective); a higher score means more likely defective. A score equal to the threshold
 * counts as defective ({@code score >= threshold}), as in Sewer-ML's own evaluation and in scikit-learn's curves.
 */
package io.culvert.metric;
