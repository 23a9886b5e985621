/**
 * Published evaluation tasks as lm-evaluation-harness defines them: from data files to requests,
 * and from a model's answers to metrics. Nothing here knows a model. Stands on {@code error} and on
 * the string functions of {@code jinja}.
 */
@NullMarked
package dev.lorikeet.task;

import org.jspecify.annotations.NullMarked;
