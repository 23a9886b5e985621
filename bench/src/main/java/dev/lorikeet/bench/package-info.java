/**
 * End-to-end measurements beside other tools. Every number comes from the product's own way of
 * working, through its Java API, in a process of its own.
 */
@NullMarked
package dev.lorikeet.bench;

import org.jspecify.annotations.NullMarked;
