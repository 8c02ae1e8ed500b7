/**
 * The report of a run: {@link io.culvert.report.AnomalyReport} holds what it says and
 * {@link io.culvert.report.ReportWriter} writes it as one self-contained HTML page and as JSON. Templates are {@code src/main/jte}, turned into classes by the
 * build; charts are SVG drawn here. The page has no script and fetches nothing.
 */
package io.culvert.report;
