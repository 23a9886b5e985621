package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What README.md and docs/ say about commands, keys, files and Java is true of this build. */
class ReadmeTest {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Path README = ROOT.resolve("README.md");
  private static final Path EXAMPLE =
      Path.of("src/test/java/dev/lorikeet/cli/ReadmeExample.java").toAbsolutePath();

  private static final Pattern JAVA = Pattern.compile("(?s)```java\n(.*?)```");
  private static final Pattern MAIN = Pattern.compile("(?s)static void main\\(\\) \\{\n(.*)  }\n}");
  private static final Pattern LINK = Pattern.compile("\\[[^]]*]\\(([^)\\s]+)\\)");
  private static final Pattern COMMAND = Pattern.compile("\\./lorikeet( [^`\n]*)");
  private static final Pattern WORD = Pattern.compile("'([^']*)'|\"([^\"]*)\"|(\\S+)");

  /** Where a shell's own part of a line begins. */
  private static final Set<String> SHELL = Set.of("#", "|", ">", "2>", "<", "&&", ";");

  @Test
  void theJavaExampleIsCompiledAsItStands() {
    assertEquals(lines(only(JAVA, TinyModel.read(README))), lines(only(MAIN, example())));
  }

  @Test
  void everyCommandIsAcceptedByTheCommandLine() {
    List<String> problems = new ArrayList<>();
    int found = 0;
    for (Path page : pages()) {
      for (List<String> words : commands(TinyModel.read(page))) {
        found++;
        problem(words).ifPresent(text -> problems.add(name(page) + ": " + words + ": " + text));
      }
    }
    assertTrue(found > 10, found + " commands found, which is fewer than README.md alone has");
    assertEquals(List.of(), problems);
  }

  @Test
  void aCommandThatDoesNotExistIsFound() {
    List<List<String>> commands =
        commands("    ./lorikeet finetun x.yaml\nor `./lorikeet score --modl a --text 'b c'`.\n");
    assertEquals(
        List.of(List.of("finetun", "x.yaml"), List.of("score", "--modl", "a", "--text", "b c")),
        commands);
    commands.forEach(words -> assertTrue(problem(words).isPresent(), words::toString));
  }

  @Test
  void everyRelativeLinkLeadsToAFile() {
    List<String> broken = new ArrayList<>();
    for (Path page : pages()) {
      LINK.matcher(TinyModel.read(page))
          .results()
          .map(link -> link.group(1).replaceFirst("#.*", ""))
          .filter(target -> !target.isEmpty() && !target.matches("[a-z]+:.*"))
          .filter(target -> !Files.exists(page.resolveSibling(target)))
          .forEach(target -> broken.add(name(page) + " links to " + target));
    }
    assertEquals(List.of(), broken);
  }

  @Test
  void everyRecipeKeyIsListedWithItsDefault() {
    List<String> rows =
        TinyModel.lines(ROOT.resolve("docs/finetune.md")).stream()
            .filter(line -> line.startsWith("| `"))
            .toList();
    for (Map.Entry<String, String> key : defaults().entrySet()) {
      String start = "| `" + key.getKey() + "` | ";
      List<String> row = rows.stream().filter(line -> line.startsWith(start)).toList();
      assertEquals(1, row.size(), "rows of docs/finetune.md that begin with " + start);
      String[] cells = row.getFirst().split(" \\| ", 4);
      assertEquals(key.getValue(), cells[2].replace("`", ""), "default of " + key.getKey());
    }
  }

  /** What the JSON schema says of every key: its default, or that it is required. */
  private static Map<String, String> defaults() {
    Map<String, String> defaults = new TreeMap<>();
    schema()
        .path("properties")
        .forEachEntry((section, value) -> {
          if (value.has("properties")) {
            value
                .path("properties")
                .forEachEntry((key, inner) -> defaults.put(section + "." + key, text(inner)));
          } else {
            defaults.put(section, text(value));
          }
        });
    assertFalse(defaults.isEmpty());
    return defaults;
  }

  private static String text(JsonNode key) {
    JsonNode value = key.path("default");
    if (value.isContainer()) {
      return value.toString();
    }
    return key.has("default") ? value.asString("null").toLowerCase(Locale.ROOT) : "required";
  }

  private static JsonNode schema() {
    try (InputStream in =
        ReadmeTest.class.getResourceAsStream("/dev/lorikeet/config/recipe.schema.json")) {
      return JsonMapper.shared().readTree(in);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private static Optional<String> problem(List<String> words) {
    // The launcher itself knows this word.
    if (List.of("verify", "bench").contains(words.getFirst())) {
      return Optional.empty();
    }
    Console console = new Terminal().console();
    CommandLine line = Lorikeet.commandLine(console, new Failures(console, words));
    try {
      line.parseArgs(words.toArray(String[]::new));
      return Optional.empty();
    } catch (ParameterException refused) {
      return Optional.of(String.valueOf(refused.getMessage()));
    }
  }

  /** The words behind every {@code ./lorikeet}; a backslash at a line's end goes on. */
  private static List<List<String>> commands(String page) {
    return COMMAND
        .matcher(page.replaceAll("\\\\\n\\s*", ""))
        .results()
        .map(command -> words(command.group(1)))
        .filter(words -> !words.isEmpty())
        .toList();
  }

  private static List<String> words(String command) {
    return WORD.matcher(command)
        .results()
        .takeWhile(word -> !SHELL.contains(word.group()))
        .map(ReadmeTest::unquoted)
        .toList();
  }

  private static String unquoted(MatchResult word) {
    return Stream.of(1, 2, 3)
        .flatMap(group -> Stream.ofNullable(word.group(group)))
        .findFirst()
        .orElseThrow();
  }

  private static String only(Pattern pattern, String text) {
    List<String> found = pattern.matcher(text).results().map(m -> m.group(1)).toList();
    assertEquals(1, found.size(), "places that match " + pattern);
    return found.getFirst();
  }

  private static String example() {
    return TinyModel.read(EXAMPLE);
  }

  private static List<String> lines(String text) {
    return text.lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
  }

  private static List<Path> pages() {
    try (Stream<Path> docs = Files.list(ROOT.resolve("docs"))) {
      List<Path> pages = new ArrayList<>(List.of(README));
      docs.filter(file -> file.toString().endsWith(".md")).sorted().forEach(pages::add);
      return pages;
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private static String name(Path page) {
    return ROOT.relativize(page).toString();
  }
}
