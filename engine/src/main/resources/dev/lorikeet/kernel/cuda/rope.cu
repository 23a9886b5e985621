// Rotary positions (Su et al. 2021) in the half-split layout of Hugging Face's Llama: of every head
// (a, b) → (a·cos − b·sin, b·cos + a·sin); backward the sine has the other sign.
// x [T, heads·2·half], cos and sin [table_rows, half], positions [T]. A thread turns one pair; a position
// outside the tables makes its row not a number.
#include "common.cuh"

extern "C" __global__ void rope(
    float* x,
    const float* cos_table,
    const float* sin_table,
    const int* positions,
    long long pairs,
    int heads,
    int half,
    int table_rows,
    float direction) {
  for (long long pair = grid_thread(); pair < pairs; pair += grid_threads()) {
    int i = (int)(pair % half);
    long long head = pair / half;  // over all rows
    int position = positions[head / heads];
    bool known = position >= 0 && position < table_rows;
    long long at = known ? (long long)position * half + i : i;
    float c = known ? cos_table[at] : bits_to_float(0x7fc00000u);
    float s = sin_table[at] * direction;
    float* lower = x + head * 2 * half + i;
    float a = lower[0];
    float b = lower[half];
    lower[0] = a * c - b * s;
    lower[half] = b * c + a * s;
  }
}
