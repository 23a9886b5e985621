package dev.lorikeet.nano;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Named lists of text templates, read from resource files.
 *
 * <p>Layout of a file: {@code [symbol]} starts a list, every further line is one template of it;
 * empty lines and lines that start with {@code //} are skipped; {@code \n} inside a template is a
 * line break. Slots of a template, filled by {@link Scope}:
 *
 * <pre>
 * &lt;item&gt;      a template of the list "item", chosen and filled anew
 * &lt;item.a&gt;    the same text at every place of one scope; two such names never get equal texts
 * &lt;d5&gt; &lt;d5.a&gt;  five random digits
 * &lt;n20&gt;       a number from 2 to 20
 * &lt;^item.a&gt;   with a capital first letter
 * &lt;a item.a&gt;  with the article "a" or "an" before it
 * &lt;mood.a!&gt;   the label of a named choice that was written as "phrase=&gt;label"
 * </pre>
 */
final class Grammar {
  private final Map<String, List<String>> lists;

  private Grammar(Map<String, List<String>> lists) {
    this.lists = lists;
  }

  /** Reads the resources {@code names} of this package into one grammar; lists may not repeat. */
  static Grammar of(String... names) {
    var lists = new LinkedHashMap<String, List<String>>();
    for (String name : names) {
      read(name, lists);
    }
    return new Grammar(lists);
  }

  /** The templates of a list, in the order of the file. */
  List<String> templates(String symbol) {
    List<String> templates = lists.get(symbol);
    if (templates == null) {
      throw new IllegalStateException("no list of templates is named " + symbol);
    }
    return templates;
  }

  Set<String> symbols() {
    return lists.keySet();
  }

  private static void read(String name, Map<String, List<String>> lists) {
    List<String> current = null;
    for (String line : resource(name).lines().toList()) {
      if (line.isEmpty() || line.startsWith("//")) {
        continue;
      }
      if (line.startsWith("[") && line.endsWith("]")) {
        current = new ArrayList<>();
        if (lists.put(line.substring(1, line.length() - 1), current) != null) {
          throw new IllegalStateException(name + ": the list " + line + " appears twice");
        }
      } else if (current == null) {
        throw new IllegalStateException(name + ": a template before the first list: " + line);
      } else {
        current.add(line.replace("\\n", "\n"));
      }
    }
  }

  private static String resource(String name) {
    try (InputStream stream = Grammar.class.getResourceAsStream(name)) {
      if (stream == null) {
        throw new IllegalStateException("resource " + name + " is missing from the jar");
      }
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
