/**
 * What the embedded base model {@code nano} and the embedded data set {@code tickets} are made
 * from: the generator of the pre-training text, the trainer of the tokenizer and the generator of
 * the customer messages. Everything is a pure function of a seed. Neighbours: {@code error} only.
 */
@NullMarked
package dev.lorikeet.nano;

import org.jspecify.annotations.NullMarked;
