package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ShellWordTest {
  @Test
  void onlyWhatAShellWouldReadDifferentlyIsQuoted() {
    assertEquals("/runs/2026-lora_1.5", ShellWord.of("/runs/2026-lora_1.5"));
    assertEquals("'my runs'", ShellWord.of("my runs"));
    assertEquals("'it'\\''s'", ShellWord.of("it's"));
    assertEquals("''", ShellWord.of(""));
  }
}
