// What weight decomposition (DoRA, Liu et al. 2024) needs beside products: lengths of the rows of a weight W
// [rows, columns] with its update s·BA, and the gradient of the magnitudes m [rows], with the lengths as constants.
// A [rank, columns], B [rows, rank].
#include "common.cuh"
#include "four_bit.cuh"

// A row whose squared length is below this share of its terms' sizes has lost too much to them; such a row is
// marked with a length that none has.
#define CANCELLED (1.0 / 16.0)
#define CANCELLED_MARK -1.0f

// Below this factor c = m/length, z cannot be had from y = c·z + bias.
#define SMALLEST_FACTOR (1.0f / 64.0f)

// squares[i] = the sum of row i's squares, in double; a block a row.
extern "C" __global__ void row_squares(const float* rows, float* squares, int columns) {
  const float* row = rows + (long long)blockIdx.x * columns;
  double sum = 0.0;
  for (int j = threadIdx.x; j < columns; j += blockDim.x) {
    sum += (double)row[j] * (double)row[j];
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) {
    squares[blockIdx.x] = (float)sum;
  }
}

// norms[i] = √(squares[i] + 2s·Bᵢ·cross[:, i] + s²·Bᵢ·own[i]), a thread a row: cross = A·Wᵀ [rank, rows],
// own = B·A·Aᵀ [rows, rank].
extern "C" __global__ void row_norms(
    const float* squares,
    const float* b,
    const float* cross,
    const float* own,
    float* norms,
    int rows,
    int rank,
    float scale) {
  double s = (double)scale;
  for (long long i = grid_thread(); i < rows; i += grid_threads()) {
    double mixed = 0.0;
    double mixed_size = 0.0;
    double update = 0.0;
    for (int k = 0; k < rank; k++) {
      double factor = (double)b[i * rank + k];
      double product = factor * (double)cross[(long long)k * rows + i];
      mixed += product;
      mixed_size += fabs(product);
      update += factor * (double)own[i * rank + k];
    }
    double outer = (double)squares[i] + s * s * update;
    double radicand = outer + 2.0 * s * mixed;
    bool cancelled = radicand < CANCELLED * (outer + 2.0 * s * mixed_size);
    norms[i] = cancelled ? CANCELLED_MARK : (float)sqrt(radicand);
  }
}

// c = m/length, 1 for a row without length, and what is added to c·(z + bias) so that the bias stays as it is:
// (1 − c)·bias; -0 changes not even the sign of 0.
extern "C" __global__ void row_factors(
    const float* magnitude, const float* norms, const float* bias, float* factor, float* shift, long long rows) {
  for (long long i = grid_thread(); i < rows; i += grid_threads()) {
    float c = norms[i] > 0.0f ? magnitude[i] / norms[i] : 1.0f;
    float rest = (1.0f - c) * bias[i];
    factor[i] = c;
    shift[i] = rest == 0.0f ? -0.0f : rest;
  }
}

// c − 1, and what is added to (c − 1)·(z + bias) so that no bias is left.
extern "C" __global__ void row_factors_less_one(
    const float* factor, const float* bias, float* less, float* shift, long long rows) {
  for (long long i = grid_thread(); i < rows; i += grid_threads()) {
    float l = factor[i] - 1.0f;
    float rest = (0.0f - l) * bias[i];
    less[i] = l;
    shift[i] = rest == 0.0f ? -0.0f : rest;
  }
}

// gradient += sums / (divisor·length), where divisor is the factor or, if that is null, 1. A row without length
// has no gradient, and one with a small divisor is left to the kernels below.
extern "C" __global__ void add_magnitude_gradient(
    const float* sums, const float* factor, const float* norms, float* gradient, long long rows) {
  for (long long i = grid_thread(); i < rows; i += grid_threads()) {
    float divisor = factor == 0 ? 1.0f : factor[i];
    if (norms[i] > 0.0f && fabsf(divisor) >= SMALLEST_FACTOR) {
      gradient[i] += sums[i] / (divisor * norms[i]);
    }
  }
}

// An element of W in each of the forms that it is held in.
template <typename T>
struct Dense {
  const T* values;
};

template <typename T>
__device__ __forceinline__ float element(const Dense<T>& w, long long index) {
  return load(w.values + index);
}

struct Bytes {
  const signed char* codes;
  const float* scales;
  int columns;
};

__device__ __forceinline__ float element(const Bytes& w, long long index) {
  return (float)w.codes[index] * w.scales[index / w.columns] * (1.0f / 127.0f);
}

struct FourBits {
  const FourBit& w;
  const Tables& tables;
};

__device__ __forceinline__ float element(const FourBits& w, long long index) {
  return element_of(w.w, w.tables, index);
}

struct Update {
  const float* a;
  const float* b;
  int columns;
  int rank;
  float scale;
};

// The length of this block's row of W + s·BA, entry by entry in double.
template <typename W>
__device__ __forceinline__ void add_up(const W& w, const Update& update, float* norms) {
  long long row = blockIdx.x;
  double sum = 0.0;
  for (int j = threadIdx.x; j < update.columns; j += blockDim.x) {
    double entry = 0.0;
    for (int k = 0; k < update.rank; k++) {
      entry += (double)update.b[row * update.rank + k] * (double)update.a[(long long)k * update.columns + j];
    }
    entry = (double)element(w, row * update.columns + j) + (double)update.scale * entry;
    sum += entry * entry;
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) {
    norms[row] = (float)sqrt(sum);
  }
}

// Lengths of the rows that row_norms marked: a block a row, and nothing for the others.
__device__ __forceinline__ bool is_marked(const float* norms) {
  return norms[blockIdx.x] == CANCELLED_MARK;
}

extern "C" __global__ void cancelled_norms_float32(
    const float* w, const float* a, const float* b, float* norms, int columns, int rank, float scale) {
  if (is_marked(norms)) {
    add_up(Dense<float>{w}, Update{a, b, columns, rank, scale}, norms);
  }
}

extern "C" __global__ void cancelled_norms_bfloat16(
    const bfloat16* w, const float* a, const float* b, float* norms, int columns, int rank, float scale) {
  if (is_marked(norms)) {
    add_up(Dense<bfloat16>{w}, Update{a, b, columns, rank, scale}, norms);
  }
}

extern "C" __global__ void cancelled_norms_float16(
    const float16* w, const float* a, const float* b, float* norms, int columns, int rank, float scale) {
  if (is_marked(norms)) {
    add_up(Dense<float16>{w}, Update{a, b, columns, rank, scale}, norms);
  }
}

extern "C" __global__ void cancelled_norms_int8(
    const signed char* codes,
    const float* scales,
    const float* a,
    const float* b,
    float* norms,
    int columns,
    int rank,
    float scale) {
  if (is_marked(norms)) {
    add_up(Bytes{codes, scales, columns}, Update{a, b, columns, rank, scale}, norms);
  }
}

extern "C" __global__ void cancelled_norms_4bit(
    const __grid_constant__ FourBit w,
    const float* a,
    const float* b,
    float* norms,
    int columns,
    int rank,
    float scale) {
  __shared__ Tables tables;
  if (is_marked(norms)) {
    read_tables(w, &tables);
    add_up(FourBits{w, tables}, Update{a, b, columns, rank, scale}, norms);
  }
}

// x [tokens, columns], u = x·Aᵀ [tokens, rank], dy [tokens, rows].
struct Batch {
  const float* x;
  const float* u;
  const float* dy;
  int tokens;
  int rows;
};

// gradient[i] += Σₜ dy[t, i]·z[t, i] / length, z = Wᵢ·x[t] + s·Bᵢ·u[t], for this block's row: the sums over t
// of dy·x and dy·u first, so that W is read once.
template <typename W>
__device__ __forceinline__ void add_of_row(
    const W& w, const Update& update, const Batch& batch, float norm, float* gradient) {
  long long row = blockIdx.x;
  double sum = 0.0;
  for (int j = threadIdx.x; j < update.columns + update.rank; j += blockDim.x) {
    bool inner = j >= update.columns;
    int column = inner ? j - update.columns : j;
    const float* given = inner ? batch.u : batch.x;
    int width = inner ? update.rank : update.columns;
    double over_tokens = 0.0;
    for (int t = 0; t < batch.tokens; t++) {
      over_tokens +=
          (double)batch.dy[(long long)t * batch.rows + row] * (double)given[(long long)t * width + column];
    }
    sum += over_tokens
        * (inner ? (double)update.scale * (double)update.b[row * update.rank + column]
                 : (double)element(w, row * update.columns + column));
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) {
    gradient[row] += (float)(sum / (double)norm);
  }
}

// Gradients of the rows whose factor is too small for add_magnitude_gradient: a block a row, and nothing for
// the others.
__device__ __forceinline__ bool is_weak(const float* factor, const float* norms) {
  return norms[blockIdx.x] > 0.0f && fabsf(factor[blockIdx.x]) < SMALLEST_FACTOR;
}

extern "C" __global__ void weak_gradients_float32(
    const float* w,
    const float* factor,
    const float* norms,
    const float* b,
    const float* x,
    const float* u,
    const float* dy,
    float* gradient,
    int tokens,
    int rows,
    int columns,
    int rank,
    float scale) {
  if (is_weak(factor, norms)) {
    add_of_row(
        Dense<float>{w},
        Update{0, b, columns, rank, scale},
        Batch{x, u, dy, tokens, rows},
        norms[blockIdx.x],
        gradient);
  }
}

extern "C" __global__ void weak_gradients_bfloat16(
    const bfloat16* w,
    const float* factor,
    const float* norms,
    const float* b,
    const float* x,
    const float* u,
    const float* dy,
    float* gradient,
    int tokens,
    int rows,
    int columns,
    int rank,
    float scale) {
  if (is_weak(factor, norms)) {
    add_of_row(
        Dense<bfloat16>{w},
        Update{0, b, columns, rank, scale},
        Batch{x, u, dy, tokens, rows},
        norms[blockIdx.x],
        gradient);
  }
}

extern "C" __global__ void weak_gradients_float16(
    const float16* w,
    const float* factor,
    const float* norms,
    const float* b,
    const float* x,
    const float* u,
    const float* dy,
    float* gradient,
    int tokens,
    int rows,
    int columns,
    int rank,
    float scale) {
  if (is_weak(factor, norms)) {
    add_of_row(
        Dense<float16>{w},
        Update{0, b, columns, rank, scale},
        Batch{x, u, dy, tokens, rows},
        norms[blockIdx.x],
        gradient);
  }
}

extern "C" __global__ void weak_gradients_int8(
    const signed char* codes,
    const float* scales,
    const float* factor,
    const float* norms,
    const float* b,
    const float* x,
    const float* u,
    const float* dy,
    float* gradient,
    int tokens,
    int rows,
    int columns,
    int rank,
    float scale) {
  if (is_weak(factor, norms)) {
    add_of_row(
        Bytes{codes, scales, columns},
        Update{0, b, columns, rank, scale},
        Batch{x, u, dy, tokens, rows},
        norms[blockIdx.x],
        gradient);
  }
}

extern "C" __global__ void weak_gradients_4bit(
    const __grid_constant__ FourBit w,
    const float* factor,
    const float* norms,
    const float* b,
    const float* x,
    const float* u,
    const float* dy,
    float* gradient,
    int tokens,
    int rows,
    int columns,
    int rank,
    float scale) {
  __shared__ Tables tables;
  if (is_weak(factor, norms)) {
    read_tables(w, &tables);
    add_of_row(
        FourBits{w, tables},
        Update{0, b, columns, rank, scale},
        Batch{x, u, dy, tokens, rows},
        norms[blockIdx.x],
        gradient);
  }
}
