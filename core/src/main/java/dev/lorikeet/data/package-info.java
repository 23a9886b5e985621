/**
 * From data files to the batches that are trained on: records, prompts, tokens, split, order.
 *
 * <p>Every stage is a pure function of its input and the seed, and is hashed for provenance.
 * Encoded examples lie in temporary files ({@link dev.lorikeet.data.ExampleStore}), never all in
 * memory. Knows {@code source}, {@code config}, {@code tokenizer}, {@code jinja} and {@code error};
 * nothing here needs a tensor library.
 */
@NullMarked
package dev.lorikeet.data;

import org.jspecify.annotations.NullMarked;
