package dev.lorikeet.model;

import dev.lorikeet.adapter.Lora;
import dev.lorikeet.fixture.DropoutFactors;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.fixture.TinyLlama;
import dev.lorikeet.kernel.AttentionShape;
import dev.lorikeet.kernel.Segments;
import dev.lorikeet.nn.DropoutKeys;
import dev.lorikeet.nn.Sequences;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.LibTorch;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchValue;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The model of {@link TinyLlama} once more, written from the formulas in libtorch's elementary
 * operations and differentiated by it: it shares the weights with the tape's model, and no code.
 */
final class TorchLlama {
  private static final double LORA_SCALE = 2; // alpha 6 over r 3

  private final LibTorch torch;
  private final Device device;
  private final Tensors tensors;
  private final TinyLlama llama;
  private final double dropoutRate;
  private final Optional<DropoutKeys> dropout;
  private final Map<String, TorchValue> weights = new HashMap<>();
  private final LlamaConfig config = TinyLlama.CONFIG;
  private final Sequences batch = TinyLlama.batch();

  TorchLlama(
      LibTorch torch,
      Device device,
      Tensors tensors,
      TinyLlama llama,
      double dropoutRate,
      Optional<DropoutKeys> dropout) {
    this.torch = torch;
    this.device = device;
    this.tensors = tensors;
    this.llama = llama;
    this.dropoutRate = dropoutRate;
    this.dropout = dropout;
    for (Parameter parameter : llama.model().parameters()) {
      weights.put(parameter.name(), torch.leaf(parameter.value()));
    }
    llama
        .adapter()
        .ifPresent(adapter -> {
          for (Lora module : adapter.modules()) {
            weights.put(module.a().name(), torch.leaf(module.a().value()));
            weights.put(module.b().name(), torch.leaf(module.b().value()));
          }
        });
  }

  /** The gradient of a weight after {@link #losses()} went backward. */
  TorchValue gradient(Parameter parameter) {
    return weight(parameter.name()).gradient();
  }

  private TorchValue weight(String name) {
    TorchValue weight = weights.get(name);
    if (weight == null) {
      throw new IllegalStateException("no weight " + name);
    }
    return weight;
  }

  /** −log p of every position's label [T, 1]. */
  TorchValue losses() {
    TorchValue x = weight("model.embed_tokens.weight").rowsAt(ids(tokens()));
    for (int layer = 0; layer < config.numHiddenLayers(); layer++) {
      String prefix = "model.layers." + layer + ".";
      x = x.add(attention(prefix + "self_attn.", norm(prefix + "input_layernorm", x)));
      TorchValue h = norm(prefix + "post_attention_layernorm", x);
      TorchValue gate = linear(prefix + "mlp.gate_proj", h);
      TorchValue up = linear(prefix + "mlp.up_proj", h);
      x = x.add(linear(prefix + "mlp.down_proj", gate.mul(gate.sigmoid()).mul(up)));
    }
    TorchValue head = weight("model.embed_tokens.weight").transpose(0, 1);
    TorchValue logits = norm("model.norm", x).matmul(head);
    return logits.logSumExp(1).sub(logits.pick(ids(TinyLlama.labels())));
  }

  private static int[] tokens() {
    int[] tokens = new int[TinyLlama.batch().length()];
    for (int t = 0; t < tokens.length; t++) {
      tokens[t] = (t * 31 + 7) % TinyLlama.CONFIG.vocabSize();
    }
    return tokens;
  }

  private TorchValue ids(int[] ids) {
    return torch.view(tensors.ints(ids));
  }

  private TorchValue norm(String name, TorchValue x) {
    TorchValue r = x.square().mean(1).add(config.rmsNormEps()).rsqrt();
    return x.mul(r).mul(weight(name + ".weight"));
  }

  private TorchValue linear(String name, TorchValue x) {
    TorchValue y = x.matmul(weight(name + ".weight").transpose(0, 1));
    if (weights.containsKey(name + ".bias")) {
      y = y.add(weight(name + ".bias"));
    }
    if (llama.adapter().isEmpty()) {
      return y;
    }
    TorchValue input = dropout.isPresent() ? x.mul(mask(name, dropout.get(), x)) : x;
    TorchValue u = input.matmul(weight(name + ".lora_A.weight").transpose(0, 1));
    return y.add(u.matmul(weight(name + ".lora_B.weight").transpose(0, 1)).mul(LORA_SCALE));
  }

  private TorchValue mask(String name, DropoutKeys keys, TorchValue x) {
    int rows = batch.length();
    int width = x.toDoubles().length / rows;
    try (Tensor rowKeys = keys.rowKeys(device, batch, name)) {
      float[] factors = DropoutFactors.of(rowKeys, width, dropoutRate);
      return torch.view(tensors.of(factors, rows, width));
    }
  }

  private TorchValue attention(String prefix, TorchValue x) {
    AttentionShape shape = config.attentionShape();
    TorchValue q = turned(linear(prefix + "q_proj", x), shape.heads());
    TorchValue k = turned(linear(prefix + "k_proj", x), shape.kvHeads());
    TorchValue v = linear(prefix + "v_proj", x);
    Segments segments = batch.segments();
    TorchValue[] parts = new TorchValue[segments.count()];
    for (int s = 0; s < parts.length; s++) {
      int from = segments.queryStart(s);
      int to = from + segments.queryLength(s);
      parts[s] =
          attended(q.slice(0, from, to), k.slice(0, from, to), v.slice(0, from, to), to - from);
    }
    return linear(prefix + "o_proj", torch.cat(0, parts));
  }

  private TorchValue attended(TorchValue q, TorchValue k, TorchValue v, int rows) {
    AttentionShape shape = config.attentionShape();
    TorchValue queries = heads(q, rows, shape.heads());
    TorchValue keys = heads(k, rows, shape.kvHeads()).repeat(0, shape.group());
    TorchValue values = heads(v, rows, shape.kvHeads()).repeat(0, shape.group());
    TorchValue later = torch.range(rows).reshape(-1, 1).sub(torch.range(rows).reshape(1, -1));
    TorchValue scores =
        queries.matmul(keys.transpose(1, 2)).mul(shape.scale()).hiddenUnless(later.atLeast(0));
    TorchValue p = scores.sub(scores.logSumExp(2)).exp();
    return p.matmul(values).transpose(0, 1).reshape(rows, (long) shape.heads() * shape.headDim());
  }

  private TorchValue heads(TorchValue rows, int count, int heads) {
    return rows.reshape(count, heads, config.headDim()).transpose(0, 1);
  }

  /** Rotary positions: the halves of a head are the two coordinates of its planes. */
  private TorchValue turned(TorchValue x, int heads) {
    int half = config.headDim() / 2;
    int rows = batch.length();
    float[] frequencies = config.rope().frequencies(config.headDim(), rows);
    float[] cosines = new float[rows * half];
    float[] sines = new float[rows * half];
    for (int t = 0; t < rows; t++) {
      for (int i = 0; i < half; i++) {
        float angle = batch.position(t) * frequencies[i];
        cosines[t * half + i] = (float) Math.cos(angle);
        sines[t * half + i] = (float) Math.sin(angle);
      }
    }
    TorchValue cos = torch.view(tensors.of(cosines, rows, 1, half));
    TorchValue sin = torch.view(tensors.of(sines, rows, 1, half));
    TorchValue planes = x.reshape(rows, heads, config.headDim());
    TorchValue a = planes.slice(2, 0, half);
    TorchValue b = planes.slice(2, half, 2L * half);
    return torch
        .cat(2, a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin)))
        .reshape(rows, (long) heads * config.headDim());
  }
}
