/**
 * Text to token ids and back, over Hugging Face {@code tokenizer.json} files, and conversations to
 * text by their chat templates. Knows only {@code error} and {@code jinja}.
 */
@NullMarked
package dev.lorikeet.tokenizer;

import org.jspecify.annotations.NullMarked;
