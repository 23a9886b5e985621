/**
 * Text to token ids and back, over Hugging Face {@code tokenizer.json} files and what can be
 * converted to them: SentencePiece models, and vocabularies with merges. Knows only {@code error}.
 */
@NullMarked
package dev.lorikeet.tokenizer;

import org.jspecify.annotations.NullMarked;
