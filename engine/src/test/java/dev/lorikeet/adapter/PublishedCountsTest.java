package dev.lorikeet.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.lorikeet.model.CausalLm;
import dev.lorikeet.model.LlamaConfig;
import dev.lorikeet.model.RopeScaling;
import dev.lorikeet.nn.RandomWeights;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Trainable parameters that were published for Llama-2-7B, counted without its weights. */
final class PublishedCountsTest {
  private static final LlamaConfig LLAMA_2_7B =
      new LlamaConfig(
          4096,
          11_008,
          32,
          32,
          32,
          128,
          32_000,
          4096,
          1e-5,
          false,
          false,
          false,
          new RopeScaling.Plain(10_000));
  private static final List<String> ALL =
      List.of(
          "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "lm_head");

  @ParameterizedTest
  @CsvSource({"qv, 8, 4194304", "all, 8, 20277248", "all, 16, 40554496", "all, 256, 648871936"})
  void anAdapterHasAsManyNumbersAsPublished(String targets, int rank, long expected) {
    List<String> names = targets.equals("qv") ? List.of("q_proj", "v_proj") : ALL;
    LoraSettings settings = new LoraSettings(rank, 2 * rank, false, 0, Targets.of(names));
    try (Device shapes = Device.shapeOnly();
        LoraAdapter adapter = LoraAdapter.fresh(settings, shapes, 0);
        CausalLm model =
            LLAMA_2_7B.build(
                new RandomWeights(shapes, 0, 0.02, Training.FROZEN), shapes, 16, adapter)) {
      adapter.requireComplete();
      assertEquals(6_738_415_616L, model.parameterCount());
      long trained = adapter.parameters().stream().mapToLong(p -> p.value().elements()).sum();
      assertEquals(expected, trained);
    }
  }
}
