package dev.lorikeet.task;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.DataException;
import dev.lorikeet.task.ShotRule.Draw;
import dev.lorikeet.task.ShotRule.Drawing;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A task that asks each document of a split, behind examples from a pool.
 *
 * @param description text before all examples; may be empty
 * @param documents reads the split that is asked
 * @param pool reads the documents that examples are taken from; only asked when there are examples
 */
record DocumentTask(
    TaskInfo info,
    String description,
    Function<TaskData, List<Doc>> documents,
    Function<TaskData, List<Doc>> pool)
    implements Task {

  @Override
  public List<Item> items(TaskData data, int shots) {
    requireShots(shots);
    List<Doc> asked = documents.apply(data);
    if (asked.isEmpty()) {
      throw new DataException("task " + info.name() + ": its data file has no document");
    }
    List<Doc> examples = shots == 0 ? List.of() : pool.apply(data);
    requirePool(shots, examples.size());
    IdentityHashMap<Doc, Integer> positions = new IdentityHashMap<>();
    for (int i = 0; i < asked.size(); i++) {
      positions.put(asked.get(i), i);
    }
    Drawing drawing = info.shotRule().over(examples, shots);
    List<Item> items = new ArrayList<>(asked.size());
    for (Doc doc : drawing.ordered(asked)) {
      String shown = drawing.examples(doc).stream().map(Doc::example).collect(Collectors.joining());
      items.add(doc.question().after(String.valueOf(positions.get(doc)), description + shown));
    }
    return items;
  }

  private void requireShots(int shots) {
    if (shots < 0) {
      throw new ConfigException("shots must be at least 0, found " + shots);
    }
    if (shots > 0 && info.shotRule().draw() == Draw.NONE) {
      throw new ConfigException(
          "task %s takes no examples: its definition fixes shots at 0, found %d; leave shots out"
              .formatted(info.name(), shots));
    }
  }

  private void requirePool(int shots, int size) {
    int needed = shots == 0 ? 0 : info.shotRule().needed(shots);
    if (size < needed) {
      throw new ConfigException(
          "task %s with %d examples needs %d documents to choose from, found %d; use fewer shots"
              .formatted(info.name(), shots, needed, size));
    }
  }
}
