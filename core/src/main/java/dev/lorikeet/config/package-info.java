/** Recipes: YAML and overrides to validated records. Knows only {@code error}. */
@NullMarked
package dev.lorikeet.config;

import org.jspecify.annotations.NullMarked;
