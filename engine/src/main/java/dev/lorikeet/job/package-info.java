/**
 * What a user asks for, whole: fine-tune by a recipe, load a model with its tokenizer and adapter.
 * The command line and the Java API are both thin covers of this package.
 *
 * <p>Knows every other room of the engine and of core; none of them knows it.
 */
@NullMarked
package dev.lorikeet.job;

import org.jspecify.annotations.NullMarked;
