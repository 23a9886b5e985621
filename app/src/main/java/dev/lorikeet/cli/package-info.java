/**
 * The command line: a class per command, listed in {@link dev.lorikeet.cli.Lorikeet}. Knows every
 * other room, and none knows it; the only place that prints. A command's result goes to standard
 * output, everything else to standard error.
 */
@NullMarked
package dev.lorikeet.cli;

import org.jspecify.annotations.NullMarked;
