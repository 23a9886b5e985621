/**
 * Training: the loss, the optimiser, the schedule, the sum over workers and the loop of steps. The
 * trainer knows a {@link dev.lorikeet.train.Collective}, never where its peers are.
 *
 * <p>Knows {@code model}, {@code adapter}, {@code nn}, {@code tape}, {@code kernel}, {@code torch},
 * and of core {@code config}, {@code data} and {@code error}.
 */
@NullMarked
package dev.lorikeet.train;

import org.jspecify.annotations.NullMarked;
