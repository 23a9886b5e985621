package dev.lorikeet.nn;

import dev.lorikeet.format.Floats;
import dev.lorikeet.format.SafeTensorsWriter;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.format.TensorData;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Parameters of a model as a safetensors file, the counterpart of {@link CheckpointWeights}. */
public final class WeightsFile {
  private WeightsFile() {}

  /**
   * Writes {@code parameters} under their names, whole or not at all.
   *
   * @param stored format of the numbers in the file, a floating-point one
   */
  public static void write(Path file, List<Parameter> parameters, StoredType stored) {
    write(file, parameters, stored, Map.of());
  }

  /** The same with further tensors, by name, which are written as they are. */
  public static void write(
      Path file, List<Parameter> parameters, StoredType stored, Map<String, TensorData> further) {
    try (Arena arena = Arena.ofConfined()) {
      Map<String, TensorData> tensors = new LinkedHashMap<>(further);
      for (Parameter parameter : parameters) {
        Tensor value = parameter.value();
        tensors.put(
            parameter.name(),
            new TensorData(
                stored,
                Arrays.stream(value.shape()).boxed().toList(),
                encoded(value, stored, arena)));
      }
      SafeTensorsWriter.write(file, tensors, Map.of("format", "pt"));
    }
  }

  private static MemorySegment encoded(Tensor value, StoredType stored, Arena arena) {
    MemorySegment floats =
        value.device().hasHostMemory() ? value.segment() : MemorySegment.ofArray(value.toFloats());
    if (stored == StoredType.F32) {
      return floats;
    }
    MemorySegment encoded = arena.allocate(value.elements() * stored.bytes());
    Floats.encode(stored, floats, encoded);
    return encoded;
  }
}
