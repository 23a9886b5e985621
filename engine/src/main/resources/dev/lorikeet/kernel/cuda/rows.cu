// Rows by index, and operations with one number a column. Tables are [V, width], rows and targets
// [T, width], ids [T].
#include "common.cuh"

// out[t] = table[ids[t]]; block t is row t. An id outside the table gives numbers that are none.
template <typename T>
__device__ __forceinline__ void gather(
    const T* table, const int* ids, float* out, int width, int table_rows) {
  int id = ids[blockIdx.x];
  bool known = id >= 0 && id < table_rows;
  const T* from = table + (long long)(known ? id : 0) * width;
  float* to = out + (long long)blockIdx.x * width;
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    to[i] = known ? load(from + i) : bits_to_float(0x7fc00000u);
  }
}

extern "C" __global__ void gather_rows_float32(
    const float* table, const int* ids, float* out, int width, int table_rows) {
  gather(table, ids, out, width, table_rows);
}

extern "C" __global__ void gather_rows_bfloat16(
    const bfloat16* table, const int* ids, float* out, int width, int table_rows) {
  gather(table, ids, out, width, table_rows);
}

extern "C" __global__ void gather_rows_float16(
    const float16* table, const int* ids, float* out, int width, int table_rows) {
  gather(table, ids, out, width, table_rows);
}

// table[ids[t]] += rows[t], in the order of t. The block of the first row with an id adds all rows with
// it, so no sum has two writers. An id outside the table is left out: what was gathered for it is not a
// number already.
extern "C" __global__ void scatter_add_rows(
    const float* rows, const int* ids, float* table, int count, int width, int table_rows) {
  __shared__ int chunk[256];
  int own = ids[blockIdx.x];
  int left_out = own < 0 || own >= table_rows;
  for (int t = threadIdx.x; t < (int)blockIdx.x; t += blockDim.x) {
    left_out |= ids[t] == own;  // another block has it
  }
  if (__syncthreads_or(left_out)) {
    return;
  }
  float* to = table + (long long)own * width;
  for (int begin = blockIdx.x; begin < count; begin += blockDim.x) {
    int t = begin + threadIdx.x;
    __syncthreads();  // the chunk before may still be read
    chunk[threadIdx.x] = t < count ? ids[t] : -1;
    __syncthreads();
    for (int k = 0; k < (int)blockDim.x; k++) {
      if (chunk[k] == own) {
        const float* from = rows + (long long)(begin + k) * width;
        for (int i = threadIdx.x; i < width; i += blockDim.x) {
          to[i] += from[i];
        }
      }
    }
  }
}

// Every row of target += row.
extern "C" __global__ void add_row(const float* row, float* target, long long count, int width) {
  for (long long i = grid_thread(); i < count; i += grid_threads()) {
    target[i] += row[i % width];
  }
}

// target[i] += Σₜ x[t, i]. Blocks of STRANDS warps, a lane is a column; so are those below with sums.
extern "C" __global__ void add_sum_of_rows(const float* x, float* target, int rows, int width) {
  int column = strand_column();
  float sum = 0.0f;
  if (column < width) {
    for (int t = strand(); t < rows; t += STRANDS) {
      sum += x[(long long)t * width + column];
    }
  }
  sum = sum_of_strands(sum);
  if (strand() == 0 && column < width) {
    target[column] += sum;
  }
}

// target[t, i] = target[t, i]·factor[i] + shift[i], rounded once.
extern "C" __global__ void scale_columns(
    const float* factor, const float* shift, float* target, long long count, int width) {
  for (long long i = grid_thread(); i < count; i += grid_threads()) {
    int column = (int)(i % width);
    target[i] = fmaf(target[i], factor[column], shift[column]);
  }
}

// sums[i] += Σₜ dy[t, i]·(y[t, i] − offset[i]), and then dy[t, i] *= factor[i].
extern "C" __global__ void scale_columns_backward(
    const float* y,
    const float* offset,
    const float* factor,
    float* dy,
    float* sums,
    int rows,
    int width) {
  int column = strand_column();
  float sum = 0.0f;
  if (column < width) {
    for (int t = strand(); t < rows; t += STRANDS) {
      long long at = (long long)t * width + column;
      float upstream = dy[at];
      sum = fmaf(upstream, y[at] - offset[column], sum);
      dy[at] = upstream * factor[column];
    }
  }
  sum = sum_of_strands(sum);
  if (strand() == 0 && column < width) {
    sums[column] += sum;
  }
}
