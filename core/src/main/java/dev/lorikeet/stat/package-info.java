/**
 * How sure a score is, and whether two differ: standard errors, intervals, paired tests, the number
 * of items it takes to tell. Numbers in, numbers out; knows no other package.
 *
 * <p>Everything random is a pure function of a seed ({@link dev.lorikeet.stat.Bootstrap}), and all
 * functions use {@link StrictMath}, so that a report reads the same on every machine.
 */
@NullMarked
package dev.lorikeet.stat;

import org.jspecify.annotations.NullMarked;
