/**
 * How good a model is at a task.
 *
 * <p>Knows {@code generate}, {@code model}, {@code torch}, and of core {@code tokenizer}.
 */
@NullMarked
package dev.lorikeet.eval;

import org.jspecify.annotations.NullMarked;
