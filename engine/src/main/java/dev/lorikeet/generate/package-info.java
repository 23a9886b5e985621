/**
 * Text from a model: prefill, decoding with a cache, and the choice of the next token.
 *
 * <p>Knows {@code model}, {@code nn}, {@code tape} and {@code torch}.
 */
@NullMarked
package dev.lorikeet.generate;

import org.jspecify.annotations.NullMarked;
