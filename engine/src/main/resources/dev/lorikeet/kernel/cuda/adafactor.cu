// Adafactor (Shazeer and Stern 2018, algorithms 4 and 5): v ← β₂v + (1−β₂)(g² + ε), u = g/√v,
// p ← p·decay − lr·u / max(1, rms(u)). Of a matrix [rows, columns] v is r·cᵀ / mean(r) with the means r of
// its rows and c of its columns. Sums of u² are doubles, one a piece or a row; `total` adds them.
#include "common.cuh"

__device__ __forceinline__ float grown(float state, double mean_square, double beta2) {
  return (float)(beta2 * (double)state + (1.0 - beta2) * (mean_square + 1e-30));
}

// v of every element grows; sums[b] = Σ u² over piece b.
extern "C" __global__ void adafactor_grow(
    const float* gradient, float* square, double* sums, long long count, double beta2) {
  long long begin = (long long)blockIdx.x * PIECE;
  long long end = begin + PIECE < count ? begin + PIECE : count;
  double sum = 0.0;
  for (long long i = begin + threadIdx.x; i < end; i += blockDim.x) {
    float g = gradient[i];
    float v = grown(square[i], (double)g * (double)g, beta2);
    square[i] = v;
    float u = g / sqrtf(v);
    sum += (double)u * (double)u;
  }
  store_block_sum(sum, sums);
}

// p ← p·decay − size·g/√v with size = lr / max(1, √(Σ u² / count)).
extern "C" __global__ void adafactor_move(
    float* parameter,
    const float* gradient,
    const float* square,
    const double* sum_of_squares,
    long long count,
    double rate,
    float decay) {
  float size = (float)(rate / fmax(1.0, sqrt(*sum_of_squares / (double)count)));
  for (long long i = grid_thread(); i < count; i += grid_threads()) {
    parameter[i] = parameter[i] * decay - gradient[i] / sqrtf(square[i]) * size;
  }
}

// r of every row grows; block b is row b. row_values[b] = r, as a double for the mean.
extern "C" __global__ void adafactor_grow_rows(
    const float* gradient, float* row_square, double* row_values, int columns, double beta2) {
  const float* row = gradient + (long long)blockIdx.x * columns;
  double sum = 0.0;
  for (int i = threadIdx.x; i < columns; i += blockDim.x) {
    sum += (double)row[i] * (double)row[i];
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) {
    float r = grown(row_square[blockIdx.x], sum / columns, beta2);
    row_square[blockIdx.x] = r;
    row_values[blockIdx.x] = (double)r;
  }
}

// c of every column grows. Blocks of STRANDS warps, a lane is a column.
extern "C" __global__ void adafactor_grow_columns(
    const float* gradient, float* column_square, int rows, int columns, double beta2) {
  int column = strand_column();
  double sum = 0.0;
  if (column < columns) {
    for (int t = strand(); t < rows; t += STRANDS) {
      float g = gradient[(long long)t * columns + column];
      sum += (double)g * (double)g;
    }
  }
  sum = sum_of_strands(sum);
  if (strand() == 0 && column < columns) {
    column_square[column] = grown(column_square[column], sum / rows, beta2);
  }
}

// √(mean(r) / r) of this block's row.
__device__ __forceinline__ float row_scale(const float* row_square, const double* sum_of_rows, int rows) {
  return (float)sqrt(*sum_of_rows / rows / (double)row_square[blockIdx.x]);
}

// sums[b] = Σ u² over row b.
extern "C" __global__ void adafactor_row_sums(
    const float* gradient,
    const float* row_square,
    const float* column_square,
    const double* sum_of_rows,
    double* sums,
    int rows,
    int columns) {
  float scale = row_scale(row_square, sum_of_rows, rows);
  const float* row = gradient + (long long)blockIdx.x * columns;
  double sum = 0.0;
  for (int i = threadIdx.x; i < columns; i += blockDim.x) {
    float u = row[i] * scale / sqrtf(column_square[i]);
    sum += (double)u * (double)u;
  }
  store_block_sum(sum, sums);
}

// p ← p·decay − size·u of row b.
extern "C" __global__ void adafactor_move_rows(
    float* parameter,
    const float* gradient,
    const float* row_square,
    const float* column_square,
    const double* sum_of_rows,
    const double* sum_of_squares,
    int rows,
    int columns,
    double rate,
    float decay) {
  float scale = row_scale(row_square, sum_of_rows, rows);
  double count = (double)rows * (double)columns;
  float size = (float)(rate / fmax(1.0, sqrt(*sum_of_squares / count)));
  long long row = (long long)blockIdx.x * columns;
  for (int i = threadIdx.x; i < columns; i += blockDim.x) {
    float u = gradient[row + i] * scale / sqrtf(column_square[i]);
    parameter[row + i] = parameter[row + i] * decay - u * size;
  }
}
