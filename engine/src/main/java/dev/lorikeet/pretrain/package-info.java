/**
 * Training a model from nothing: how the embedded base model {@code nano} is made. Text comes from
 * the generator of {@code nano}, the tokenizer from its trainer, the weights from {@code train}.
 *
 * <p>Knows {@code train}, {@code model}, {@code nn}, {@code tape}, {@code torch}, and of core
 * {@code nano}, {@code tokenizer}, {@code data} and {@code format}.
 */
@NullMarked
package dev.lorikeet.pretrain;

import org.jspecify.annotations.NullMarked;
