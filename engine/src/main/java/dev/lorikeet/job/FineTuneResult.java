package dev.lorikeet.job;

import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What a fine-tuning gave.
 *
 * @param runId name of the run
 * @param directory its folder
 * @param output folder of the adapter in PEFT's layout, or of the whole model
 * @param steps optimiser steps done
 * @param trainLoss loss of the last step, nats a token
 * @param validationBefore held-out loss of the untouched model, if anything was held out
 * @param validationAfter held-out loss at the end
 * @param time wall time of training and validation, loading left out
 * @param tokens tokens read in training
 * @param peakBytes most bytes that tensors held
 * @param peakResidentBytes most memory of the whole process, where the system tells
 */
public record FineTuneResult(
    String runId,
    Path directory,
    Path output,
    long steps,
    double trainLoss,
    OptionalDouble validationBefore,
    OptionalDouble validationAfter,
    Duration time,
    long tokens,
    long peakBytes,
    OptionalLong peakResidentBytes) {}
