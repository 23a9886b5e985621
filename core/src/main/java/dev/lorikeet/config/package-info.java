/** Recipes: YAML and overrides to validated records. Knows no other room. */
@NullMarked
package dev.lorikeet.config;

import org.jspecify.annotations.NullMarked;
