/**
 * Layers: linear maps, norms, rotary positions, attention, the gated MLP, and the weights and
 * caches they read. A layer is immutable; what changes during a pass lives in its {@link
 * dev.lorikeet.nn.Pass}.
 *
 * <p>Knows {@code tape}, {@code kernel}, {@code torch}, and of core {@code format}.
 */
@NullMarked
package dev.lorikeet.nn;

import org.jspecify.annotations.NullMarked;
