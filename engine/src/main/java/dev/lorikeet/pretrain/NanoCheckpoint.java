package dev.lorikeet.pretrain;

import dev.lorikeet.format.AtomicFile;
import dev.lorikeet.format.Floats;
import dev.lorikeet.format.SafeTensorsWriter;
import dev.lorikeet.format.StoredType;
import dev.lorikeet.format.TensorData;
import dev.lorikeet.model.Llama;
import dev.lorikeet.model.LlamaConfig;
import dev.lorikeet.tape.Parameter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Writes nano as a Hugging Face checkpoint with bfloat16 weights. */
final class NanoCheckpoint {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private NanoCheckpoint() {}

  static void write(Path directory, NanoSettings settings, Llama model) {
    try (Arena arena = Arena.ofConfined()) {
      Map<String, TensorData> tensors = new LinkedHashMap<>();
      for (Parameter parameter : model.parameters()) {
        MemorySegment floats = MemorySegment.ofArray(parameter.value().toFloats());
        MemorySegment stored = arena.allocate(floats.byteSize() / 2);
        Floats.encode(StoredType.BF16, floats, stored);
        tensors.put(
            parameter.name(),
            new TensorData(
                StoredType.BF16,
                Arrays.stream(parameter.value().shape()).boxed().toList(),
                stored));
      }
      SafeTensorsWriter.write(
          directory.resolve("model.safetensors"), tensors, Map.of("format", "pt"));
    }
    AtomicFile.writeString(
        directory.resolve("config.json"), JSON.writeValueAsString(config(settings.llama())) + "\n");
  }

  private static Map<String, Object> config(LlamaConfig llama) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("architectures", java.util.List.of("LlamaForCausalLM"));
    config.put("model_type", "llama");
    config.put("dtype", "bfloat16");
    config.put("hidden_size", llama.hiddenSize());
    config.put("intermediate_size", llama.intermediateSize());
    config.put("num_hidden_layers", llama.numHiddenLayers());
    config.put("num_attention_heads", llama.numAttentionHeads());
    config.put("num_key_value_heads", llama.numKeyValueHeads());
    config.put("head_dim", llama.headDim());
    config.put("vocab_size", llama.vocabSize());
    config.put("max_position_embeddings", llama.maxPositionEmbeddings());
    config.put("rms_norm_eps", llama.rmsNormEps());
    config.put("rope_theta", llama.rope().theta());
    config.put("hidden_act", "silu");
    config.put("attention_bias", llama.attentionBias());
    config.put("mlp_bias", llama.mlpBias());
    config.put("tie_word_embeddings", llama.tieWordEmbeddings());
    config.put("bos_token_id", 0);
    config.put("eos_token_id", 0);
    return config;
  }
}
