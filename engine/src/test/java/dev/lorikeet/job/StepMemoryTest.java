package dev.lorikeet.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.config.RunConfig;
import dev.lorikeet.data.DataSet;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.Tokenizer;
import dev.lorikeet.train.StepShape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A plan's model is built once and asked for many shapes; no question changes the next answer. */
@Tag("native")
final class StepMemoryTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"lora", "dora", "qlora", "full"})
  void oneModelGivesEveryShapeThePeakOfAModelOfItsOwn(String technique) {
    RunConfig recipe =
        TinyModel.recipe(folder, 16)
            .with("adapter.technique=" + technique, "train.global_batch=8", "data.validation=0.2");
    try (Tokenizer tokenizer = HfTokenizer.open(model(recipe))) {
      DataSet data = DataSet.load(recipe.data(), recipe.train().seed(), tokenizer);
      List<StepShape> shapes =
          List.of(
              shape(8, false), shape(1, true), shape(4, false), shape(8, true), shape(8, false));
      List<Long> alone = new ArrayList<>();
      for (StepShape shape : shapes) {
        try (StepMemory memory = new StepMemory(recipe, model(recipe), 2)) {
          alone.add(memory.peakBytes(data, shape));
        }
      }
      try (StepMemory memory = new StepMemory(recipe, model(recipe), 2)) {
        assertEquals(alone, shapes.stream().map(shape -> memory.peakBytes(data, shape)).toList());
      }
      assertTrue(alone.get(1) < alone.get(2) && alone.get(2) < alone.get(0), alone.toString());
    }
  }

  private static Path model(RunConfig recipe) {
    return Path.of(recipe.model().path().orElseThrow());
  }

  private static StepShape shape(int microBatch, boolean recompute) {
    return new StepShape(microBatch, recompute, StepShape.DEFAULT_LOSS_CHUNK);
  }
}
