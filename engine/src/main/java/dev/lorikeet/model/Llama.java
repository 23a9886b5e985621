package dev.lorikeet.model;

import dev.lorikeet.kernel.AttentionShape;
import dev.lorikeet.nn.Attention;
import dev.lorikeet.nn.BaseLinear;
import dev.lorikeet.nn.DenseLinear;
import dev.lorikeet.nn.DenseLinear.Bias;
import dev.lorikeet.nn.Embedding;
import dev.lorikeet.nn.GatedMlp;
import dev.lorikeet.nn.Linear;
import dev.lorikeet.nn.Pass;
import dev.lorikeet.nn.RmsNorm;
import dev.lorikeet.nn.RopeTable;
import dev.lorikeet.nn.TokenEmbedding;
import dev.lorikeet.nn.Weights;
import dev.lorikeet.tape.Ops;
import dev.lorikeet.tape.Parameter;
import dev.lorikeet.tape.Var;
import dev.lorikeet.torch.Device;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Llama (Touvron et al. 2023; Llama 2 and 3 with grouped heads): x ← x + attention(norm(x)); x ← x
 * + mlp(norm(x)).
 */
public final class Llama implements CausalLm {
  private final LlamaConfig config;
  private final List<Parameter> parameters = new ArrayList<>();
  private final List<Parameter> owned = new ArrayList<>();
  private final List<BaseLinear> maps = new ArrayList<>();
  private final Embedding embedding;
  private final RopeTable rope;
  private final List<Block> blocks = new ArrayList<>();
  private final RmsNorm finalNorm;
  private final Linear head;

  /**
   * Loads every weight.
   *
   * @param positions tokens that a sequence may have, at most the context length
   * @param wrapper what stands in for the linear maps, the head included
   */
  public Llama(
      LlamaConfig config, Weights weights, Device device, int positions, Linear.Wrapper wrapper) {
    this.config = config;
    rope = new RopeTable(device, config.rope().frequencies(config.headDim()), positions);
    Weights recorded = new Recorded(weights);
    try {
      Parameter table =
          recorded.parameter(
              "model.embed_tokens.weight",
              "vocab_size %d, hidden_size %d".formatted(config.vocabSize(), config.hiddenSize()),
              config.vocabSize(),
              config.hiddenSize());
      embedding = wrapper.wrap(new TokenEmbedding("model.embed_tokens", table));
      for (int layer = 0; layer < config.numHiddenLayers(); layer++) {
        blocks.add(block(recorded, wrapper, layer));
      }
      finalNorm = norm(recorded, "model.norm");
      head = wrapper.wrap(head(recorded, table));
    } catch (RuntimeException failure) {
      close();
      throw failure;
    }
  }

  private record Block(
      RmsNorm inputNorm, Attention attention, RmsNorm postAttentionNorm, GatedMlp mlp) {}

  @Override
  public Var hidden(Pass pass) {
    Var x = embedding.forward(pass);
    for (Block block : blocks) {
      x = pass.block(x, (inner, input) -> forward(inner, block, input));
    }
    return x;
  }

  private static Var forward(Pass pass, Block block, Var x) {
    Var attended = block.attention.forward(pass, block.inputNorm.forward(pass, x));
    Var middle = Ops.residual(pass.tape(), x, attended);
    Var fed = block.mlp.forward(pass, block.postAttentionNorm.forward(pass, middle));
    return Ops.residual(pass.tape(), middle, fed);
  }

  private Block block(Weights weights, Linear.Wrapper wrapper, int layer) {
    String prefix = "model.layers." + layer + ".";
    String attention = prefix + "self_attn.";
    String mlp = prefix + "mlp.";
    int hidden = config.hiddenSize();
    int inner = config.intermediateSize();
    int queries = config.numAttentionHeads() * config.headDim();
    int keys = config.numKeyValueHeads() * config.headDim();
    Bias attentionBias = Bias.of(config.attentionBias());
    Bias mlpBias = Bias.of(config.mlpBias());
    String queryShape =
        "num_attention_heads %d × head_dim %d"
            .formatted(config.numAttentionHeads(), config.headDim());
    String keyShape =
        "num_key_value_heads %d × head_dim %d"
            .formatted(config.numKeyValueHeads(), config.headDim());
    String mlpShape = "intermediate_size %d, hidden_size %d".formatted(inner, hidden);
    Maps maps = new Maps(weights, wrapper);
    return new Block(
        norm(weights, prefix + "input_layernorm"),
        new Attention(
            layer,
            config.attentionShape(),
            maps.load(attention + "q_proj", hidden, queries, attentionBias, queryShape),
            maps.load(attention + "k_proj", hidden, keys, attentionBias, keyShape),
            maps.load(attention + "v_proj", hidden, keys, attentionBias, keyShape),
            maps.load(attention + "o_proj", queries, hidden, attentionBias, queryShape),
            rope),
        norm(weights, prefix + "post_attention_layernorm"),
        new GatedMlp(
            maps.load(mlp + "gate_proj", hidden, inner, mlpBias, mlpShape),
            maps.load(mlp + "up_proj", hidden, inner, mlpBias, mlpShape),
            maps.load(mlp + "down_proj", inner, hidden, mlpBias, mlpShape)));
  }

  private record Maps(Weights weights, Linear.Wrapper wrapper) {
    Linear load(String name, int in, int out, Bias bias, String impliedBy) {
      DenseLinear.Shape shape = new DenseLinear.Shape(in, out);
      return wrapper.wrap(weights.linear(name, shape, bias, impliedBy));
    }
  }

  private RmsNorm norm(Weights weights, String name) {
    String impliedBy = "hidden_size " + config.hiddenSize();
    return new RmsNorm(
        weights.parameter(name + ".weight", impliedBy, config.hiddenSize()), config.rmsNormEps());
  }

  private Linear head(Weights weights, Parameter table) {
    if (config.tieWordEmbeddings()) {
      Parameter weight = weights.shared(table, "lm_head.weight");
      return new DenseLinear("lm_head", weight, Optional.empty());
    }
    DenseLinear.Shape shape = new DenseLinear.Shape(config.hiddenSize(), config.vocabSize());
    String impliedBy =
        "vocab_size %d, hidden_size %d, tie_word_embeddings false"
            .formatted(config.vocabSize(), config.hiddenSize());
    return DenseLinear.load(weights, "lm_head", shape, Bias.NO, impliedBy);
  }

  /** Remembers every weight that a model took, so that it can free them. */
  private final class Recorded implements Weights {
    private final Weights source;

    Recorded(Weights source) {
      this.source = source;
    }

    @Override
    public Parameter parameter(String name, String impliedBy, long... shape) {
      Parameter parameter = source.parameter(name, impliedBy, shape);
      parameters.add(parameter);
      owned.add(parameter);
      return parameter;
    }

    @Override
    public BaseLinear linear(String name, DenseLinear.Shape shape, Bias bias, String impliedBy) {
      BaseLinear map = source.linear(name, shape, bias, impliedBy);
      parameters.addAll(map.parameters());
      maps.add(map);
      return map;
    }

    @Override
    public Parameter shared(Parameter owner, String name) {
      Parameter parameter = source.shared(owner, name);
      if (parameter != owner) {
        parameters.add(parameter);
        owned.add(parameter);
      }
      return parameter;
    }

    @Override
    public boolean contains(String name) {
      return source.contains(name);
    }
  }

  /** The config that this model was built from. */
  public LlamaConfig config() {
    return config;
  }

  @Override
  public RmsNorm finalNorm() {
    return finalNorm;
  }

  @Override
  public Linear head() {
    return head;
  }

  @Override
  public List<Parameter> parameters() {
    return List.copyOf(parameters);
  }

  @Override
  public long parameterCount() {
    return owned.stream().mapToLong(parameter -> parameter.value().elements()).sum()
        + maps.stream().mapToLong(BaseLinear::parameterCount).sum();
  }

  @Override
  public long weightBytes() {
    return owned.stream().mapToLong(parameter -> parameter.value().bytes()).sum()
        + maps.stream().mapToLong(BaseLinear::weightBytes).sum();
  }

  @Override
  public List<BaseLinear> quantisedMaps() {
    return maps.stream().filter(map -> !(map instanceof DenseLinear)).toList();
  }

  @Override
  public int vocabularySize() {
    return config.vocabSize();
  }

  @Override
  public int contextLength() {
    return config.maxPositionEmbeddings();
  }

  @Override
  public int layers() {
    return config.numHiddenLayers();
  }

  @Override
  public AttentionShape attentionShape() {
    return config.attentionShape();
  }

  @Override
  public void close() {
    owned.forEach(Parameter::close);
    maps.forEach(BaseLinear::close);
    owned.clear();
    maps.clear();
    parameters.clear();
    rope.close();
  }
}
