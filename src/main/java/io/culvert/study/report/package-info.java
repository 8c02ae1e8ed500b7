/**
 * The report of a study: {@link io.culvert.study.report.Results} reads the store, {@link io.culvert.study.report.Analysis} works
 * everything out, {@link io.culvert.study.report.StudyReport} writes the page, its tables and the results as text.
 */
package io.culvert.study.report;
