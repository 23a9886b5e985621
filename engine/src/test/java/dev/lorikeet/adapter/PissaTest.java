package dev.lorikeet.adapter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.fixture.Rounding;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.DenseLinear;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Rng;
import dev.lorikeet.torch.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The base gives its largest singular values to the adapter, and gets them back on disk. */
@Tag("native")
final class PissaTest {
  private static final String BASE = "untied-odd";

  @TempDir private Path folder;

  private static LoraSettings settings(boolean rankStabilised, String... targets) {
    return new LoraSettings(
        4,
        8,
        rankStabilised,
        0,
        Targets.of(List.of(targets)),
        Map.of("v_proj", 2),
        Map.of("v_proj", 3.0),
        List.of(),
        LoraStart.PISSA);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void baseAndAdapterTogetherAreTheWeight(boolean rankStabilised) {
    try (Device device = Device.cpu(2);
        LoraAdapter adapter =
            LoraAdapter.fresh(settings(rankStabilised, "q_proj", "v_proj"), device, 1);
        CausalLm model = build(device, adapter);
        CausalLm plain = build(device, Linear.Wrapper.none())) {
      adapter.requireComplete();
      int[] tokens = Checkpoints.tokens(1, 19, plain.vocabularySize());
      // One rounding of W − sBA and one of sBA + (W − sBA), a few units of the largest entry.
      Close.assertRelative(
          Checkpoints.logits(plain, device, tokens),
          Checkpoints.logits(model, device, tokens),
          1e-5,
          "logits at the start");
      for (Lora module : adapter.modules()) {
        float[] whole = weight(plain, module.name());
        float[] rest = ((DenseLinear) module.base()).weight().value().toFloats();
        float[] update = update(module, adapter.settings().forModule(module.name()).scale());
        float[] sum = new float[rest.length];
        for (int i = 0; i < sum.length; i++) {
          sum[i] = rest[i] + update[i];
        }
        Close.assertRelative(whole, sum, 8 * Rounding.U, module.name());
        assertTrue(Close.frobenius(whole, rest) > 0.2, "the base has changed");
      }
    }
  }

  @Test
  @Tag("reference")
  void theAdapterHasTheEnergyOfNumPysLargestSingularValues() {
    JsonNode expected = Fixture.json("lora/pissa/expected.json").get("singular_values");
    LoraSettings settings =
        new LoraSettings(
            4,
            8,
            false,
            0,
            Targets.of(List.of("q_proj", "down_proj")),
            Map.of("down_proj", 3),
            Map.of(),
            List.of(),
            LoraStart.PISSA);
    try (Device device = Device.cpu(2);
        LoraAdapter adapter = LoraAdapter.fresh(settings, device, 1);
        CausalLm _ = build(device, adapter)) {
      assertEquals(expected.size(), adapter.modules().size());
      for (Lora module : adapter.modules()) {
        JsonNode values = expected.get(module.name());
        LoraSettings own = settings.forModule(module.name());
        double energy = 0;
        for (int i = 0; i < own.r(); i++) {
          energy += values.get(i).asDouble() * values.get(i).asDouble();
        }
        double found = 0;
        for (float value : update(module, own.scale())) {
          found += (double) value * value;
        }
        assertEquals(energy, found, 1e-5 * energy, module.name());
        double rest = 0;
        for (float value : ((DenseLinear) module.base()).weight().value().toFloats()) {
          rest += (double) value * value;
        }
        double expectedRest = -energy;
        for (JsonNode value : values) {
          expectedRest += value.asDouble() * value.asDouble();
        }
        assertEquals(expectedRest, rest, 1e-5 * expectedRest, module.name() + " base");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatIsWrittenFitsTheOriginalBase(boolean rankStabilised) {
    LoraSettings settings = settings(rankStabilised, "q_proj", "v_proj", "embed_tokens", "lm_head");
    try (Device device = Device.cpu(2);
        LoraAdapter adapter = LoraAdapter.fresh(settings, device, 1);
        CausalLm model = build(device, adapter)) {
      for (Lora module : adapter.modules()) {
        float[] b = module.b().value().toFloats();
        float[] noise = Checkpoints.normal(module.name().hashCode(), b.length, 0.1);
        for (int i = 0; i < b.length; i++) {
          b[i] += noise[i];
        }
        module.b().value().copyFrom(b);
      }
      LoraEmbedding embedding = adapter.embeddings().getFirst();
      embedding.a().value().copyFrom(Checkpoints.normal(7, embedding.a().value().elements(), 0.05));
      adapter.write(folder, BASE);
      try (LoraAdapter read = LoraAdapter.read(folder, device);
          CausalLm original = build(device, read)) {
        read.requireComplete();
        assertEquals(8, read.settings().r());
        assertEquals(4, read.settings().forModule("model.layers.0.self_attn.v_proj").r());
        assertEquals(
            settings.forModule("v_proj").scale(),
            read.settings().forModule("v_proj").scale(),
            1e-12);
        int[] tokens = Checkpoints.tokens(2, 23, original.vocabularySize());
        Close.assertRelative(
            Checkpoints.logits(model, device, tokens),
            Checkpoints.logits(original, device, tokens),
            1e-5,
            "logits of the written adapter");
      }
    }
  }

  @Test
  void iterationsFindTheSameSubspaceAndKeepTheSumOfBaseAndAdapter() {
    try (Device device = Device.cpu(2);
        Tensors tensors = new Tensors(device)) {
      // Singular values 1, 1/2, 1/4, …: what is left out shrinks by 4 with every iteration.
      int size = 12;
      float[] decaying = new float[size * size];
      Tensor u = tensors.empty(size, size);
      Tensor vt = tensors.empty(size, size);
      device.singularVectors(tensors.normal("w", size, size), u, tensors.empty(size), vt);
      for (int row = 0; row < size; row++) {
        for (int column = 0; column < size; column++) {
          for (int i = 0; i < size; i++) {
            decaying[row * size + column] +=
                u.toFloats()[row * size + i]
                    * (float) Math.scalb(1.0, -i)
                    * vt.toFloats()[i * size + column];
          }
        }
      }
      float[] exact = updateOf(LoraStart.PISSA, decaying, device, tensors);
      double rough =
          Close.frobenius(exact, updateOf(LoraStart.pissa(0), decaying, device, tensors));
      double fine =
          Close.frobenius(exact, updateOf(LoraStart.pissa(10), decaying, device, tensors));
      assertTrue(rough > 1e-3, "without iterations " + rough);
      assertTrue(fine < 1e-5, "with ten iterations " + fine);
    }
  }

  /** s·B·A of a weight's start, after a look at the sum. */
  private static float[] updateOf(LoraStart start, float[] weight, Device device, Tensors tensors) {
    int size = (int) Math.sqrt(weight.length);
    LoraSettings settings =
        new LoraSettings(3, 6, false, 0, Targets.allLinear(), Map.of(), Map.of(), List.of(), start);
    Parameter parameter =
        new Parameter("m.weight", tensors.of(weight, size, size), Training.FROZEN);
    DenseLinear base = new DenseLinear("m", parameter, Optional.empty());
    try (LowRank split = Pissa.split(base, settings, device, new Rng(5));
        Lora lora = split.copied(base, settings)) {
      float[] update = update(lora, settings.scale());
      float[] sum = parameter.value().toFloats();
      for (int i = 0; i < sum.length; i++) {
        sum[i] += update[i];
      }
      Close.assertRelative(weight, sum, 8 * Rounding.U, "base and adapter");
      return update;
    }
  }

  @Test
  void theStartIsTheSameForEveryNumberOfThreads() {
    float[][] starts = new float[2][];
    for (int threads = 1; threads <= 2; threads++) {
      try (Device device = Device.cpu(threads);
          LoraAdapter adapter = LoraAdapter.fresh(settings(false, "v_proj"), device, 1);
          CausalLm _ = build(device, adapter)) {
        starts[threads - 1] = adapter.modules().getFirst().a().value().toFloats();
      }
    }
    assertArrayEquals(starts[0], starts[1]);
  }

  @Test
  void aTiedHeadIsRefused() {
    LoraSettings settings =
        new LoraSettings(
            2,
            8,
            false,
            0,
            Targets.of(List.of("lm_head")),
            Map.of(),
            Map.of(),
            List.of(),
            LoraStart.PISSA);
    try (Device device = Device.cpu(1);
        LoraAdapter adapter = LoraAdapter.fresh(settings, device, 1)) {
      String message =
          assertThrows(
                  ConfigException.class,
                  () ->
                      Checkpoints.build(
                          Checkpoints.tiny("tied-gqa"), device, Training.FROZEN, adapter))
              .getMessage();
      assertTrue(
          String.valueOf(message)
              .contains("pissa would change model.embed_tokens.weight, which lm_head shares"),
          message);
    }
  }

  private static CausalLm build(Device device, Linear.Wrapper wrapper) {
    return Checkpoints.build(Checkpoints.tiny(BASE), device, Training.FROZEN, wrapper);
  }

  private static float[] weight(CausalLm model, String module) {
    return model.parameters().stream()
        .filter(parameter -> parameter.name().equals(module + ".weight"))
        .findFirst()
        .orElseThrow()
        .value()
        .toFloats();
  }

  /** s·B·A in float64. */
  private static float[] update(Lora module, double scale) {
    int rank = (int) module.a().value().size(0);
    int in = module.inFeatures();
    float[] a = module.a().value().toFloats();
    float[] b = module.b().value().toFloats();
    float[] update = new float[module.outFeatures() * in];
    for (int row = 0; row < module.outFeatures(); row++) {
      for (int column = 0; column < in; column++) {
        double sum = 0;
        for (int i = 0; i < rank; i++) {
          sum += (double) b[row * rank + i] * a[i * in + column];
        }
        update[row * in + column] = (float) (scale * sum);
      }
    }
    return update;
  }
}
