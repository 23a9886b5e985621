package dev.lorikeet.data;

import java.util.Arrays;
import java.util.List;
import java.util.PrimitiveIterator;

/** Examples in memory. */
final class HeldExamples extends Examples {
  private final List<Example> examples;

  HeldExamples(List<Example> examples) {
    this.examples = examples;
  }

  @Override
  public Example get(int index) {
    return examples.get(index);
  }

  @Override
  public int size() {
    return examples.size();
  }

  @Override
  public int longestLength() {
    return examples.stream().mapToInt(Example::length).max().orElse(0);
  }

  @Override
  int highestToken() {
    return examples.stream()
        .flatMapToInt(example -> Arrays.stream(example.tokens()))
        .max()
        .orElse(-1);
  }

  @Override
  PrimitiveIterator.OfInt lengths() {
    return examples.stream().mapToInt(Example::length).iterator();
  }
}
