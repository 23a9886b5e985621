// Products of many rows with a weight W [rows, columns] in 4 bits, which becomes numbers a tile at a time in
// shared memory and never as a whole; sums are float32.
//   transposed: y = alpha·x·Wᵀ + beta·y; x [height, columns], y [height, rows]
//   plain:      y = alpha·x·W + beta·y;  x [height, rows],    y [height, columns]
// A block makes TILE × TILE of y: blockIdx.x along y's columns, blockIdx.y along its rows; the sum runs over
// depth in steps of DEPTH. In the variants that end in float32 both factors stay float32 and any GPU
// multiplies; in the others both are rounded to two bytes for the tensor cores.
#include "common.cuh"
#include "four_bit.cuh"

#define TILE 64
#define DEPTH 32

// A word of eight elements of W for the tile: part 0 … TILE·DEPTH/8 − 1 of it, and where it belongs.
struct Part {
  int depth;   // of its first element inside the tile
  int column;  // of y inside the tile
};

template <bool TRANSPOSED>
__device__ __forceinline__ Part read_part(
    const FourBit& w, const Tables& tables, int part, int depth, int column, float* values) {
  // Eight elements lie along W's columns: along the depth if W is transposed, along y's columns if not.
  Part at;
  at.depth = TRANSPOSED ? part % (DEPTH / 8) * 8 : part / (TILE / 8);
  at.column = TRANSPOSED ? part / (DEPTH / 8) : part % (TILE / 8) * 8;
  int row = TRANSPOSED ? column + at.column : depth + at.depth;
  int first = TRANSPOSED ? depth + at.depth : column + at.column;
  long long begin = (long long)row * w.columns;
  long long end = row < w.rows ? begin + w.columns : begin;
  eight_of(w, tables, begin + first, begin, end, values);
  return at;
}

__device__ __forceinline__ float given(const float* x, int row, int height, int k, int depth) {
  return row < height && k < depth ? x[(long long)row * depth + k] : 0.0f;
}

__device__ __forceinline__ void put(
    float* y, int row, int height, int column, int width, float sum, float alpha, float beta) {
  if (row < height && column < width) {
    float* to = y + (long long)row * width + column;
    *to = beta == 0.0f ? alpha * sum : alpha * sum + beta * *to;
  }
}

// 256 threads; thread (i, j) of 16 × 16 has rows i, i + 16, … and columns j, j + 16, … of the tile.
template <bool TRANSPOSED>
__device__ __forceinline__ void product(
    const FourBit& w, const float* x, float* y, int height, float alpha, float beta) {
  __shared__ Tables tables;
  __shared__ float of_x[DEPTH][TILE + 1];
  __shared__ float of_w[DEPTH][TILE + 1];
  read_tables(w, &tables);
  int width = TRANSPOSED ? w.rows : w.columns;
  int depth = TRANSPOSED ? w.columns : w.rows;
  int row = blockIdx.y * TILE;
  int column = blockIdx.x * TILE;
  int i = threadIdx.x / 16;
  int j = threadIdx.x % 16;
  float sums[4][4] = {};
  for (int k = 0; k < depth; k += DEPTH) {
    for (int e = threadIdx.x; e < TILE * DEPTH; e += blockDim.x) {
      of_x[e % DEPTH][e / DEPTH] = given(x, row + e / DEPTH, height, k + e % DEPTH, depth);
    }
    for (int part = threadIdx.x; part < TILE * DEPTH / 8; part += blockDim.x) {
      float values[8];
      Part at = read_part<TRANSPOSED>(w, tables, part, k, column, values);
      for (int e = 0; e < 8; e++) {
        of_w[at.depth + (TRANSPOSED ? e : 0)][at.column + (TRANSPOSED ? 0 : e)] = values[e];
      }
    }
    __syncthreads();
    for (int d = 0; d < DEPTH; d++) {
      for (int m = 0; m < 4; m++) {
        for (int n = 0; n < 4; n++) {
          sums[m][n] = fmaf(of_x[d][i + 16 * m], of_w[d][j + 16 * n], sums[m][n]);
        }
      }
    }
    __syncthreads();
  }
  for (int m = 0; m < 4; m++) {
    for (int n = 0; n < 4; n++) {
      put(y, row + i + 16 * m, height, column + j + 16 * n, width, sums[m][n], alpha, beta);
    }
  }
}

extern "C" __global__ void four_bit_transposed_float32(
    const __grid_constant__ FourBit w, const float* x, float* y, int height, float alpha, float beta) {
  product<true>(w, x, y, height, alpha, beta);
}

extern "C" __global__ void four_bit_plain_float32(
    const __grid_constant__ FourBit w, const float* x, float* y, int height, float alpha, float beta) {
  product<false>(w, x, y, height, alpha, beta);
}

// sums += A·B on the tensor cores, A [16, 16] and B [16, 8] in the fragments of mma.m16n8k16: of lane 4g + t
// a[] has pairs from columns 2t and 2t + 8 of A's rows g and g + 8, b[] pairs from rows 2t and 2t + 8 of B's
// column g, and sums[] has columns 2t and 2t + 1 of rows g and g + 8.
__device__ __forceinline__ void multiply(
    float (&sums)[4], const unsigned (&a)[4], const unsigned (&b)[2], const float16*) {
#if defined(LORIKEET_EMULATION)
  emulated_mma<float16>(sums, a, b, load);
#elif __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  // Turing multiplies half of the depth at a time.
  for (int half = 0; half < 2; half++) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[2 * half]), "r"(a[2 * half + 1]), "r"(b[half]));
  }
#endif
}

// Turing has no bfloat16.
#if defined(LORIKEET_EMULATION) || __CUDA_ARCH__ >= 800
#define HAS_BFLOAT16
__device__ __forceinline__ void multiply(
    float (&sums)[4], const unsigned (&a)[4], const unsigned (&b)[2], const bfloat16*) {
#if defined(LORIKEET_EMULATION)
  emulated_mma<bfloat16>(sums, a, b, load);
#else
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}
#endif

// Elements from one row to the next: eight rows of pairs then lie in different banks.
#define STRIDE (DEPTH + 8)

template <typename T>
__device__ __forceinline__ unsigned pair_at(const T* tile, int row, int k) {
  return *(const unsigned*)(tile + row * STRIDE + k);
}

// 128 threads: a warp has a quarter of the tile, 2 × 4 fragments of sums.
template <typename T, bool TRANSPOSED>
__device__ __forceinline__ void tensor_product(
    const FourBit& w, const float* x, float* y, int height, float alpha, float beta) {
  __shared__ Tables tables;
  __shared__ __align__(16) T of_x[TILE * STRIDE];  // [row of y][depth]
  __shared__ __align__(16) T of_w[TILE * STRIDE];  // [column of y][depth]
  read_tables(w, &tables);
  int width = TRANSPOSED ? w.rows : w.columns;
  int depth = TRANSPOSED ? w.columns : w.rows;
  int row = blockIdx.y * TILE;
  int column = blockIdx.x * TILE;
  int warp = threadIdx.x / WARP;
  int g = threadIdx.x % WARP / 4;
  int t = threadIdx.x % 4;
  int top = warp / 2 * 32;
  int left = warp % 2 * 32;
  float sums[2][4][4] = {};
  for (int k = 0; k < depth; k += DEPTH) {
    for (int e = threadIdx.x; e < TILE * DEPTH; e += blockDim.x) {
      float value = given(x, row + e / DEPTH, height, k + e % DEPTH, depth);
      store(of_x + e / DEPTH * STRIDE + e % DEPTH, value);
    }
    for (int part = threadIdx.x; part < TILE * DEPTH / 8; part += blockDim.x) {
      float values[8];
      Part at = read_part<TRANSPOSED>(w, tables, part, k, column, values);
      for (int e = 0; e < 8; e++) {
        int of_column = at.column + (TRANSPOSED ? 0 : e);
        store(of_w + of_column * STRIDE + at.depth + (TRANSPOSED ? e : 0), values[e]);
      }
    }
    __syncthreads();
    for (int d = 0; d < DEPTH; d += 16) {
      unsigned b[4][2];
      for (int n = 0; n < 4; n++) {
        b[n][0] = pair_at(of_w, left + 8 * n + g, d + 2 * t);
        b[n][1] = pair_at(of_w, left + 8 * n + g, d + 2 * t + 8);
      }
      for (int m = 0; m < 2; m++) {
        int first = top + 16 * m + g;
        unsigned a[4] = {
            pair_at(of_x, first, d + 2 * t),
            pair_at(of_x, first + 8, d + 2 * t),
            pair_at(of_x, first, d + 2 * t + 8),
            pair_at(of_x, first + 8, d + 2 * t + 8)};
        for (int n = 0; n < 4; n++) {
          multiply(sums[m][n], a, b[n], of_x);
        }
      }
    }
    __syncthreads();
  }
  for (int m = 0; m < 2; m++) {
    for (int n = 0; n < 4; n++) {
      for (int e = 0; e < 4; e++) {
        int to_row = row + top + 16 * m + g + e / 2 * 8;
        int to_column = column + left + 8 * n + 2 * t + e % 2;
        put(y, to_row, height, to_column, width, sums[m][n][e], alpha, beta);
      }
    }
  }
}

extern "C" __global__ void four_bit_transposed_float16(
    const __grid_constant__ FourBit w, const float* x, float* y, int height, float alpha, float beta) {
  tensor_product<float16, true>(w, x, y, height, alpha, beta);
}

extern "C" __global__ void four_bit_plain_float16(
    const __grid_constant__ FourBit w, const float* x, float* y, int height, float alpha, float beta) {
  tensor_product<float16, false>(w, x, y, height, alpha, beta);
}

#ifdef HAS_BFLOAT16
extern "C" __global__ void four_bit_transposed_bfloat16(
    const __grid_constant__ FourBit w, const float* x, float* y, int height, float alpha, float beta) {
  tensor_product<bfloat16, true>(w, x, y, height, alpha, beta);
}

extern "C" __global__ void four_bit_plain_bfloat16(
    const __grid_constant__ FourBit w, const float* x, float* y, int height, float alpha, float beta) {
  tensor_product<bfloat16, false>(w, x, y, height, alpha, beta);
}
#endif
