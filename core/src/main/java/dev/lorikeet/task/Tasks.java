package dev.lorikeet.task;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.Nearest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** All published tasks and groups by name. */
public final class Tasks {
  private static final int MOST_NAMED = 3;
  private static final Map<String, Task> TASKS = tasks();
  private static final Map<String, TaskGroup> GROUPS = groups();

  private Tasks() {}

  /**
   * What a name stands for.
   *
   * @param tasks to run, in order
   * @param group that they are scored as, if the name is a group's
   * @param parts smaller groups of those tasks, which are reported as well
   */
  public record Selection(List<Task> tasks, Optional<TaskGroup> group, List<TaskGroup> parts) {
    public Selection {
      tasks = List.copyOf(tasks);
      parts = List.copyOf(parts);
    }
  }

  /** Every task, in the order of its benchmark. */
  public static List<Task> all() {
    return List.copyOf(TASKS.values());
  }

  /** Every group. */
  public static List<TaskGroup> allGroups() {
    return List.copyOf(GROUPS.values());
  }

  /**
   * The task of this name.
   *
   * @throws ConfigException if there is none; names the nearest
   */
  public static Task find(String name) {
    Task task = TASKS.get(name);
    if (task == null) {
      throw unknown(name);
    }
    return task;
  }

  /**
   * The task or the tasks of the group of this name.
   *
   * @throws ConfigException if there is none; names the nearest
   */
  public static Selection select(String name) {
    TaskGroup group = GROUPS.get(name);
    if (group == null) {
      return new Selection(List.of(find(name)), Optional.empty(), List.of());
    }
    List<TaskGroup> parts =
        GROUPS.values().stream()
            .filter(each -> !each.equals(group) && group.tasks().containsAll(each.tasks()))
            .toList();
    return new Selection(
        group.tasks().stream().map(Tasks::find).toList(), Optional.of(group), parts);
  }

  private static ConfigException unknown(String name) {
    int at = name.indexOf('@');
    String plain = at < 0 ? name : name.substring(0, at);
    if (at >= 0 && (TASKS.containsKey(plain) || GROUPS.containsKey(plain))) {
      boolean is2023 = name.substring(at).equals("@2023");
      return new ConfigException(
          is2023
              ? "task %s had the same definition in 2023; name it %s".formatted(plain, plain)
              : "task %s has no variant %s; the only year is @2023"
                  .formatted(plain, name.substring(at)));
    }
    List<String> names = new ArrayList<>(TASKS.keySet());
    names.addAll(GROUPS.keySet());
    return new ConfigException(
        "there is no task %s; did you mean %s?"
            .formatted(name, String.join(", ", Nearest.names(name, names, MOST_NAMED))));
  }

  private static Map<String, Task> tasks() {
    Map<String, Task> tasks = new LinkedHashMap<>();
    Stream.of(
            TruthfulQa.tasks(),
            HellaSwag.tasks(),
            Mmlu.tasks(),
            Blimp.tasks(),
            Arithmetic.tasks(),
            Piqa.tasks(),
            Arc.tasks(),
            Lambada.tasks(),
            WinoGrande.tasks(),
            Gsm8k.tasks(),
            WikiText.tasks())
        .flatMap(List::stream)
        .forEach(task -> tasks.put(task.info().name(), task));
    return Collections.unmodifiableMap(tasks);
  }

  private static Map<String, TaskGroup> groups() {
    Map<String, TaskGroup> groups = new LinkedHashMap<>();
    Stream.of(Mmlu.groups(), Blimp.groups(), Arithmetic.groups(), Lambada.groups())
        .flatMap(List::stream)
        .forEach(group -> groups.put(group.name(), group));
    return Collections.unmodifiableMap(groups);
  }
}
