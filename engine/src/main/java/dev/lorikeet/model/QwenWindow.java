package dev.lorikeet.model;

import java.util.List;

/**
 * Which layers of Qwen look back only as far as a window; none unless the config switches it on.
 */
final class QwenWindow {
  private static final int DEFAULT_WINDOW = 4096;
  private static final int DEFAULT_FIRST_LAYER = 28;

  private QwenWindow() {}

  /** Tokens that each layer sees, 0 for all. */
  static List<Integer> read(ConfigReader reader, int layers) {
    int window = reader.window("sliding_window", DEFAULT_WINDOW);
    boolean used = reader.json().optBoolean("use_sliding_window", false);
    int first = reader.json().optInt("max_window_layers", DEFAULT_FIRST_LAYER);
    return reader.sliding(layers, layer -> layer >= first).stream()
        .map(sliding -> used && sliding ? window : 0)
        .toList();
  }
}
