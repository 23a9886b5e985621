package dev.lorikeet.config;

import java.util.Locale;

/** One value of a closed set of recipe values, such as {@code cosine} for {@code schedule}. */
public sealed interface Choice
    permits AdapterSettings.Technique,
        DataSettings.BadRecordPolicy,
        DataSettings.Format,
        DataSettings.Loss,
        ModelSettings.Dtype,
        ModelSettings.Quantization,
        TrainSettings.BadStepPolicy,
        TrainSettings.Compute,
        TrainSettings.LossWeighting,
        TrainSettings.Optimizer,
        TrainSettings.Schedule {

  /** Name of the enum constant. */
  String name();

  /** The value as a recipe writes it. */
  default String spelling() {
    return name().toLowerCase(Locale.ROOT);
  }
}
