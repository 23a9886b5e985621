package dev.lorikeet.tape;

import static dev.lorikeet.fixture.Rounding.U;

import dev.lorikeet.fixture.Close;
import dev.lorikeet.fixture.FiniteDifference;
import dev.lorikeet.fixture.Tensors;
import dev.lorikeet.tape.Tape.Mode;
import dev.lorikeet.torch.Device;
import dev.lorikeet.torch.LibTorch;
import dev.lorikeet.torch.LibTorch.Gradients;
import dev.lorikeet.torch.LibTorch.Precision;
import dev.lorikeet.torch.Tensor;
import dev.lorikeet.torch.TorchValue;
import java.util.ArrayList;
import java.util.List;

/** Compares the gradients of a small network with libtorch's and with differences of a loss. */
record GradientCheck(Device device, Tensors tensors) {

  /** An operation on leaves, and the same in libtorch; weights come after the leaves there. */
  @SuppressWarnings("ArrayRecordComponent") // only carries them, is never compared
  record Network(Ours ours, Theirs theirs, Tensor[] leaves, Parameter[] weights) {}

  @FunctionalInterface
  interface Ours {
    Var run(Tape tape, Var[] leaves);
  }

  @FunctionalInterface
  interface Theirs {
    TorchValue run(LibTorch torch, TorchValue[] inputs);
  }

  /**
   * Compares with libtorch in float64 and with differences.
   *
   * @param roundings of the longest chain of sums and products in forward and backward: gradients
   *     may err by so many U of the largest value
   */
  void check(String what, int roundings, Network network) {
    float[] upstream;
    List<float[]> gradients = new ArrayList<>();
    double magnitude = 0;
    try (Tape tape = new Tape(device, Mode.RECORD)) {
      Var[] leaves = leaves(tape, network);
      Var result = network.ours.run(tape, leaves);
      float[] values = result.value().toFloats();
      upstream = Tensors.numbers(what + " upstream", values.length);
      for (int i = 0; i < values.length; i++) {
        magnitude += Math.abs((double) values[i] * upstream[i]);
      }
      tape.backward(result, result.value().emptyLike().copyFrom(upstream));
      for (Var leaf : leaves) {
        try (Tensor gradient = tape.takeGradient(leaf)) {
          gradients.add(gradient.toFloats());
        }
      }
      for (Parameter weight : network.weights) {
        gradients.add(tensors.keep(weight.gradient().orElseThrow()).toFloats());
      }
    }
    List<float[]> expected = theirs(network, upstream);
    for (int i = 0; i < expected.size(); i++) {
      String name = what + " input " + i;
      Close.assertRelative(expected.get(i), gradients.get(i), roundings * U, name);
      Tensor value =
          i < network.leaves.length
              ? network.leaves[i]
              : network.weights[i - network.leaves.length].value();
      // A result errs by `roundings` of its size at most, errors of either sign by their root.
      double noise = Math.sqrt(roundings) * U * magnitude / Math.sqrt(upstream.length) * 2;
      FiniteDifference.check(value, gradients.get(i), () -> loss(network, upstream), noise, name);
    }
  }

  private Var[] leaves(Tape tape, Network network) {
    Var[] leaves = new Var[network.leaves.length];
    for (int i = 0; i < leaves.length; i++) {
      leaves[i] = tape.leaf(network.leaves[i].emptyLike().copyFrom(network.leaves[i]));
    }
    return leaves;
  }

  private double loss(Network network, float[] upstream) {
    try (Tape tape = new Tape(device, Mode.INFERENCE)) {
      float[] values = network.ours.run(tape, leaves(tape, network)).value().toFloats();
      double loss = 0;
      for (int i = 0; i < values.length; i++) {
        loss += (double) values[i] * upstream[i];
      }
      return loss;
    }
  }

  private List<float[]> theirs(Network network, float[] upstream) {
    List<float[]> gradients = new ArrayList<>();
    try (LibTorch torch = LibTorch.open(Precision.FLOAT64, Gradients.ON)) {
      List<TorchValue> inputs = new ArrayList<>();
      for (Tensor leaf : network.leaves) {
        inputs.add(torch.leaf(leaf));
      }
      for (Parameter weight : network.weights) {
        inputs.add(torch.leaf(weight.value()));
      }
      TorchValue result = network.theirs.run(torch, inputs.toArray(TorchValue[]::new));
      Tensor given = tensors.of(upstream, upstream.length);
      result.reshape(-1).mul(torch.view(given)).total().backward();
      for (TorchValue input : inputs) {
        double[] gradient = input.gradient().toDoubles();
        float[] rounded = new float[gradient.length];
        for (int i = 0; i < rounded.length; i++) {
          rounded[i] = (float) gradient[i];
        }
        gradients.add(rounded);
      }
    }
    return gradients;
  }
}
