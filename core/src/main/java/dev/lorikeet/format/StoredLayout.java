package dev.lorikeet.format;

import java.util.function.Predicate;

/** How a family's files differ from its model: in names, and in the order of a matrix. */
public interface StoredLayout {

  /** Files that hold what the model has. */
  StoredLayout SAME = new StoredLayout() {};

  /**
   * The name of a weight in files. Without its first part if the files have only that: published
   * checkpoints may lack the prefix of the whole model.
   *
   * @param name the weight's name in the model
   * @param stored whether the files have a weight of a name
   */
  default String storedName(String name, Predicate<String> stored) {
    String rest = name.substring(name.indexOf('.') + 1);
    return !stored.test(name) && stored.test(rest) ? rest : name;
  }

  /** Whether files hold this weight of a linear map as [in, out]. */
  default boolean storedInputFirst(String name) {
    return false;
  }
}
