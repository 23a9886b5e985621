package dev.lorikeet.eval;

import dev.lorikeet.kernel.AttentionShape;
import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.DenseLinear;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.nn.RmsNorm;
import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Parameter.Training;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Device;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A model without layers whose next token depends on the last one only. */
final class ChainModel implements CausalLm {
  private static final int CONTEXT = 64;

  private final int vocabulary;
  private final Parameter embedding;
  private final Parameter norm;
  private final Parameter next;

  /** After {@code chain[i]} comes {@code chain[i + 1]}, the last time that it stands there. */
  ChainModel(Device device, int vocabulary, int... chain) {
    this.vocabulary = vocabulary;
    float[] identity = new float[vocabulary * vocabulary];
    for (int i = 0; i < vocabulary; i++) {
      identity[i * vocabulary + i] = 1;
    }
    float[] follows = new float[vocabulary * vocabulary];
    for (int i = 0; i + 1 < chain.length; i++) {
      for (int id = 0; id < vocabulary; id++) {
        follows[id * vocabulary + chain[i]] = id == chain[i + 1] ? 1 : 0;
      }
    }
    float[] ones = new float[vocabulary];
    Arrays.fill(ones, 1);
    embedding = matrix(device, "embedding", identity);
    next = matrix(device, "lm_head.weight", follows);
    norm = new Parameter("norm", device.floats(vocabulary).copyFrom(ones), Training.FROZEN);
  }

  private Parameter matrix(Device device, String name, float[] values) {
    return new Parameter(
        name, device.floats(vocabulary, vocabulary).copyFrom(values), Training.FROZEN);
  }

  @Override
  public Var hidden(Pass pass) {
    return Ops.embedding(pass.tape(), embedding, pass.tokens());
  }

  @Override
  public RmsNorm finalNorm() {
    return new RmsNorm(norm, 1e-6);
  }

  @Override
  public Linear head() {
    return new DenseLinear("lm_head", next, Optional.empty());
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(embedding, norm, next);
  }

  @Override
  public int vocabularySize() {
    return vocabulary;
  }

  @Override
  public int contextLength() {
    return CONTEXT;
  }

  @Override
  public int layers() {
    return 0;
  }

  @Override
  public AttentionShape attentionShape() {
    return AttentionShape.causal(1, 1, 2);
  }

  @Override
  public void close() {
    parameters().forEach(Parameter::close);
  }
}
