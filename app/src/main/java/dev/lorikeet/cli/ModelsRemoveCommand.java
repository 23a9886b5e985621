package dev.lorikeet.cli;

import dev.lorikeet.hub.HubCache;
import dev.lorikeet.hub.RepoReference;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code lorikeet models remove OWNER/NAME}. */
@Command(
    name = "remove",
    description =
        "Removes a model from the cache: with @REVISION one snapshot, otherwise all of them.",
    footer = {"", "The cache is that of Hugging Face's other tools: they lose the model, too."})
final class ModelsRemoveCommand implements Callable<Integer> {
  private final ModelsCommand models;

  @Parameters(paramLabel = "OWNER/NAME[@REVISION]", description = "The model.")
  private String name = "";

  ModelsRemoveCommand(ModelsCommand models) {
    this.models = models;
  }

  @Override
  public Integer call() {
    RepoReference reference = RepoReference.parse(name);
    HubCache cache = models.cache();
    long freed = name.contains("@") ? cache.remove(reference) : cache.remove(reference.repo());
    if (models.jsonWanted()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("id", reference.repo().text());
      json.put("freed_bytes", freed);
      models.console().json(json);
    } else {
      models.console().result("removed %s, %s freed".formatted(name, Amounts.bytes(freed)));
    }
    return 0;
  }
}
