package dev.lorikeet.train;

import dev.lorikeet.adapter.LoraAdapter;
import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.fixture.Checkpoints;
import dev.lorikeet.fixture.Fixture;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.CheckpointWeights;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.quant.QuantizationScheme.OtherFormats;
import dev.lorikeet.quant.QuantizationScheme.Scales;
import dev.lorikeet.quant.QuantizedWeights;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.torch.Device;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** LoRA and DoRA over an NF4 base go where PEFT goes over the dequantised weights. */
@Tag("reference")
final class QloraReferenceTest {
  private static final String BASE = "tied-gqa";

  @ParameterizedTest
  @CsvSource({"qlora, training/tied-gqa/", "qdora, dora/tied-gqa/"})
  void thirtyStepsAgreeWithPeft(String technique, String batches) {
    String folder = "quant/nf4/" + technique;
    JsonNode expected = Fixture.json(folder + "/expected.json");
    String start = expected.get("settings").get("start").asString();
    QuantizationScheme nf4 =
        new QuantizationScheme(Quantization.NF4, Scales.QUANTISED, 64, OtherFormats.REFUSED);
    try (Device device = Device.cpu(2);
        LoraAdapter adapter = LoraAdapter.read(Fixture.ROOT.resolve(start), device);
        CausalLm model =
            Checkpoints.build(
                Checkpoints.tiny(BASE),
                device,
                adapter,
                checkpoint ->
                    new QuantizedWeights(
                        new CheckpointWeights(checkpoint, device, Training.FROZEN),
                        Optional.of(checkpoint),
                        nf4,
                        device));
        Trainer trainer =
            TrainingReferenceTest.trainer(
                model, adapter.parameters(), expected.get("settings"), device)) {
      adapter.requireComplete();
      TrainingReferenceTest.compareSteps(trainer, batches, expected);
      if (technique.equals("qdora")) {
        DoraReferenceTest.compareUpdates(adapter.parameters(), start, folder + "/final");
      } else {
        TrainingReferenceTest.compareUpdate(
            adapter, Fixture.ROOT.resolve(start), Fixture.ROOT.resolve(folder + "/final"));
      }
    }
  }
}
