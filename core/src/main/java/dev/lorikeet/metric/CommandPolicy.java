package dev.lorikeet.metric;

/** Whether metrics may run programs on what a model wrote. */
public enum CommandPolicy {
  /** The default: a recipe from elsewhere must not start programs. */
  REFUSE,
  /** The user asked for it. */
  ALLOW
}
