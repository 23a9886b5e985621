// Root mean square normalisation (Zhang and Sennrich 2019): y = x·r·w with r = 1/√(mean(x²) + ε).
// x, y, dy, dx [T, width], weight [width], rstd [T]. Block t is row t.
#include "common.cuh"

extern "C" __global__ void rms_norm(
    const float* x, const float* weight, float* y, float* rstd, int width, double eps) {
  long long row = (long long)blockIdx.x * width;
  float squares = 0.0f;
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    squares = fmaf(x[row + i], x[row + i], squares);
  }
  squares = block_sum(squares);
  float r = (float)(1.0 / sqrt((double)squares / width + eps));
  if (threadIdx.x == 0) {
    rstd[blockIdx.x] = r;
  }
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    y[row + i] = x[row + i] * r * weight[i];
  }
}

// With g = w·dy: dx = r·g − x·r³·mean(g·x), added to what is there if add is not 0.
extern "C" __global__ void rms_norm_backward(
    const float* dy, const float* x, const float* weight, const float* rstd, float* dx, int width, int add) {
  long long row = (long long)blockIdx.x * width;
  float dot = 0.0f;
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    dot = fmaf(dy[row + i] * weight[i], x[row + i], dot);
  }
  dot = block_sum(dot);
  float r = rstd[blockIdx.x];
  float of_x = -r * r * r * (dot / width);
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    float result = fmaf(x[row + i], of_x, dy[row + i] * weight[i] * r);
    dx[row + i] = add ? result + dx[row + i] : result;
  }
}

// dweight += Σₜ dy·x·r. Blocks of STRANDS warps, a lane is a column.
extern "C" __global__ void rms_norm_weight_gradient(
    const float* dy, const float* x, const float* rstd, float* dweight, int rows, int width) {
  int column = strand_column();
  float sum = 0.0f;
  if (column < width) {
    for (int t = strand(); t < rows; t += STRANDS) {
      long long at = (long long)t * width + column;
      sum += dy[at] * x[at] * rstd[t];
    }
  }
  sum = sum_of_strands(sum);
  if (strand() == 0 && column < width) {
    dweight[column] += sum;
  }
}
