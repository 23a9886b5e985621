/**
 * One file an architecture: its config with Hugging Face's keys, and its forward pass. Adapters are
 * unknown here: a model asks its {@code Linear.Wrapper} for every map.
 *
 * <p>Knows {@code nn}, {@code tape}, {@code kernel}, {@code torch}, and of core {@code format}.
 */
@NullMarked
package dev.lorikeet.model;

import org.jspecify.annotations.NullMarked;
