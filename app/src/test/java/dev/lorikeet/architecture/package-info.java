/** Rules over the classes of all modules. */
@NullMarked
package dev.lorikeet.architecture;

import org.jspecify.annotations.NullMarked;
