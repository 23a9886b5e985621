package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.FLOATS;
import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.get;
import static dev.lorikeet.kernel.VectorMath.load;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.store;

import jdk.incubator.vector.FloatVector;

/**
 * An {@link Activation} and its slope over runs of numbers. One loop a curve: a call for every
 * vector would put the vectors on the heap.
 */
enum Curve {
  SILU {
    @Override
    void values(long x, long out, int count) {
      int i = 0;
      for (; i + LANES <= count; i += LANES) {
        FloatVector v = load(x + 4L * i);
        store(v.div(VectorMath.exp(v.neg()).add(1f)), out + 4L * i);
      }
      for (; i < count; i++) {
        float v = get(x + 4L * i);
        set(out + 4L * i, v / (VectorMath.exp(-v) + 1f));
      }
    }

    // With s = σ(x): s + x·s·(1 − s).
    @Override
    void slopes(long x, long out, int count) {
      FloatVector one = FloatVector.broadcast(FLOATS, 1f);
      int i = 0;
      for (; i + LANES <= count; i += LANES) {
        FloatVector v = load(x + 4L * i);
        FloatVector s = one.div(VectorMath.exp(v.neg()).add(1f));
        store(v.mul(s).mul(one.sub(s)).add(s), out + 4L * i);
      }
      for (; i < count; i++) {
        float v = get(x + 4L * i);
        float s = 1f / (VectorMath.exp(-v) + 1f);
        set(out + 4L * i, v * s * (1f - s) + s);
      }
    }
  },

  GELU {
    @Override
    void values(long x, long out, int count) {
      int i = 0;
      for (; i + LANES <= count; i += LANES) {
        FloatVector v = load(x + 4L * i);
        store(VectorMath.erf(v.mul(SQRT_HALF)).add(1f).mul(v.mul(0.5f)), out + 4L * i);
      }
      for (; i < count; i++) {
        float v = get(x + 4L * i);
        set(out + 4L * i, (VectorMath.erf(v * SQRT_HALF) + 1f) * (v * 0.5f));
      }
    }

    // Φ(x) + x·φ(x), φ the normal density.
    @Override
    void slopes(long x, long out, int count) {
      int i = 0;
      for (; i + LANES <= count; i += LANES) {
        FloatVector v = load(x + 4L * i);
        FloatVector below = VectorMath.erf(v.mul(SQRT_HALF)).add(1f).mul(0.5f);
        FloatVector density = VectorMath.exp(v.mul(v).mul(-0.5f)).mul(NORMAL);
        store(v.mul(density).add(below), out + 4L * i);
      }
      for (; i < count; i++) {
        float v = get(x + 4L * i);
        float below = (VectorMath.erf(v * SQRT_HALF) + 1f) * 0.5f;
        set(out + 4L * i, v * (VectorMath.exp(v * v * -0.5f) * NORMAL) + below);
      }
    }
  },

  GELU_TANH {
    @Override
    void values(long x, long out, int count) {
      int i = 0;
      for (; i + LANES <= count; i += LANES) {
        FloatVector v = load(x + 4L * i);
        FloatVector t = VectorMath.tanh(v.mul(v).mul(CUBIC).add(1f).mul(v).mul(SQRT_2_BY_PI));
        store(t.add(1f).mul(v.mul(0.5f)), out + 4L * i);
      }
      for (; i < count; i++) {
        float v = get(x + 4L * i);
        float t = VectorMath.tanh((v * v * CUBIC + 1f) * v * SQRT_2_BY_PI);
        set(out + 4L * i, (t + 1f) * (v * 0.5f));
      }
    }

    // With t the hyperbolic tangent of u: (1 + t)/2 + x/2·(1 − t²)·u′.
    @Override
    void slopes(long x, long out, int count) {
      FloatVector one = FloatVector.broadcast(FLOATS, 1f);
      int i = 0;
      for (; i + LANES <= count; i += LANES) {
        FloatVector v = load(x + 4L * i);
        FloatVector square = v.mul(v).mul(CUBIC);
        FloatVector t = VectorMath.tanh(square.add(1f).mul(v).mul(SQRT_2_BY_PI));
        FloatVector inner = square.mul(3f).add(1f).mul(SQRT_2_BY_PI);
        FloatVector bend = one.sub(t.mul(t)).mul(inner).mul(v.mul(0.5f));
        store(t.add(1f).mul(0.5f).add(bend), out + 4L * i);
      }
      for (; i < count; i++) {
        float v = get(x + 4L * i);
        float square = v * v * CUBIC;
        float t = VectorMath.tanh((square + 1f) * v * SQRT_2_BY_PI);
        float bend = (1f - t * t) * ((square * 3f + 1f) * SQRT_2_BY_PI) * (v * 0.5f);
        set(out + 4L * i, (t + 1f) * 0.5f + bend);
      }
    }
  },

  RELU {
    @Override
    void values(long x, long out, int count) {
      for (int i = 0; i < count; i++) {
        set(out + 4L * i, Math.max(get(x + 4L * i), 0f));
      }
    }

    @Override
    void slopes(long x, long out, int count) {
      for (int i = 0; i < count; i++) {
        set(out + 4L * i, get(x + 4L * i) > 0 ? 1f : 0f);
      }
    }
  };

  private static final float SQRT_HALF = 0.70710677f;
  private static final float NORMAL = 0.3989423f; // 1/√(2π)
  private static final float SQRT_2_BY_PI = 0.7978846f;
  private static final float CUBIC = 0.044715f;

  static Curve of(Activation activation) {
    return switch (activation) {
      case SILU -> SILU;
      case GELU -> GELU;
      case GELU_TANH -> GELU_TANH;
      case RELU -> RELU;
    };
  }

  /** out = f(x); the two may be one. */
  abstract void values(long x, long out, int count);

  /** out = f′(x); the two may be one. */
  abstract void slopes(long x, long out, int count);
}
