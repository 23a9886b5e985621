/**
 * What {@code bench/gpu} runs on a machine with a GPU: models of random weights, single
 * measurements, and their report beside PEFT's.
 */
@NullMarked
package dev.lorikeet.bench.gpu;

import org.jspecify.annotations.NullMarked;
