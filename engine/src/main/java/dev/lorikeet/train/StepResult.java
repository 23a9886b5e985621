package dev.lorikeet.train;

/** What became of a step: an update, or nothing but a reason. */
public sealed interface StepResult permits StepReport, BadStep {}
