package dev.lorikeet.metric;

import java.util.function.Function;

/**
 * A line of the list of metrics.
 *
 * @param name as users write it
 * @param summary what it is, in one line for a listing
 * @param maker makes it from its options
 */
public record MetricFactory(String name, String summary, Function<MetricOptions, Metric> maker) {}
