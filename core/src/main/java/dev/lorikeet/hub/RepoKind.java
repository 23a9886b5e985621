package dev.lorikeet.hub;

/**
 * What a repository holds. Each kind has names of its own: a model and a data set may share one.
 */
public enum RepoKind {
  MODEL("models", "", "model"),
  DATASET("datasets", "datasets/", "data set");

  private final String plural;
  private final String prefix;
  private final String words;

  RepoKind(String plural, String prefix, String words) {
    this.plural = plural;
    this.prefix = prefix;
    this.words = words;
  }

  /** The kind in the hub's addresses and in names of folders: {@code models}, {@code datasets}. */
  String plural() {
    return plural;
  }

  /** What stands in front of the name on the hub's pages. */
  String prefix() {
    return prefix;
  }

  /** For messages. */
  public String words() {
    return words;
  }
}
