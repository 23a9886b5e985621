/**
 * What a run leaves behind: its folder ({@link dev.lorikeet.run.RunDirectory}) and the index of all
 * runs ({@link dev.lorikeet.run.RunStore}). Knows {@code error} and {@code format}; the trainer,
 * the command line and the dashboard know it.
 */
@NullMarked
package dev.lorikeet.run;

import org.jspecify.annotations.NullMarked;
