/**
 * What went wrong, in the user's words. Every other room may throw these; they know no other room.
 */
@NullMarked
package dev.lorikeet.error;

import org.jspecify.annotations.NullMarked;
