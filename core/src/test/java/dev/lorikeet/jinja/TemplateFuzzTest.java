package dev.lorikeet.jinja;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.lorikeet.error.TemplateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Whatever the text of a template, it is rendered or refused by a TemplateException; the work of
 * both is counted, not timed.
 */
class TemplateFuzzTest {
  private static final int ROUNDS = 6000;
  private static final Limits SMALL = new Limits(20_000, 100_000, 10_000, 700);
  private static final String PIECES =
      "{{ }} {% %} {# #} {%- -%} {{- -}} ( ) [ ] { } | . , : ~ + - * / // % ** == != < > = not in is and"
          + " or if else elif endif for endfor set endset macro endmacro call endcall filter"
          + " endfilter raw endraw with endwith generation endgeneration break continue recursive"
          + " messages role content x loop loop.index namespace range dict cycler joiner true none"
          + " 1 0 -1 9999999999 1.5 1e300 'a' \"b\" '%s' '{}' '\\\\x' upper tojson map select selectattr"
          + " join sort sum batch indent round int float format length list first last groupby"
          + " unique defined string mapping \n \t \u00e9 \ud83d\ude00 \ud83d @ ? ! \u0000";

  private final long seed = Long.getLong("lorikeet.test.seed", 20261123);
  private final Random random = new Random(seed);
  private final JsonNode expected = Json.resource("expected.json");
  private final Map<String, @Nullable Object> variables = Json.map(expected.path("variables"));

  @Test
  void arbitraryTextIsRenderedOrRefused() {
    List<String> known = new ArrayList<>();
    expected.path("templates").forEach(entry -> known.add(entry.path("template").stringValue()));
    List<String> pieces = List.of(PIECES.split(" ", -1));
    int rendered = 0;
    for (int round = 0; round < ROUNDS; round++) {
      String template = round % 3 == 0 ? soup(pieces) : mutation(known, pieces);
      rendered += outcome(template);
    }
    assertTrue(rendered > ROUNDS / 20, "only " + rendered + " rendered");
    assertTrue(rendered < ROUNDS * 19 / 20, rendered + " rendered");
  }

  private String soup(List<String> pieces) {
    StringBuilder soup = new StringBuilder(random.nextBoolean() ? "{{ " : "");
    for (int n = 1 + random.nextInt(30); n > 0; n--) {
      soup.append(pieces.get(random.nextInt(pieces.size())));
      soup.append(random.nextInt(3) == 0 ? "" : " ");
    }
    return soup.append(random.nextBoolean() ? " }}" : "").toString();
  }

  private String mutation(List<String> known, List<String> pieces) {
    StringBuilder text = new StringBuilder(known.get(random.nextInt(known.size())));
    for (int hits = 1 + random.nextInt(3); hits > 0 && !text.isEmpty(); hits--) {
      int at = random.nextInt(text.length());
      int end = Math.min(text.length(), at + random.nextInt(6));
      switch (random.nextInt(3)) {
        case 0 -> text.delete(at, end);
        case 1 -> text.insert(at, pieces.get(random.nextInt(pieces.size())));
        default -> {
          String other = known.get(random.nextInt(known.size()));
          int from = random.nextInt(other.length());
          text.insert(at, other, from, Math.min(other.length(), from + random.nextInt(20)));
        }
      }
    }
    return text.toString();
  }

  private int outcome(String template) {
    try {
      Template.parse("t", template, SMALL)
          .render(variables, ExpectedTemplatesTest.CLOCK, Template.Marks.KEPT);
      return 1;
    } catch (TemplateException refused) {
      assertTrue(refused.line() >= 1, template);
      assertTrue(!refused.problem().isEmpty() || template.contains("raise_exception"), template);
      return 0;
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError defect) {
      return fail(
          "mvn test -Dtest=TemplateFuzzTest -Dlorikeet.test.seed=" + seed + "\n" + template,
          defect);
    }
  }
}
