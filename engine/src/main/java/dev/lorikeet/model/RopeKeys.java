package dev.lorikeet.model;

import dev.lorikeet.format.JsonConfig;
import dev.lorikeet.model.RopeScaling.Dynamic;
import dev.lorikeet.model.RopeScaling.Linear;
import dev.lorikeet.model.RopeScaling.Llama3;
import dev.lorikeet.model.RopeScaling.LongRope;
import dev.lorikeet.model.RopeScaling.Plain;
import dev.lorikeet.model.RopeScaling.Yarn;
import java.util.List;

/**
 * Rotary positions as a config has them: {@code rope_parameters} (transformers 5), or {@code
 * rope_theta} and {@code rope_scaling}.
 *
 * @param json the whole config
 * @param scaling where the type stands: an inner object, or the whole config if there is none
 * @param defaultTheta base of the frequencies unless said
 */
record RopeKeys(JsonConfig json, JsonConfig scaling, double defaultTheta) {
  private static final double DEFAULT_THETA = 10000.0;
  private static final double BETA_FAST = 32;
  private static final double BETA_SLOW = 1;

  static RopeKeys of(JsonConfig json) {
    JsonConfig scaling =
        json.object("rope_parameters").or(() -> json.object("rope_scaling")).orElse(json);
    return new RopeKeys(json, scaling, DEFAULT_THETA);
  }

  /** The positions of {@code json}, on all columns of a head. */
  static RopeScaling read(JsonConfig json, int context) {
    return of(json).scaling(context);
  }

  /** Positions turn pairs of columns. */
  static void requireEven(JsonConfig json, int headDim) {
    if (headDim % 2 != 0) {
      throw json.wrong("head_dim", "an even number, because rotary positions turn pairs");
    }
  }

  /**
   * The share of a head's columns that are turned.
   *
   * @param oldKey the key beside {@code rope_scaling}
   */
  double partialRotaryFactor(String oldKey, double fallback) {
    double outer = json.optDouble(oldKey, fallback);
    double share = scaling == json ? outer : scaling.optDouble("partial_rotary_factor", outer);
    if (!(share > 0 && share <= 1)) {
      throw json.wrong(oldKey, "a share above 0 and at most 1");
    }
    return share;
  }

  /** Turned columns of a head: {@code ⌊headDim · share⌋}, at least 2. */
  int rotary(int headDim, String oldKey, double fallback) {
    int rotary = (int) (headDim * partialRotaryFactor(oldKey, fallback));
    if (rotary < 2) {
      throw json.wrong(
          json.has(oldKey) ? oldKey : "head_dim",
          "a share of head_dim %d that gives at least 2 turned columns".formatted(headDim));
    }
    return rotary;
  }

  /** The same where columns are turned in pairs only. */
  int evenRotary(int headDim, String oldKey, double fallback) {
    int rotary = rotary(headDim, oldKey, fallback);
    if (rotary % 2 != 0) {
      throw json.wrong(
          json.has(oldKey) ? oldKey : "head_dim",
          "a share of head_dim %d that gives an even number of turned columns, not %d"
              .formatted(headDim, rotary));
    }
    return rotary;
  }

  /**
   * The frequencies.
   *
   * @param context {@code max_position_embeddings}
   */
  RopeScaling scaling(int context) {
    return scaling(context, "rope_theta");
  }

  /** The same where θ has another old name. */
  RopeScaling scaling(int context, String oldTheta) {
    double theta = theta(oldTheta);
    String type = type();
    return switch (type) {
      case "default", "mrope" -> plain(type, theta);
      case "linear" -> new Linear(theta, factor());
      case "dynamic" -> new Dynamic(theta, factor(), context);
      case "llama3" ->
          new Llama3(
              theta,
              factor(),
              scaling.requiredDouble("low_freq_factor"),
              scaling.requiredDouble("high_freq_factor"),
              original(context));
      case "yarn" -> yarn(theta, context);
      case "longrope", "su" -> longRope(theta, context, original(context));
      default -> throw unknown(type);
    };
  }

  private double theta(String oldKey) {
    double theta =
        scaling.findDouble("rope_theta").orElseGet(() -> json.optDouble(oldKey, defaultTheta));
    if (!(theta > 1)) {
      throw json.wrong(oldKey, "a number above 1");
    }
    return theta;
  }

  String type() {
    return scaling == json
        ? "default"
        : scaling.findString("rope_type").or(() -> scaling.findString("type")).orElse("default");
  }

  private RopeScaling plain(String type, double theta) {
    if (type.equals("mrope")) {
      throw unknown(type);
    }
    return new Plain(theta);
  }

  RuntimeException unknown(String type) {
    return scaling.wrong(
        scaling.has("rope_type") ? "rope_type" : "type",
        "one of default, linear, dynamic, llama3, yarn, longrope; %s is not known here"
            .formatted(type));
  }

  private double factor() {
    double factor = scaling.requiredDouble("factor");
    if (!(factor >= 1)) {
      throw scaling.wrong("factor", "a number of at least 1");
    }
    return factor;
  }

  /** Tokens before the extension: beside the positions, among them, or {@code fallback}. */
  double original(int fallback) {
    String key = "original_max_position_embeddings";
    double inner = scaling.optDouble(key, fallback);
    return json.findDouble(key).orElse(inner);
  }

  private Yarn yarn(double theta, int context) {
    double original = original(context);
    double factor = scaling.optDouble("factor", context / original);
    double mscale = scaling.optDouble("mscale", 0);
    double mscaleAllDim = scaling.optDouble("mscale_all_dim", 0);
    double inferred =
        mscale != 0 && mscaleAllDim != 0
            ? yarnStretch(factor, mscale) / yarnStretch(factor, mscaleAllDim)
            : yarnStretch(factor, 1);
    return new Yarn(
        theta,
        factor,
        scaling.optDouble("attention_factor", inferred),
        orElse(scaling.optDouble("beta_fast", BETA_FAST), BETA_FAST),
        orElse(scaling.optDouble("beta_slow", BETA_SLOW), BETA_SLOW),
        original,
        scaling.optBoolean("truncate", true));
  }

  private static double yarnStretch(double factor, double mscale) {
    return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
  }

  /** Zero means unset. */
  private static double orElse(double value, double fallback) {
    return value == 0 ? fallback : value;
  }

  /** LongRoPE whatever the type says, from an original context. */
  LongRope longRope(int context, double original) {
    return longRope(theta("rope_theta"), context, original);
  }

  private LongRope longRope(double theta, int context, double original) {
    double factor = scaling.optDouble("factor", context / original);
    double inferred = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
    List<Double> shortFactor = scaling.doubleList("short_factor");
    List<Double> longFactor = scaling.doubleList("long_factor");
    if (shortFactor.isEmpty() || longFactor.size() != shortFactor.size()) {
      throw scaling.wrong(
          "long_factor", "as many numbers as short_factor has (%d)".formatted(shortFactor.size()));
    }
    return new LongRope(
        theta, shortFactor, longFactor, scaling.optDouble("attention_factor", inferred), original);
  }
}
