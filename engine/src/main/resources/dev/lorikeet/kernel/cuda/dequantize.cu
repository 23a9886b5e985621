// Weights in few bits as numbers.
#include "common.cuh"
#include "four_bit.cuh"

// Elements first … first + count − 1 of the matrix to out; a thread does a word of eight.
template <typename T>
__device__ __forceinline__ void dequantize(const FourBit& w, T* out, long long first, long long count) {
  __shared__ Tables tables;
  read_tables(w, &tables);
  long long begin = first / 8;
  long long words = (first + count + 7) / 8 - begin;
  for (long long word = grid_thread(); word < words; word += grid_threads()) {
    long long element = (begin + word) * 8;
    float values[8];
    eight_of(w, tables, element, first, first + count, values);
    for (int j = 0; j < 8; j++) {
      long long at = element + j - first;
      if (at >= 0 && at < count) {
        store(out + at, values[j]);
      }
    }
  }
}

extern "C" __global__ void dequantize_4bit_float32(
    const __grid_constant__ FourBit w, float* out, long long first, long long count) {
  dequantize(w, out, first, count);
}

extern "C" __global__ void dequantize_4bit_bfloat16(
    const __grid_constant__ FourBit w, bfloat16* out, long long first, long long count) {
  dequantize(w, out, first, count);
}

extern "C" __global__ void dequantize_4bit_float16(
    const __grid_constant__ FourBit w, float16* out, long long first, long long count) {
  dequantize(w, out, first, count);
}

// Rows of signed bytes: w = code·scale(row)/127, rounded after each product. codes [rows, columns] from the
// first row wanted on, scales of the same rows, out [count / columns, columns].
template <typename T>
__device__ __forceinline__ void dequantize_bytes(
    const signed char* codes, const float* scales, T* out, long long count, int columns) {
  for (long long i = grid_thread(); i < count; i += grid_threads()) {
    store(out + i, (float)codes[i] * scales[i / columns] * (1.0f / 127.0f));
  }
}

extern "C" __global__ void dequantize_int8_float32(
    const signed char* codes, const float* scales, float* out, long long count, int columns) {
  dequantize_bytes(codes, scales, out, count, columns);
}

extern "C" __global__ void dequantize_int8_bfloat16(
    const signed char* codes, const float* scales, bfloat16* out, long long count, int columns) {
  dequantize_bytes(codes, scales, out, count, columns);
}

extern "C" __global__ void dequantize_int8_float16(
    const signed char* codes, const float* scales, float16* out, long long count, int columns) {
  dequantize_bytes(codes, scales, out, count, columns);
}
