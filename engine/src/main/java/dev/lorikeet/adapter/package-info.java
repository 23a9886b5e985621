/**
 * One file a technique: its formula, paper, shapes and start. An adapter is a linear map that holds
 * another one; {@link dev.lorikeet.adapter.Targets} says which. {@link
 * dev.lorikeet.adapter.ChosenLayers} says what full fine-tuning trains.
 *
 * <p>Knows {@code nn}, {@code tape}, {@code kernel}, {@code torch}, and of core {@code format} and
 * {@code error}; never {@code model}.
 */
@NullMarked
package dev.lorikeet.adapter;

import org.jspecify.annotations.NullMarked;
