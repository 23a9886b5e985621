package dev.lorikeet.cli;

import dev.lorikeet.config.ModelSettings;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.hub.HubCache;
import dev.lorikeet.hub.HubSettings;
import dev.lorikeet.hub.RepoReference;
import dev.lorikeet.hub.Snapshot;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a command's model may be: a folder, {@code nano}, or a repository that the cache has, as
 * {@code OWNER/NAME} or {@code OWNER/NAME@REVISION}. A folder counts before a repository.
 */
final class ModelArgument {
  /** For the help of options. */
  static final String DESCRIPTION =
      "Folder of a Hugging Face checkpoint, nano for the built-in model, or OWNER/NAME of one that"
          + " was downloaded.";

  private ModelArgument() {}

  /**
   * The folder that {@code text} means, or {@code nano}; a text that can be no repository is handed
   * on for others to judge.
   *
   * @throws ConfigException if there is no such folder and the cache has no such repository
   */
  static String folder(String text, Console console) {
    if (text.equals(ModelSettings.NANO) || exists(text) || !RepoReference.looksLikeOne(text)) {
      return text;
    }
    RepoReference reference = RepoReference.parse(text);
    HubCache cache = new HubCache(HubSettings.of(console.environment()).cache());
    Optional<Snapshot> whole = cache.find(reference);
    if (whole.isPresent()) {
      return whole.get().folder().toString();
    }
    boolean known = cache.list().stream().anyMatch(repo -> repo.repo().equals(reference.repo()));
    throw new ConfigException(
        "%s: there is no such folder, and the cache of models in %s %s; correct the path, or get the model with lorikeet download %s"
            .formatted(
                text,
                cache.root(),
                known
                    ? "has that repository, but not whole at that revision"
                    : "has no repository of that name",
                ShellWord.of(reference.toString())));
  }

  private static boolean exists(String text) {
    try {
      return Files.exists(Path.of(text));
    } catch (InvalidPathException impossible) {
      return false;
    }
  }
}
