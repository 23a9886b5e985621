/**
 * Text to token ids and back, over Hugging Face {@code tokenizer.json} files. Knows only {@code
 * error}.
 */
@NullMarked
package dev.lorikeet.tokenizer;

import org.jspecify.annotations.NullMarked;
