package dev.lorikeet.jinja;

import dev.lorikeet.error.TemplateException;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A chat template, read and checked once and rendered often; safe for use by several threads.
 *
 * <p>What a rendering may do is limited: 4 million steps (an expression, an item, 32 characters
 * made), 20 million characters, a million items of a list, 700 levels. Text that comes out of
 * variables is never read as a template.
 */
public final class Template {
  private final String name;
  private final List<Node> nodes;
  private final Limits limits;

  private Template(String name, List<Node> nodes, Limits limits) {
    this.name = name;
    this.nodes = nodes;
    this.limits = limits;
  }

  /** Whether the places of {@code generation} blocks are wanted. */
  public enum Marks {
    KEPT,
    IGNORED
  }

  /**
   * Reads a template.
   *
   * @param name what messages call it, such as a file's name
   * @throws TemplateException if it is no template, or asks for what is not there: another file, an
   *     unknown filter
   */
  public static Template parse(String name, String source) {
    return parse(name, source, Limits.DEFAULT);
  }

  static Template parse(String name, String source, Limits limits) {
    List<Node> nodes = Parser.parse(name, source);
    Checks.run(name, nodes);
    return new Template(name, nodes, limits);
  }

  /** What messages call it. */
  public String name() {
    return name;
  }

  /** Renders without marks. */
  public String render(Map<String, ?> variables, Clock clock) {
    return render(variables, clock, Marks.IGNORED).text();
  }

  /**
   * Renders.
   *
   * @param variables by name: null, Boolean, Number, String, List, and Map with text keys; a
   *     BigInteger, Integer or Long is a whole number, any other Number a float
   * @param clock what {@code strftime_now} reads
   * @throws TemplateException if the template refuses the variables, fails, or does too much
   */
  public Rendering render(Map<String, ?> variables, Clock clock, Marks marks) {
    Execution execution = new Execution(new Budget(limits), clock);
    int[] line = {1};
    try {
      Map<String, Value> values = new HashMap<>();
      variables.forEach((key, value) -> values.put(key, Value.of(value, execution.budget())));
      Interpreter interpreter = new Interpreter(execution, values, marks);
      try {
        return interpreter.render(nodes);
      } finally {
        line[0] = interpreter.line();
      }
    } catch (PyError failure) {
      throw new TemplateException(name, line[0], failure.text());
    } catch (StackOverflowError deep) {
      // The limit on levels is there to come first; how much stack a thread has is not ours.
      throw new TemplateException(name, line[0], "too many levels inside each other");
    }
  }
}
