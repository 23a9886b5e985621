/**
 * The Jinja of chat templates with the semantics of Python: what jinja2 3.1.6 does in the immutable
 * sandbox of Hugging Face transformers ({@code trim_blocks}, {@code lstrip_blocks}, loop controls,
 * {@code generation} blocks, its own {@code tojson}).
 *
 * <p>{@link Template} reads a template and renders it with plain data. Nothing of Java is reachable
 * from a template, and all that it does is counted: work, text, depth. Knows only {@code error}.
 *
 * <p>Inside: {@code Lexer} → {@code Parser} and {@code ExpressionParser} → {@code Node} and {@code
 * Expr} → {@code Checks} → {@code Interpreter} and {@code Evaluator}, which work on {@code Value}s.
 */
@NullMarked
package dev.lorikeet.jinja;

import org.jspecify.annotations.NullMarked;
