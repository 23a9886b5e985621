package dev.lorikeet.cli;

import dev.lorikeet.cli.Console.Screen;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Runs commands in this process and keeps what they print. */
final class Terminal {
  static final Clock CLOCK = Clock.fixed(Instant.parse("2026-11-22T18:42:33Z"), ZoneOffset.UTC);

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final Map<String, String> environment = new HashMap<>(Map.of("HOME", "/nonexistent"));
  private String input = "";

  Console console() {
    return console(Screen.LINES, CLOCK);
  }

  Console console(Screen screen, Clock clock) {
    return new Console(
        new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8),
        screen,
        clock,
        environment);
  }

  /** A variable that the next commands find. */
  void environment(String name, String value) {
    environment.put(name, value);
  }

  /** What the next command finds on standard input. */
  void input(String text) {
    input = text;
  }

  int run(String... args) {
    out.reset();
    err.reset();
    return Lorikeet.run(List.of(args), console());
  }

  String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  /** The value that {@code json} is, written with apostrophes instead of quotation marks. */
  static JsonNode json(String json) {
    return JsonMapper.shared().readTree(json.replace('\'', '"'));
  }

  /** Standard output, which has to be exactly one JSON document. */
  JsonNode json() {
    return JsonMapper.builder()
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .build()
        .readTree(out());
  }
}
