/**
 * Scores of single answers and of whole files: one file a metric, each with its definition and
 * source, and one list of all ({@link dev.lorikeet.metric.MetricRegistry}).
 *
 * <p>A {@link dev.lorikeet.metric.Metric} scores an {@link dev.lorikeet.metric.Item}; {@link
 * dev.lorikeet.metric.Score} is what many items give together, with its uncertainty; {@link
 * dev.lorikeet.metric.ItemResults} is the file that keeps them; {@link
 * dev.lorikeet.metric.RunComparison} compares two such files; a {@link dev.lorikeet.metric.Target}
 * says what was to be reached. Knows {@code error}, {@code format} and {@code stat}.
 */
@NullMarked
package dev.lorikeet.metric;

import org.jspecify.annotations.NullMarked;
