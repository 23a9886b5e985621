/**
 * Reverse-mode differentiation over a dozen coarse operations, each with a hand-written backward.
 *
 * <p>An operation computes its output, names the tensors that its backward needs, and records one
 * closure. Whatever nobody named is freed at the end of its block; what was named is freed as soon
 * as it was used. Frozen weights get no gradient and cost nothing.
 *
 * <p>Knows {@code kernel} and {@code torch}.
 */
@NullMarked
package dev.lorikeet.tape;

import org.jspecify.annotations.NullMarked;
