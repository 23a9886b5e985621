package dev.lorikeet.config;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The value that a recipe key has when the recipe leaves it out, written as in YAML.
 *
 * <p>This is the only place where a default exists. A component without it must be given, unless it
 * is optional: then it is empty.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
@interface Default {
  String value();
}
