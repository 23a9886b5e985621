/**
 * The engine's kernels by themselves: each is compared with its plain reference and then timed by
 * JMH, beside the peaks of the same machine in the same run.
 *
 * <p>Works through the engine's public interfaces and knows nothing of the rest of {@code bench}.
 */
@NullMarked
package dev.lorikeet.bench.kernels;

import org.jspecify.annotations.NullMarked;
