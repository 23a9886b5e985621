package dev.lorikeet.nn;

import dev.lorikeet.format.Floats;
import dev.lorikeet.format.SafeTensorsWriter;
import dev.lorikeet.format.StoredLayout;
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
import java.util.function.Function;

/** Parameters of a model as a safetensors file, the counterpart of {@link CheckpointWeights}. */
public final class WeightsFile {
  private WeightsFile() {}

  /**
   * Writes {@code parameters} under their names, whole or not at all.
   *
   * @param stored format of the numbers in the file, a floating-point one
   * @param layout which matrices files have as [in, out]
   */
  public static void write(
      Path file, List<Parameter> parameters, StoredType stored, StoredLayout layout) {
    write(file, parameters, _ -> stored, Map.of(), layout);
  }

  /**
   * Writes {@code parameters} in the formats that they are held in, bit for bit, and further
   * tensors, by name, as they are.
   */
  public static void writeAsHeld(
      Path file, List<Parameter> parameters, Map<String, TensorData> further, StoredLayout layout) {
    write(file, parameters, WeightsFile::held, further, layout);
  }

  /** The format of a parameter in memory, under its name in files. */
  public static StoredType held(Parameter parameter) {
    return switch (parameter.value().dtype()) {
      case FLOAT32 -> StoredType.F32;
      case BFLOAT16 -> StoredType.BF16;
      case FLOAT16 -> StoredType.F16;
      case INT32, INT8, UINT8 -> throw new IllegalStateException(parameter + " is no weight");
    };
  }

  private static void write(
      Path file,
      List<Parameter> parameters,
      Function<Parameter, StoredType> formats,
      Map<String, TensorData> further,
      StoredLayout layout) {
    try (Arena arena = Arena.ofConfined()) {
      Map<String, TensorData> tensors = new LinkedHashMap<>(further);
      for (Parameter parameter : parameters) {
        Tensor value = parameter.value();
        StoredType stored = formats.apply(parameter);
        TensorData data =
            new TensorData(
                stored,
                Arrays.stream(value.shape()).boxed().toList(),
                encoded(parameter, stored, arena));
        boolean turns = value.rank() == 2 && layout.storedInputFirst(parameter.name());
        tensors.put(parameter.name(), turns ? data.turned(arena) : data);
      }
      SafeTensorsWriter.write(file, tensors, Map.of("format", "pt"));
    }
  }

  private static MemorySegment encoded(Parameter parameter, StoredType stored, Arena arena) {
    Tensor value = parameter.value();
    if (stored == held(parameter)) {
      return value.onHost(arena);
    }
    MemorySegment encoded = arena.allocate(value.elements() * stored.bytes());
    if (value.device().holdsValues()) {
      try (Tensor floats = value.asFloats();
          Arena copies = Arena.ofConfined()) {
        Floats.encode(stored, floats.onHost(copies), encoded);
      }
    }
    return encoded;
  }
}
