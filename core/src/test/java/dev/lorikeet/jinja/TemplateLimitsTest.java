package dev.lorikeet.jinja;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.TemplateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A hostile template ends in an error; nothing of Java is reachable from one. */
class TemplateLimitsTest {
  private static String render(String template) {
    return Template.parse("t", template).render(Map.of("n", 1), ExpectedTemplatesTest.CLOCK);
  }

  private static TemplateException failure(String template) {
    return assertThrows(TemplateException.class, () -> render(template), template);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ 'a' * 10 ** 9 }}",
        "{{ 'a' * 10 ** 30 }}",
        "{{ [0] * 10 ** 9 }}",
        "{{ (1, 2) * 99999999999 }}",
        "{{ 'a'.center(10 ** 9) }}",
        "{{ 'a'.zfill(10 ** 9) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%.999999999f' % 1 }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ 'a' | center(2000000000) }}",
        "{{ 'a\nb' | indent(2000000000) }}",
        "{{ [1] | tojson(indent=2000000000) }}",
        "{{ [1] | batch(2000000000, 0) | list }}",
        "{{ [1] | slice(2000000000) | list }}",
        "{{ 9 ** (9 ** 9) }}",
        "{{ 2 ** 99999999999999999999 }}",
        "{{ ('9' * 4000) | int ** 4000 }}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% if i %}{% endif %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='ab') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s | tojson }}",
        "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(100) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}",
        "{% set ns = namespace(a=(1,), b=(1,)) %}{% for i in range(100) %}{% set ns.a = (ns.a, ns.a) %}{% endfor %}{{ {ns.a: 1} }}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(50000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(50000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s == ns.s + [] }}",
        "{% set ns = namespace(s={}) %}{% for i in range(50000) %}{% set ns.s = {'a': ns.s} %}{% endfor %}{{ ns.s | tojson }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) }}",
        "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{{ caller }}{% endmacro %}{{ f() }}",
        "{% for a in [[[]]] recursive %}{{ loop([a]) }}{% endfor %}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(100000) %}{% set ns.s = ns.s | map('string') %}{% endfor %}{{ ns.s | list }}",
        "{% set a = 'a' * 5000000 %}{% set b = 'a' * 2500000 ~ 'b' %}{{ a.find(b) }}",
        "{% set a = 'a' * 5000000 %}{% set b = 'a' * 2500000 ~ 'b' %}{{ b in a }}",
        "{% set a = 'a' * 5000000 %}{% set b = 'b' * 2500000 ~ 'a' %}{{ a.strip(b) }}{{ a | trim(b) }}",
        "{{ ('1' * 4299 ~ 'x') | float }}{% for i in range(100000) %}{{ ('1' * 4299 ~ 'x') | float }}{% endfor %}",
        "{{ range(10 ** 9) | list }}",
        "{{ range(-10 ** 9, 10 ** 9) }}",
        "{% for i in range(100000) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' * 1000 }}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% for i in range(100000) %}{{ s | length }}{{ s.split('a') | length }}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% for i in range(100000) %}{% if s ~ 'b' == s ~ 'c' %}{% endif %}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% for i in range(100000) %}{% if s.replace('', s) %}{% endif %}{% endfor %}",
        "{% set s = 'a' * 1000000 %}{% for i in range(100000) %}{% if s.find('ab') %}{% endif %}{% endfor %}",
        "{% set s = range(100000) | list %}{% for i in s %}{% if s | sort %}{% endif %}{% endfor %}",
        "{% set s = range(100000) | list %}{% for i in s %}{% if -1 in s %}{% endif %}{% endfor %}",
        "{% set s = range(100000) | list %}{% for i in s %}{% if s[::-1] %}{% endif %}{% endfor %}",
      })
  void whatWouldNotEndIsStopped(String template) {
    assertTrue(failure(template).getMessage().startsWith("t, line "));
  }

  @Test
  void messagesTellWhatIsTooMuch() {
    assertEquals(
        "t, line 2: a text of 1000000000 characters would be made, more than the 20000000 allowed",
        failure("\n{{ 'a' * 10 ** 9 }}").getMessage());
    assertEquals(
        "t, line 1: Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).",
        failure("{{ range(10 ** 9) }}").getMessage());
    assertTrue(
        failure("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}")
            .problem()
            .contains("4000000 steps"));
    assertTrue(
        failure("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")
            .problem()
            .contains("700 levels inside each other"));
  }

  @Test
  void deepTextIsRefusedBeforeItIsRun() {
    for (String template :
        List.of(
            "{{ " + "(".repeat(100_000) + " }}",
            "{{ " + "[".repeat(100_000) + " }}",
            "{{ " + "not ".repeat(100_000) + "1 }}",
            "{{ " + "-".repeat(100_000) + "1 }}",
            "{{ 1" + " + 1".repeat(100_000) + " }}",
            "{{ a" + ".b".repeat(100_000) + " }}",
            "{{ a" + "|upper".repeat(100_000) + " }}",
            "{{ 1" + " if 1 else 1".repeat(100_000) + " }}",
            "{% if 1 %}".repeat(100_000),
            "{% set " + "(".repeat(100_000) + " %}",
            "{% filter " + "upper|".repeat(100_000) + "upper %}{% endfilter %}",
            "{{ " + "9".repeat(1_000_000) + " }}")) {
      assertThrows(TemplateException.class, () -> Template.parse("t", template));
    }
    String nested = "1";
    for (int i = 0; i < 90; i++) {
      nested = "(" + nested + ")" + " + 1".repeat(200);
    }
    String deep = "{{ " + nested + " }}";
    assertTrue(
        assertThrows(TemplateException.class, () -> Template.parse("t", deep))
            .problem()
            .contains("levels inside each other"));
  }

  @Test
  void longConversationsStayFarBelowTheLimits() {
    List<Map<String, Object>> messages = new ArrayList<>();
    for (int i = 0; i < 4_000; i++) {
      messages.add(
          Map.of(
              "role",
              i % 2 == 0 ? "user" : "assistant",
              "content",
              "a sentence of words ".repeat(50)));
    }
    String text =
        Template.parse(
                "t",
                "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
                    + "{{ raise_exception('no') }}{% endif %}<|{{ m.role }}|>\n{{ m['content'] | trim }}"
                    + "{{ '<|end|>' + '\\n' }}{% endfor %}")
            .render(Map.of("messages", messages), ExpectedTemplatesTest.CLOCK);
    assertTrue(text.length() > 4_000_000);
  }

  @Test
  void noTemplateReachesJava() {
    assertEquals("", render("{{ n.getClass }}{{ ''.getClass }}{{ [].class }}{{ {}.getClass }}"));
    for (String template :
        List.of(
            "{{ n.getClass() }}",
            "{{ ''.__class__.__mro__ }}",
            "{{ ''.__class__() }}",
            "{{ range.__globals__.x }}",
            "{{ '{0.__class__.__mro__}'.format('') }}",
            "{{ ([] | attr('append'))(1) }}",
            "{{ [].append(1) }}",
            "{{ {}.update({}) }}",
            "{% include '/etc/passwd' %}",
            "{% import 'os' as os %}")) {
      failure(template);
    }
  }

  @Test
  void variablesAreNeverReadAsTemplates() {
    String hostile = "{{ 1 / 0 }}{% include 'x' %}{# #}{% raw %}";
    assertEquals(
        hostile + hostile,
        Template.parse("t", "{{ m }}{% set x %}{{ m }}{% endset %}{{ x }}")
            .render(Map.of("m", hostile), ExpectedTemplatesTest.CLOCK));
  }

  @Test
  void failuresNameTemplateAndLine() {
    assertEquals("t, line 3: 'x' is undefined", failure("a\n\n{{ x.y }}").getMessage());
    assertEquals(
        "t, line 2: 'dict object' has no attribute 'c'",
        failure("{% set d = {'a': 1} %}\n{{ d.c.e }}").getMessage());
    assertEquals(
        "t, line 2: Encountered unknown tag 'endfor'. You probably made a nesting mistake. Jinja is"
            + " expecting this tag, but currently looking for 'elif' or 'else' or 'endif'. The"
            + " innermost block that needs to be closed is 'if'.",
        failure("{% for a in b %}{% if a %}\n{% endfor %}").getMessage());
    assertEquals(
        "t, line 1: the tag 'include' needs another file, but a chat template is one file",
        failure("{% include 'x' %}").getMessage());
    assertEquals(
        "t, line 2: say no",
        failure("{% macro f() %}\n{{ raise_exception('say no') }}{% endmacro %}{{ f() }}")
            .getMessage());
  }

  @Test
  void generationBlocksWhoseTextHasNoPlaceAreRefusedWhenMarksAreWanted() {
    String template = "{% macro f() %}{% generation %}a{% endgeneration %}{% endmacro %}{{ f() }}";
    assertEquals("a", render(template));
    TemplateException refused =
        assertThrows(
            TemplateException.class,
            () ->
                Template.parse("t", template)
                    .render(Map.of(), ExpectedTemplatesTest.CLOCK, Template.Marks.KEPT));
    assertTrue(refused.problem().startsWith("a generation block inside a macro"));
  }
}
