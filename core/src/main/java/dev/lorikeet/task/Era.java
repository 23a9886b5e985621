package dev.lorikeet.task;

/** Whose definition of a task is meant. */
enum Era {
  /** lm-evaluation-harness 0.4.13. */
  TODAY(""),
  /** lm-evaluation-harness of October 2023, commit b0686dd9. */
  OF_2023("@2023");

  private final String suffix;

  Era(String suffix) {
    this.suffix = suffix;
  }

  /** The name of {@code task} in this era. */
  String name(String task) {
    return task + suffix;
  }
}
