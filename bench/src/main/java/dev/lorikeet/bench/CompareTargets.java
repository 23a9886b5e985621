package dev.lorikeet.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * What a case aims at; each may be absent.
 *
 * @param faster least times the useful tokens a second of PEFT
 * @param resident most memory of the process, in 10⁹ bytes
 * @param timesLora most times the time of LoRA
 * @param timesLoraTensors most times the bytes of LoRA's tensors
 */
record CompareTargets(
    OptionalDouble faster,
    OptionalDouble resident,
    OptionalDouble timesLora,
    OptionalDouble timesLoraTensors) {

  static CompareTargets none() {
    OptionalDouble no = OptionalDouble.empty();
    return new CompareTargets(no, no, no, no);
  }

  CompareTargets faster(double least) {
    return new CompareTargets(OptionalDouble.of(least), resident, timesLora, timesLoraTensors);
  }

  CompareTargets resident(double most) {
    return new CompareTargets(faster, OptionalDouble.of(most), timesLora, timesLoraTensors);
  }

  CompareTargets timesLora(double most) {
    return new CompareTargets(faster, resident, OptionalDouble.of(most), timesLoraTensors);
  }

  CompareTargets timesLoraTensors(double most) {
    return new CompareTargets(faster, resident, timesLora, OptionalDouble.of(most));
  }

  /** What is said of a ratio to PEFT's speed and of 10⁹ bytes. */
  String besidePeer(double ratio, double gigabytes) {
    List<String> parts = new ArrayList<>();
    faster.ifPresent(goal -> parts.add(atLeast("%.1f ×", goal, ratio)));
    resident.ifPresent(goal -> parts.add(atMost("%.1f GB", goal, gigabytes)));
    return joined(parts);
  }

  /** What is said of ratios to LoRA. */
  String besideLora(double time, double tensors) {
    List<String> parts = new ArrayList<>();
    timesLora.ifPresent(goal -> parts.add(atMost("%.2f × the time", goal, time)));
    timesLoraTensors.ifPresent(goal -> parts.add(atMost("%.2f × the tensors", goal, tensors)));
    return joined(parts);
  }

  private static String joined(List<String> parts) {
    return parts.isEmpty() ? "–" : String.join(", ", parts);
  }

  /** "≥ goal: met", or missed. */
  static String atLeast(String format, double goal, double found) {
    return "≥ " + verdict(format, goal, found >= goal);
  }

  /** "≤ goal: met", or missed. */
  static String atMost(String format, double goal, double found) {
    return "≤ " + verdict(format, goal, found <= goal);
  }

  private static String verdict(String format, double goal, boolean met) {
    return String.format(Locale.ROOT, format, goal) + (met ? ": met" : ": missed");
  }
}
