package dev.lorikeet.kernel;

import static dev.lorikeet.torch.KernelArgument.arg;

import dev.lorikeet.torch.KernelArgument;
import dev.lorikeet.torch.Tensor;

/** The updates of optimisers on a GPU; no update waits for it. */
final class CudaUpdates implements UpdateKernels {
  private static final KernelArgument SIGNED = arg(DynamicMap.SIGNED.values());
  private static final KernelArgument UNSIGNED = arg(DynamicMap.UNSIGNED.values());

  private final CudaGrids grids;

  CudaUpdates(CudaGrids grids) {
    this.grids = grids;
  }

  /** The struct AdamW of updates.cu. */
  private static KernelArgument numbers(AdamWStep step) {
    return arg(
        step.keptMean(),
        step.newMean(),
        step.keptSquare(),
        step.newSquare(),
        step.decay(),
        step.stepSize(),
        step.rootScale(),
        (float) step.epsilon());
  }

  @Override
  public void adamW(Tensor parameter, Tensor gradient, Tensor mean, Tensor square, AdamWStep step) {
    long count = parameter.elements();
    grids.elements(
        "adamw",
        count,
        arg(parameter),
        arg(gradient),
        arg(mean),
        arg(square),
        arg(count),
        numbers(step));
  }

  @Override
  public void adamW(Tensor parameter, Tensor gradient, QuantizedMoments moments, AdamWStep step) {
    long count = parameter.elements();
    grids.blocks(
        "adamw_8bit",
        count,
        QuantizedMoments.BLOCK,
        arg(parameter),
        arg(gradient),
        arg(moments.mean()),
        arg(moments.meanMax()),
        arg(moments.square()),
        arg(moments.squareMax()),
        arg(count),
        numbers(step),
        SIGNED,
        UNSIGNED);
  }

  @Override
  public void sgd(Tensor parameter, Tensor gradient, SgdStep step) {
    long count = parameter.elements();
    grids.elements(
        "sgd",
        count,
        arg(parameter),
        arg(gradient),
        arg(count),
        arg((float) step.learningRate()),
        arg((float) step.weightDecay()));
  }

  @Override
  public void sgd(Tensor parameter, Tensor gradient, Tensor momentum, SgdStep step) {
    long count = parameter.elements();
    grids.elements(
        "sgd_momentum",
        count,
        arg(parameter),
        arg(gradient),
        arg(momentum),
        arg(count),
        arg((float) step.learningRate()),
        arg((float) step.momentum()),
        arg((float) step.weightDecay()),
        arg(step.direction() == SgdStep.Direction.NESTEROV ? 1 : 0));
  }

  @Override
  public void lion(Tensor parameter, Tensor gradient, Tensor mean, LionStep step) {
    long count = parameter.elements();
    grids.elements(
        "lion",
        count,
        arg(parameter),
        arg(gradient),
        arg(mean),
        arg(count),
        arg((float) step.learningRate()),
        arg((float) step.weightDecay()),
        arg((float) step.beta1()),
        arg((float) (1 - step.beta1())),
        arg((float) step.beta2()),
        arg((float) (1 - step.beta2())));
  }

  @Override
  public void adafactor(Tensor parameter, Tensor gradient, Tensor square, AdafactorStep step) {
    long count = parameter.elements();
    try (Tensor parts =
            CudaGrids.doubles(parameter.device(), Math.ceilDiv(count, CudaGrids.PIECE));
        Tensor total = CudaGrids.doubles(parameter.device(), 1)) {
      grids.pieces(
          "adafactor_grow",
          count,
          arg(gradient),
          arg(square),
          arg(parts),
          arg(count),
          arg(step.beta2()));
      grids.total(parts, total, Kernels.Into.REPLACE);
      grids.elements(
          "adafactor_move",
          count,
          arg(parameter),
          arg(gradient),
          arg(square),
          arg(total),
          arg(count),
          arg(step.learningRate()),
          arg((float) step.decay()));
    }
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
    try (Tensor parts = CudaGrids.doubles(parameter.device(), rows);
        Tensor sumOfRows = CudaGrids.doubles(parameter.device(), 1);
        Tensor total = CudaGrids.doubles(parameter.device(), 1)) {
      grids.columns(
          "adafactor_grow_columns",
          columns,
          arg(gradient),
          arg(columnSquare),
          arg(rows),
          arg(columns),
          arg(step.beta2()));
      grids.rows(
          "adafactor_grow_rows",
          rows,
          columns,
          arg(gradient),
          arg(rowSquare),
          arg(parts),
          arg(columns),
          arg(step.beta2()));
      grids.total(parts, sumOfRows, Kernels.Into.REPLACE);
      grids.rows(
          "adafactor_row_sums",
          rows,
          columns,
          arg(gradient),
          arg(rowSquare),
          arg(columnSquare),
          arg(sumOfRows),
          arg(parts),
          arg(rows),
          arg(columns));
      grids.total(parts, total, Kernels.Into.REPLACE);
      grids.rows(
          "adafactor_move_rows",
          rows,
          columns,
          arg(parameter),
          arg(gradient),
          arg(rowSquare),
          arg(columnSquare),
          arg(sumOfRows),
          arg(total),
          arg(rows),
          arg(columns),
          arg(step.learningRate()),
          arg((float) step.decay()));
    }
  }
}
