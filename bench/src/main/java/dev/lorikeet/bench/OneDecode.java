package dev.lorikeet.bench;

import dev.lorikeet.config.ModelSettings.Quantization;
import dev.lorikeet.generate.Generator;
import dev.lorikeet.generate.Sampling;
import dev.lorikeet.job.Devices;
import dev.lorikeet.job.LoadedModel;
import dev.lorikeet.quant.QuantizationScheme;
import dev.lorikeet.torch.Device;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import tools.jackson.databind.json.JsonMapper;

/** Greedy generation of one sequence in this process; prints one line of JSON. */
final class OneDecode {
  private static final int PROMPT = 32;
  private static final int ROUNDS = 3;

  private OneDecode() {}

  /** Arguments: checkpoint, tokens to make, format of the layers. */
  public static void main(String[] args) {
    Quantization format = Quantization.valueOf(args[2].toUpperCase(Locale.ROOT));
    QuantizationScheme scheme =
        format == Quantization.NONE
            ? QuantizationScheme.none()
            : new QuantizationScheme(
                format,
                QuantizationScheme.Scales.QUANTISED,
                64,
                QuantizationScheme.OtherFormats.REFUSED);
    int tokens = Integer.parseInt(args[1]);
    Map<String, Object> line = new LinkedHashMap<>();
    try (Device device = Devices.open("cpu");
        LoadedModel loaded = LoadedModel.open(args[0], Optional.empty(), scheme, device)) {
      Generator generator = new Generator(loaded.model(), device, OptionalInt.empty());
      List<int[]> prompt = List.of(IntStream.rangeClosed(1, PROMPT).toArray());
      List<Double> speeds = new ArrayList<>();
      for (int round = 0; round < ROUNDS; round++) {
        long start = System.nanoTime();
        int made = generator.generate(prompt, tokens, Sampling.GREEDY).getFirst().tokens().size();
        speeds.add(made / ((System.nanoTime() - start) * 1e-9));
      }
      line.put("tokens_per_second", speeds);
      line.put("weight_bytes", loaded.model().weightBytes());
    }
    System.out.println(JsonMapper.shared().writeValueAsString(line));
  }
}
