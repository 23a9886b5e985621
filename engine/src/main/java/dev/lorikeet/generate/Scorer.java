package dev.lorikeet.generate;

import dev.lorikeet.model.CausalLm;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.nn.Sequences;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.Tensor;

/** Log-probabilities of given tokens. */
public final class Scorer {
  private final CausalLm model;
  private final Device device;

  public Scorer(CausalLm model, Device device) {
    this.model = model;
    this.device = device;
  }

  /**
   * log p(token t | tokens before), in nats, for t from 1; as many numbers as tokens, less one.
   *
   * @param tokens at least one, at most the model's context
   */
  public float[] logProbabilities(int[] tokens) {
    int count = tokens.length - 1;
    if (count < 1) {
      return new float[0];
    }
    int[] targets = java.util.Arrays.copyOfRange(tokens, 1, tokens.length);
    try (Pass pass = Pass.inference(device, Sequences.of(java.util.Arrays.copyOf(tokens, count)));
        Tensor labels = device.ints(targets);
        Tensor losses = device.floats(count)) {
      Var normed = model.finalNorm().forward(pass, model.hidden(pass));
      Var logits = model.head().forward(pass, normed);
      pass.tape().kernels().crossEntropy(logits.value(), labels, losses);
      float[] logProbabilities = losses.toFloats();
      for (int i = 0; i < count; i++) {
        logProbabilities[i] = -logProbabilities[i];
      }
      return logProbabilities;
    }
  }
}
