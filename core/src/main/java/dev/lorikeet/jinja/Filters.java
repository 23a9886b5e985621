package dev.lorikeet.jinja;

import java.util.HashMap;
import java.util.Map;

/** The filters behind {@code |}. */
final class Filters {
  /** A filter of jinja2 or transformers. */
  @FunctionalInterface
  interface Filter {
    Value apply(Value value, Args args, Execution execution);
  }

  private static final Map<String, Filter> ALL = all();

  private Filters() {}

  static boolean has(String name) {
    return ALL.containsKey(name);
  }

  static Value apply(String name, Value value, Args args, Execution execution) {
    Filter filter = ALL.get(name);
    if (filter == null) {
      throw PyError.runtime("No filter named " + Repr.quoted(name) + " found.");
    }
    execution.budget().enter();
    Value result = filter.apply(value, args, execution);
    execution.budget().leave();
    return result;
  }

  private static Map<String, Filter> all() {
    Map<String, Filter> all = new HashMap<>();
    TextFilters.addTo(all);
    WebFilters.addTo(all);
    NumberFilters.addTo(all);
    ItemFilters.addTo(all);
    OrderFilters.addTo(all);
    all.put("tojson", JsonText::filter);
    for (String name : new String[] {"pprint", "random", "urlize", "wordwrap"}) {
      all.put(
          name,
          (value, args, execution) -> {
            throw PyError.runtime(
                "the filter " + name + " is not available in chat templates here");
          });
    }
    return all;
  }
}
