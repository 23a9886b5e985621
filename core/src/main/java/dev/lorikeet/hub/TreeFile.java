package dev.lorikeet.hub;

import dev.lorikeet.format.AtomicFile;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The list of a commit's files in the cache, {@code trees/COMMIT.json}, as {@code huggingface_hub}
 * 1.x writes it: {@code {"format_version": 1, "files": {PATH: {"size", "blob_id", "lfs_sha256",
 * "lfs_size", "xet_hash"}}}}. It tells without the network whether a snapshot is whole.
 */
final class TreeFile {
  private static final System.Logger LOG = System.getLogger(TreeFile.class.getName());
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final int VERSION = 1;

  private TreeFile() {}

  /** The files that {@code file} lists; empty if it is not there or not of this form. */
  static Optional<List<HubFile>> read(Path file) {
    try {
      JsonNode root = JSON.readTree(Files.readAllBytes(file));
      if (root.path("format_version").asInt(0) != VERSION || !root.path("files").isObject()) {
        return Optional.empty();
      }
      List<HubFile> files = new ArrayList<>();
      for (Map.Entry<String, JsonNode> entry : root.path("files").properties()) {
        files.add(file(entry.getKey(), entry.getValue()));
      }
      boolean safe =
          files.stream().allMatch(f -> f.described() && HubFile.problem(f.path()).isEmpty());
      return safe ? Optional.of(files) : Optional.empty();
    } catch (NoSuchFileException absent) {
      return Optional.empty();
    } catch (IOException | JacksonException damaged) {
      LOG.log(Level.DEBUG, "tree=ignored file=" + file + " cause=" + damaged.getClass());
      return Optional.empty();
    }
  }

  private static HubFile file(String path, JsonNode entry) {
    return new HubFile(
        path,
        entry.path("lfs_size").asLong(entry.path("size").asLong(-1)),
        entry.path("blob_id").asString(""),
        text(entry, "lfs_sha256"),
        text(entry, "xet_hash"));
  }

  private static Optional<String> text(JsonNode entry, String key) {
    return Optional.of(entry.path(key).asString("")).filter(text -> !text.isEmpty());
  }

  /** Writes the list. */
  static void write(Path file, List<HubFile> files) throws IOException {
    Files.createDirectories(file.resolveSibling(""));
    Map<String, Object> sorted = new TreeMap<>();
    for (HubFile each : files) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("size", each.size());
      entry.put("blob_id", each.gitId());
      each.sha256()
          .ifPresent(sum -> {
            entry.put("lfs_sha256", sum);
            entry.put("lfs_size", each.size());
          });
      each.xetHash().ifPresent(hash -> entry.put("xet_hash", hash));
      sorted.put(each.path(), entry);
    }
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("format_version", VERSION);
    root.put("files", sorted);
    AtomicFile.writeString(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root));
  }
}
