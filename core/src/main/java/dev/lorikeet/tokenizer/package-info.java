/**
 * Text to token ids and back, over Hugging Face {@code tokenizer.json} files and what can be
 * converted to them: SentencePiece models, and vocabularies with merges; conversations to text by
 * their chat templates. Knows only {@code error} and {@code jinja}.
 */
@NullMarked
package dev.lorikeet.tokenizer;

import org.jspecify.annotations.NullMarked;
