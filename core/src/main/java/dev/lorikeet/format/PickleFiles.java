package dev.lorikeet.format;

import dev.lorikeet.error.FormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** Weights in Python's pickle format, which are never read: loading one can run any code. */
public final class PickleFiles {
  private static final List<String> ENDINGS = List.of(".bin", ".pt", ".pth", ".ckpt", ".pkl");
  private static final String INDEX = ".bin.index.json";

  /** Companions of trainers that end like weights, but are none. */
  private static final List<String> OTHERS =
      List.of("training_args.bin", "optimizer.bin", "optimizer.pt", "scheduler.pt", "scaler.pt");

  private PickleFiles() {}

  /**
   * Refuses the pickle file that {@code path} is; says nothing to another path.
   *
   * @throws FormatException with the reason and what to do
   */
  public static void refuse(Path path) {
    if (Files.isRegularFile(path) && isPickle(path)) {
      Path folder = Optional.ofNullable(path.getParent()).orElse(Path.of("."));
      throw refusal(path, folder);
    }
  }

  /** The same for a folder without safetensors that holds such a file, or the index of several. */
  static void refuseIn(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      Optional<Path> found = files.filter(PickleFiles::isPickle).sorted().findFirst();
      if (found.isPresent()) {
        throw refusal(found.get(), folder);
      }
    } catch (IOException failure) {
      throw new FormatException(folder, "cannot be listed: " + JsonFile.reason(failure), failure);
    }
  }

  private static boolean isPickle(Path path) {
    String name = String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT);
    return !OTHERS.contains(name)
        && (name.endsWith(INDEX) || ENDINGS.stream().anyMatch(name::endsWith));
  }

  private static FormatException refusal(Path file, Path folder) {
    boolean index = file.toString().endsWith(INDEX);
    return new FormatException(
        file,
        (index
                ? "lists weights in pickle files, which are not read, because they can run code;"
                : "weights in pickle files are not read, because they can run code;")
            + " safetensors is needed. Download the model's model.safetensors, or convert the"
            + " weights, if you trust where they come from: python -c \"from transformers import"
            + " AutoModelForCausalLM as M; M.from_pretrained('%s').save_pretrained('%s')\""
                .formatted(folder, folder.resolveSibling(folder.getFileName() + "-safetensors")));
  }
}
