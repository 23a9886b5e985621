package dev.lorikeet.model;

import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.torch.Device;

/** {@code model_type: llama}. */
final class LlamaArchitecture implements Architecture {

  @Override
  public String modelType() {
    return "llama";
  }

  @Override
  public int contextLength(JsonConfig config) {
    return LlamaConfig.read(config).maxPositionEmbeddings();
  }

  @Override
  public CausalLm build(
      JsonConfig config, Weights weights, Device device, int positions, Linear.Wrapper wrapper) {
    return new Llama(LlamaConfig.read(config), weights, device, positions, wrapper);
  }
}
