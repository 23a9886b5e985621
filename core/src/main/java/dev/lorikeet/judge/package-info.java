/**
 * Scores that another model gives: by rubric ({@link dev.lorikeet.judge.RubricMetric}) or by
 * preference between two answers ({@link dev.lorikeet.judge.PairwiseJudge}), with how far judges
 * can be trusted ({@link dev.lorikeet.judge.JudgeAgreement}).
 *
 * <p>A judge is any {@link dev.lorikeet.judge.ChatModel}: an endpoint that speaks OpenAI's chat
 * protocol ({@link dev.lorikeet.judge.ChatEndpoint}) or a local model. {@link
 * dev.lorikeet.judge.CachedChatModel} keeps every reply on disk, so that a judging that was broken
 * off goes on where it stopped. Knows {@code error}, {@code metric} and {@code stat}.
 */
@NullMarked
package dev.lorikeet.judge;

import org.jspecify.annotations.NullMarked;
