package dev.lorikeet.metric;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The list of metrics and how it is asked. */
class MetricRegistryTest {

  @Test
  void everyMetricIsMadeUnderItsOwnName() {
    MetricRegistry registry = MetricRegistry.standard(CommandPolicy.ALLOW);
    Set<String> names = new HashSet<>();
    Map<String, String> required =
        Map.of("regex_match", "(extract=x)", "code_compiles", "(command=\"true {file}\")");
    for (MetricFactory factory : registry.list()) {
      String spec = factory.name() + required.getOrDefault(factory.name(), "");
      assertEquals(factory.name(), registry.create(MetricSpec.parse(spec)).name());
      assertTrue(names.add(factory.name()), factory.name());
    }
    assertEquals(20, names.size());
  }

  @ParameterizedTest
  @CsvSource({
    "exactmatch, did you mean exact_match?",
    "ROUGE-L, did you mean rouge_l?",
    "json_field, did you mean json_fields?",
    "chrF, did you mean chrf?",
    "blue, did you mean bleu?",
    "sentiment, 'the metrics are exact_match, numeric_match'"
  })
  void unknownMetricsAreToldTheNearest(String name, String hint) {
    assertTrue(message(name).contains(name + " is unknown; " + hint), message(name));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "numeric_match(relativ=0.1)|relativ is unknown; did you mean relative?",
        "numeric_match(relative=-1)|relative must be a number of at least 0, found -1",
        "numeric_match(pick=middle)|pick must be one of first, last, found middle",
        "token_f1(stemmer=true)|stemmer is unknown; the options are extract, group_select, fallback",
        "perplexity(extract=x)|extract is unknown; it has no options",
        "rouge_l(stemmer=yes)|stemmer must be true or false, found yes",
        "regex_match|extract is missing",
        "regex_match(extract=\"(\")|extract must be a regular expression, found (",
        "exact_match(normalize=squad, ignore_case=true)|normalize must be harness",
        "code_compiles(command=\"javac\")|must name the file to check as {file}",
        "code_compiles|command is missing",
        "code_compiles(command=\"x '{file}\")|has an open quote",
        "length(unit=miles)|unit must be one of words, characters, bytes, found miles",
      })
  void wrongOptionsAreToldApart(String spec, String problem) {
    assertTrue(message(spec).contains(problem), message(spec));
  }

  @Test
  void allProblemsAreToldTogether() {
    ConfigException wrong =
        assertThrows(
            ConfigException.class,
            () -> ReferenceCases.metric("numeric_match(pick=no, decimal=no, foo=1)"));
    assertEquals(3, wrong.problems().size(), wrong.getMessage());
  }

  @Test
  void programsAreRunOnlyWhereThatIsAllowed() {
    MetricRegistry careful = MetricRegistry.standard(CommandPolicy.REFUSE);
    ConfigException refused =
        assertThrows(
            ConfigException.class,
            () -> careful.create(MetricSpec.parse("code_compiles(command=\"true {file}\")")));
    assertTrue(refused.getMessage().contains("has to be allowed"), refused.getMessage());
  }

  @Test
  void specsAreReadAndWritten() {
    MetricSpec spec = MetricSpec.parse("a( b = 1 , c=\"x, \\\"y\\\" = \\d\\\\\" )");
    assertEquals(Map.of("b", "1", "c", "x, \"y\" = \\d\\"), spec.options());
    assertEquals(spec, MetricSpec.parse(spec.text()));
    assertEquals("a", new MetricSpec("a").text());
    assertEquals("chrf++", MetricSpec.parse(" chrf++ ").name());
    assertEquals(
        "exact_match(ignore_case=true, regexes_to_ignore=\"a\nb\")",
        new MetricSpec(
                "exact_match", Map.of("regexes_to_ignore", List.of("a", "b"), "ignore_case", true))
            .text());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a(b)", "a(b=1,)", "a(b=\"x)", "a b", "a(=1)", "a(b=1", "a(b=1,b=2)"})
  void halfSpecsAreRefused(String text) {
    ConfigException wrong = assertThrows(ConfigException.class, () -> MetricSpec.parse(text));
    assertTrue(wrong.getMessage().startsWith("Metric " + text), wrong.getMessage());
  }

  private static String message(String spec) {
    return assertThrows(ConfigException.class, () -> ReferenceCases.metric(spec)).getMessage();
  }
}
