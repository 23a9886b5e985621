package dev.lorikeet.job;

import dev.lorikeet.config.Recipe;
import dev.lorikeet.config.RunConfig;
import dev.lorikeet.error.ConfigException;
import dev.lorikeet.error.LorikeetException;
import dev.lorikeet.error.RunException;
import dev.lorikeet.run.RunDiff;
import dev.lorikeet.run.RunDirectory;
import dev.lorikeet.run.RunRecord;
import dev.lorikeet.run.RunStatus;
import dev.lorikeet.run.RunStore;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A run that is to go on, and where from.
 *
 * @param request what was asked for
 * @param run the run as the index knows it
 * @param config its recipe of now
 * @param found its newest whole checkpoint and the damaged ones
 */
record Resumption(ResumeRequest request, RunRecord run, RunConfig config, Checkpoints.Found found) {

  /**
   * Finds the run and its newest whole checkpoint.
   *
   * @return empty if the run is finished and nothing about its recipe was changed
   * @throws LorikeetException if there is no such run, it is at work, its folder is gone, or none
   *     of its checkpoints is whole
   */
  static Optional<Resumption> find(ResumeRequest request, Clock clock) {
    RunRecord run = run(request, clock);
    if (run.status() == RunStatus.RUNNING) {
      throw new ConfigException(
          "Run " + run.id() + " is at work in another process; wait for its end, or stop it");
    }
    RunDirectory directory = RunDirectory.existing(run);
    RunConfig config = Recipe.load(directory.recipe(), request.overrides());
    boolean finished = run.status() == RunStatus.FINISHED;
    if (finished && RunDiff.recipes(run.recipe(), config.toYaml()).isEmpty()) {
      return Optional.empty();
    }
    Checkpoints.Found found = Checkpoints.newest(directory.checkpoints());
    if (found.checkpoint().isEmpty() && !found.damaged().isEmpty()) {
      throw new RunException(
          "No checkpoint of run %s is whole, so it cannot go on:\n  - %s\nTrain anew with: lorikeet finetune %s"
              .formatted(run.id(), String.join("\n  - ", found.damaged()), directory.recipe()));
    }
    if (found.checkpoint().isEmpty() && finished) {
      throw new ConfigException(
          "Run %s is finished and has no checkpoint in %s to train on from; a new run can start from its adapter with adapter.init_from"
              .formatted(run.id(), directory.checkpoints()));
    }
    return Optional.of(new Resumption(request, run, config, found));
  }

  private static RunRecord run(ResumeRequest request, Clock clock) {
    try (RunStore store =
        RunStore.openIfPresent(request.outputDir(), clock)
            .orElseThrow(() ->
                new ConfigException(
                    "There are no runs in %s (no %s there); name the output folder of the run with --dir"
                        .formatted(
                            request.outputDir().toAbsolutePath().normalize(),
                            RunStore.FILE_NAME)))) {
      return store.get(request.run());
    }
  }

  /** Steps that need not be done again. */
  long step() {
    return found.checkpoint().map(checkpoint -> checkpoint.state().train().step()).orElse(0L);
  }

  /**
   * What is different from before, one line each: recipe keys, then the surroundings.
   *
   * @param resolved the recipe of now as memory allows it; recompute, which changes no number, is
   *     compared as it was asked for
   * @param identity the surroundings of now, see {@link RunIdentity}
   */
  List<String> changes(RunConfig resolved, Map<String, String> identity) {
    List<String> changes = new ArrayList<>();
    String now = resolved.with("train.recompute=" + config.train().recompute()).toYaml();
    for (RunDiff.Difference difference : RunDiff.recipes(run.recipe(), now)) {
      changes.add(
          "%s: %s then, %s now"
              .formatted(
                  difference.key(),
                  difference.left().orElse("absent"),
                  difference.right().orElse("absent")));
    }
    RunIdentity.of(run.provenance())
        .forEach((key, then) -> {
          String found = identity.getOrDefault(key, "absent");
          if (!found.equals(then)) {
            changes.add("%s: %s then, %s now".formatted(key, then, found));
          }
        });
    return changes;
  }

  /** Refuses {@code changes}, unless they are allowed or none. */
  void requireAllowed(List<String> changes, Optional<String> consequence) {
    if (changes.isEmpty() || request.changes() == ResumeRequest.Changes.ALLOW) {
      return;
    }
    throw new ConfigException(
        "Run %s was trained otherwise, so it would not go on bit for bit:\n  - %s\n%sUndo the changes, or accept them with --allow-changes"
            .formatted(
                run.id(),
                String.join("\n  - ", changes),
                consequence.map(text -> text + "\n").orElse("")));
  }

  /** What {@code train.micro_batch: auto} chose when the run began, if that size is used again. */
  Optional<Map<?, ?>> earlierChoice(RunConfig resolved) {
    String size = resolved.train().microBatch().spelling();
    return run.provenance().get(StepFit.RECORD) instanceof Map<?, ?> choice
            && size.equals(String.valueOf(choice.get("micro_batch")))
        ? Optional.of(choice)
        : Optional.empty();
  }

  /** A sentence about {@link #earlierChoice}. */
  Optional<String> choiceWords(RunConfig resolved) {
    return earlierChoice(resolved)
        .map(_ ->
            "train.micro_batch: auto is %s, as chosen when the run began, so that it goes on bit for bit."
                .formatted(resolved.train().microBatch().spelling()));
  }

  /** The provenance's list of the times that the run was taken up, this one included. */
  List<Object> history(List<String> commandLine, List<String> changes) {
    List<Object> history = new ArrayList<>();
    if (run.provenance().get("resumed") instanceof List<?> before) {
      history.addAll(before);
    }
    Map<String, Object> now = new LinkedHashMap<>();
    now.put("step", step());
    now.put("command_line", commandLine);
    now.put("changes", changes);
    history.add(now);
    return history;
  }
}
