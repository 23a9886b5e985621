package dev.lorikeet.kernel;

import dev.lorikeet.torch.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.IntToDoubleFunction;

/**
 * The plain reference of every update, an element at a time in double, rounded once when it is
 * written. Only the states of 8 bits are computed in float32 and in the very order of the fast
 * kernel: the last bit decides which code is nearest.
 */
final class PlainUpdates implements UpdateKernels {

  @Override
  public void adamW(Tensor parameter, Tensor gradient, Tensor mean, Tensor square, AdamWStep step) {
    float[] p = parameter.toFloats();
    float[] g = gradient.toFloats();
    float[] m = mean.toFloats();
    float[] v = square.toFloats();
    double meanCorrection = 1 - StrictMath.pow(step.beta1(), (double) step.step());
    double squareCorrection = 1 - StrictMath.pow(step.beta2(), (double) step.step());
    for (int i = 0; i < p.length; i++) {
      double newMean = step.beta1() * m[i] + (1 - step.beta1()) * g[i];
      double newSquare = step.beta2() * v[i] + (1 - step.beta2()) * g[i] * g[i];
      double root = Math.sqrt(newSquare / squareCorrection) + step.epsilon();
      double change = step.learningRate() * (newMean / meanCorrection) / root;
      p[i] = (float) (p[i] * (1 - step.learningRate() * step.weightDecay()) - change);
      m[i] = (float) newMean;
      v[i] = (float) newSquare;
    }
    parameter.copyFrom(p);
    mean.copyFrom(m);
    square.copyFrom(v);
  }

  @Override
  public void adamW(Tensor parameter, Tensor gradient, QuantizedMoments moments, AdamWStep step) {
    float[] p = parameter.toFloats();
    float[] g = gradient.toFloats();
    float[] m = decoded(moments.mean(), moments.meanMax(), DynamicMap.SIGNED);
    float[] v = decoded(moments.square(), moments.squareMax(), DynamicMap.UNSIGNED);
    for (int i = 0; i < p.length; i++) {
      m[i] = m[i] * step.keptMean() + g[i] * step.newMean();
      v[i] = v[i] * step.keptSquare() + g[i] * g[i] * step.newSquare();
      float root = (float) Math.sqrt(v[i]) * step.rootScale() + (float) step.epsilon();
      p[i] = p[i] * step.decay() + m[i] / root * step.stepSize();
    }
    parameter.copyFrom(p);
    encode(m, moments.mean(), moments.meanMax(), DynamicMap.SIGNED);
    encode(v, moments.square(), moments.squareMax(), DynamicMap.UNSIGNED);
  }

  private static float[] decoded(Tensor codes, Tensor max, DynamicMap map) {
    float[] scales = max.toFloats();
    float[] values = new float[Math.toIntExact(codes.elements())];
    for (int i = 0; i < values.length; i++) {
      byte code = codes.segment().get(ValueLayout.JAVA_BYTE, i);
      values[i] = map.value(code) * scales[i / QuantizedMoments.BLOCK];
    }
    return values;
  }

  private static void encode(float[] values, Tensor codes, Tensor max, DynamicMap map) {
    float[] scales = new float[Math.toIntExact(max.elements())];
    for (int i = 0; i < values.length; i++) {
      int block = i / QuantizedMoments.BLOCK;
      scales[block] = Math.max(scales[block], Math.abs(values[i]));
    }
    max.copyFrom(scales);
    float[] table = map.values();
    for (int i = 0; i < values.length; i++) {
      float scale = scales[i / QuantizedMoments.BLOCK];
      int code = scale == 0 ? map.zero() & 0xFF : nearest(table, values[i] / scale);
      codes.segment().set(ValueLayout.JAVA_BYTE, i, (byte) code);
    }
  }

  /** The definition: every middle between two values is looked at. */
  private static int nearest(float[] table, float x) {
    int code = 0;
    for (int upper = 1; upper < table.length; upper++) {
      float middle = (table[upper - 1] + table[upper]) * 0.5f;
      if (x > middle || (x == middle && upper % 2 == 0)) {
        code = upper;
      }
    }
    return x < 0 && table[code] == 0 ? code - 1 : code;
  }

  @Override
  public void sgd(Tensor parameter, Tensor gradient, SgdStep step) {
    float[] p = parameter.toFloats();
    float[] g = gradient.toFloats();
    for (int i = 0; i < p.length; i++) {
      p[i] = (float) (p[i] - step.learningRate() * (g[i] + step.weightDecay() * p[i]));
    }
    parameter.copyFrom(p);
  }

  @Override
  public void sgd(Tensor parameter, Tensor gradient, Tensor momentum, SgdStep step) {
    float[] p = parameter.toFloats();
    float[] g = gradient.toFloats();
    float[] b = momentum.toFloats();
    for (int i = 0; i < p.length; i++) {
      double slope = g[i] + step.weightDecay() * p[i];
      double buffer = step.momentum() * b[i] + slope;
      double direction =
          step.direction() == SgdStep.Direction.NESTEROV
              ? slope + step.momentum() * buffer
              : buffer;
      p[i] = (float) (p[i] - step.learningRate() * direction);
      b[i] = (float) buffer;
    }
    parameter.copyFrom(p);
    momentum.copyFrom(b);
  }

  @Override
  public void lion(Tensor parameter, Tensor gradient, Tensor mean, LionStep step) {
    float[] p = parameter.toFloats();
    float[] g = gradient.toFloats();
    float[] m = mean.toFloats();
    for (int i = 0; i < p.length; i++) {
      double sign = Math.signum(step.beta1() * m[i] + (1 - step.beta1()) * g[i]);
      p[i] = (float) (p[i] - step.learningRate() * (sign + step.weightDecay() * p[i]));
      m[i] = (float) (step.beta2() * m[i] + (1 - step.beta2()) * g[i]);
    }
    parameter.copyFrom(p);
    mean.copyFrom(m);
  }

  @Override
  public void adafactor(Tensor parameter, Tensor gradient, Tensor square, AdafactorStep step) {
    float[] g = gradient.toFloats();
    float[] v = square.toFloats();
    double[] exact = new double[v.length];
    for (int i = 0; i < v.length; i++) {
      exact[i] = grown(v[i], (double) g[i] * g[i], step);
      v[i] = (float) exact[i];
    }
    square.copyFrom(v);
    takeStep(parameter, i -> g[i] / Math.sqrt(exact[i]), step);
  }

  @Override
  public void adafactor(
      Tensor parameter,
      Tensor gradient,
      Tensor rowSquare,
      Tensor columnSquare,
      AdafactorStep step) {
    int rows = Math.toIntExact(parameter.size(0));
    int columns = Math.toIntExact(parameter.size(1));
    float[] g = gradient.toFloats();
    double[] ofRow = new double[rows];
    double[] ofColumn = new double[columns];
    for (int i = 0; i < g.length; i++) {
      double squared = (double) g[i] * g[i];
      ofRow[i / columns] += squared / columns;
      ofColumn[i % columns] += squared / rows;
    }
    grow(rowSquare, ofRow, step);
    grow(columnSquare, ofColumn, step);
    double meanRow = Arrays.stream(ofRow).sum() / rows;
    takeStep(
        parameter,
        i -> g[i] / Math.sqrt(ofRow[i / columns] / meanRow * ofColumn[i % columns]),
        step);
  }

  /** The new state of a mean square, in place of the mean itself too. */
  private static void grow(Tensor state, double[] means, AdafactorStep step) {
    float[] values = state.toFloats();
    for (int i = 0; i < values.length; i++) {
      means[i] = grown(values[i], means[i], step);
      values[i] = (float) means[i];
    }
    state.copyFrom(values);
  }

  private static double grown(double state, double meanSquare, AdafactorStep step) {
    return step.beta2() * state + (1 - step.beta2()) * (meanSquare + AdafactorStep.EPSILON);
  }

  private static void takeStep(Tensor parameter, IntToDoubleFunction update, AdafactorStep step) {
    float[] p = parameter.toFloats();
    double squares = 0;
    for (int i = 0; i < p.length; i++) {
      double u = update.applyAsDouble(i);
      squares += u * u;
    }
    double size = step.stepSize(squares, p.length);
    for (int i = 0; i < p.length; i++) {
      p[i] = (float) (p[i] * step.decay() - size * update.applyAsDouble(i));
    }
    parameter.copyFrom(p);
  }
}
