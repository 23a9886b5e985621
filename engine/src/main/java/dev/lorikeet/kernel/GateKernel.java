package dev.lorikeet.kernel;

import static dev.lorikeet.kernel.VectorMath.FLOATS;
import static dev.lorikeet.kernel.VectorMath.LANES;
import static dev.lorikeet.kernel.VectorMath.get;
import static dev.lorikeet.kernel.VectorMath.load;
import static dev.lorikeet.kernel.VectorMath.set;
import static dev.lorikeet.kernel.VectorMath.store;

import dev.lorikeet.torch.CpuDevice;
import dev.lorikeet.torch.Tensor;
import jdk.incubator.vector.FloatVector;

/**
 * The gate of a SwiGLU layer (Shazeer 2020): out = g·σ(g)·u. With s = σ(g): du = dout·g·s, dg =
 * dout·u·s·(1 + g·(1 − s)).
 */
final class GateKernel {
  private static final int GRAIN = 4096;
  private final CpuDevice device;

  GateKernel(CpuDevice device) {
    this.device = device;
  }

  void forward(Tensor gate, Tensor up, Tensor out) {
    long gateAt = gate.address();
    long upAt = up.address();
    long outAt = out.address();
    device.forRange(
        Math.toIntExact(gate.elements()),
        GRAIN,
        (from, to) -> forwardRange(gateAt, upAt, outAt, from, to));
  }

  void backward(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    long dOutAt = dOut.address();
    long gateAt = gate.address();
    long upAt = up.address();
    long dGateAt = dGate.address();
    long dUpAt = dUp.address();
    device.forRange(
        Math.toIntExact(gate.elements()),
        GRAIN,
        (from, to) -> backwardRange(dOutAt, gateAt, upAt, dGateAt, dUpAt, from, to));
  }

  private static void forwardRange(long gate, long up, long out, int from, int to) {
    int i = from;
    for (; i + LANES <= to; i += LANES) {
      FloatVector g = load(gate + 4L * i);
      store(g.mul(sigmoid(g)).mul(load(up + 4L * i)), out + 4L * i);
    }
    for (; i < to; i++) {
      float g = get(gate + 4L * i);
      set(out + 4L * i, g * sigmoid(g) * get(up + 4L * i));
    }
  }

  private static void backwardRange(
      long dOut, long gate, long up, long dGate, long dUp, int from, int to) {
    int i = from;
    for (; i + LANES <= to; i += LANES) {
      FloatVector d = load(dOut + 4L * i);
      FloatVector g = load(gate + 4L * i);
      FloatVector u = load(up + 4L * i);
      FloatVector s = sigmoid(g);
      FloatVector gs = g.mul(s);
      // s·(1 + g·(1 − s)) = s + gs − gs·s
      store(d.mul(u).mul(s.add(gs).sub(gs.mul(s))), dGate + 4L * i);
      store(d.mul(gs), dUp + 4L * i);
    }
    for (; i < to; i++) {
      float d = get(dOut + 4L * i);
      float g = get(gate + 4L * i);
      float u = get(up + 4L * i);
      float s = sigmoid(g);
      float gs = g * s;
      set(dGate + 4L * i, d * u * (s + gs - gs * s));
      set(dUp + 4L * i, d * gs);
    }
  }

  private static FloatVector sigmoid(FloatVector x) {
    return FloatVector.broadcast(FLOATS, 1f).div(VectorMath.exp(x.neg()).add(1f));
  }

  private static float sigmoid(float x) {
    return 1f / (VectorMath.exp(-x) + 1f);
  }
}
