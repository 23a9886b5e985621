// CUDA's language on the host, as far as Lorikeet's kernels use it: g++ compiles the very same .cu files
// with this header included first. A block runs at a time, its threads as fibers that give way at barriers
// and warp operations; a barrier that some thread does not reach is an error. The order of blocks and
// threads is fixed, and can be reversed: a kernel whose result then differs has a race.
#pragma once

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#define __global__
#define __device__ static
#define __shared__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __grid_constant__
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(...)

struct EmulatedIndex {
  unsigned x, y, z;
};

inline EmulatedIndex threadIdx, blockIdx, blockDim, gridDim;

namespace emulation {

constexpr int WARP_LANES = 32;
constexpr size_t STACK_BYTES = 128 << 10;

enum class Wait { NOTHING, WARP, BLOCK, FINISHED };

struct Fiber {
  ucontext_t context;
  Wait wait = Wait::FINISHED;
  // Which of two buffers the next warp and block operation uses: a thread can be one ahead of another.
  unsigned warp_turn = 0;
  unsigned block_turn = 0;
  std::vector<char> stack = std::vector<char>(STACK_BYTES);
};

struct Machine {
  std::vector<Fiber*> fibers;
  ucontext_t scheduler;
  int current = 0;
  int threads = 0;
  bool reversed = false;
  void (*body)(void*) = nullptr;
  void* arguments = nullptr;
  // What lanes hand each other: two buffers of 32 lanes for each warp, and what a block joins.
  unsigned char lanes[32][2][WARP_LANES][64];
  int any[2];
  std::string failure;

  static void enter() {
    machine().body(machine().arguments);
    machine().fiber().wait = Wait::FINISHED;
    swapcontext(&machine().fiber().context, &machine().scheduler);
  }

  static Machine& machine() {
    static Machine one;
    return one;
  }

  Fiber& fiber() { return *fibers[current]; }

  void stop(Wait wait) {
    Fiber& own = fiber();
    own.wait = wait;
    swapcontext(&own.context, &scheduler);
  }

  void resume(int thread) {
    current = thread;
    threadIdx = {(unsigned)thread, 0, 0};
    fibers[thread]->wait = Wait::NOTHING;
    swapcontext(&scheduler, &fibers[thread]->context);
  }

  void start(int thread) {
    while ((int)fibers.size() <= thread) {
      fibers.push_back(new Fiber());
    }
    Fiber& fiber = *fibers[thread];
    fiber.wait = Wait::NOTHING;
    fiber.warp_turn = fiber.block_turn = 0;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.data();
    fiber.context.uc_stack.ss_size = fiber.stack.size();
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, enter, 0);
    resume(thread);
  }

  int count(int from, int to, Wait wait) const {
    int found = 0;
    for (int i = from; i < to; i++) {
      found += fibers[i]->wait == wait;
    }
    return found;
  }

  int order(int i, int count) const { return reversed ? count - 1 - i : i; }

  // Lets every thread of a warp go on whose lanes have all come, or every thread of a block that has.
  bool release() {
    if (count(0, threads, Wait::BLOCK) == threads) {
      any[(fibers[0]->block_turn) & 1] = 0;  // of the operation after this one
      for (int i = 0; i < threads; i++) {
        resume(order(i, threads));
      }
      return true;
    }
    bool moved = false;
    int warps = threads / WARP_LANES;
    for (int w = 0; w < warps; w++) {
      int first = order(w, warps) * WARP_LANES;
      if (count(first, first + WARP_LANES, Wait::WARP) == WARP_LANES) {
        for (int lane = 0; lane < WARP_LANES; lane++) {
          resume(first + order(lane, WARP_LANES));
        }
        moved = true;
      }
    }
    return moved;
  }

  bool run_block() {
    any[0] = any[1] = 0;
    for (int i = 0; i < threads; i++) {
      start(order(i, threads));
    }
    while (count(0, threads, Wait::FINISHED) < threads) {
      if (!release()) {
        char text[200];
        snprintf(text, sizeof text, "block (%u,%u): %d threads wait for their block, %d for their warp, %d are done",
                 blockIdx.x, blockIdx.y, count(0, threads, Wait::BLOCK), count(0, threads, Wait::WARP),
                 count(0, threads, Wait::FINISHED));
        failure = text;
        return false;
      }
    }
    return true;
  }

  bool run(unsigned blocks_x, unsigned blocks_y, unsigned block, void (*kernel)(void*), void* given) {
    if (block == 0 || block % WARP_LANES != 0 || block > 1024 || blocks_x == 0 || blocks_y == 0 ||
        blocks_y > 65535) {
      failure = "a grid that no GPU would take";
      return false;
    }
    body = kernel;
    arguments = given;
    threads = (int)block;
    gridDim = {blocks_x, blocks_y, 1};
    blockDim = {block, 1, 1};
    long long blocks = (long long)blocks_x * blocks_y;
    for (long long i = 0; i < blocks; i++) {
      long long at = reversed ? blocks - 1 - i : i;
      blockIdx = {(unsigned)(at % blocks_x), (unsigned)(at / blocks_x), 0};
      if (!run_block()) {
        return false;
      }
    }
    return true;
  }

  // Puts a value down, waits for the other lanes, and gives what each of them put down.
  template <typename T>
  const unsigned char (*exchange(const T& value))[64] {
    static_assert(sizeof(T) <= 64);
    unsigned turn = fiber().warp_turn++ & 1;
    int warp = current / WARP_LANES;
    memcpy(lanes[warp][turn][current % WARP_LANES], &value, sizeof(T));
    stop(Wait::WARP);
    return lanes[warp][turn];
  }
};

// How a type is written in a kernel's signature.
template <typename T>
std::string code() {
  if constexpr (std::is_pointer_v<T>) return "p";
  else if constexpr (std::is_same_v<T, int>) return "i";
  else if constexpr (std::is_same_v<T, long long>) return "l";
  else if constexpr (std::is_same_v<T, float>) return "f";
  else if constexpr (std::is_same_v<T, double>) return "d";
  else return "s" + std::to_string(sizeof(T));
}

struct Kernel {
  std::string name;
  std::string signature;
  void (*body)(void*);
};

inline std::vector<Kernel>& kernels() {
  static std::vector<Kernel> all;
  return all;
}

template <auto F>
struct Call;

template <typename... A, void (*F)(A...)>
struct Call<F> {
  template <size_t... I>
  static void with(void** values, std::index_sequence<I...>) {
    F(*(std::remove_const_t<A>*)values[I]...);
  }

  static void body(void* values) { with((void**)values, std::index_sequence_for<A...>()); }

  static std::string signature() { return (std::string() + ... + (code<std::remove_const_t<A>>() + ",")); }
};

template <auto F>
bool enlist(const char* name) {
  kernels().push_back({name, Call<F>::signature(), Call<F>::body});
  return true;
}

}  // namespace emulation

// Behind the kernels, one line for each: EMULATE(name).
#define EMULATE(name) static bool enlisted_##name = emulation::enlist<name>(#name);

inline void __syncthreads() {
  emulation::Machine& m = emulation::Machine::machine();
  m.fiber().block_turn++;
  m.stop(emulation::Wait::BLOCK);
}

inline int __syncthreads_or(int value) {
  emulation::Machine& m = emulation::Machine::machine();
  unsigned turn = m.fiber().block_turn++ & 1;
  m.any[turn] |= value != 0;
  m.stop(emulation::Wait::BLOCK);
  return m.any[turn];
}

inline void __syncwarp() {
  emulation::Machine::machine().exchange(0);
}

template <typename T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  emulation::Machine& m = emulation::Machine::machine();
  int other = (m.current % emulation::WARP_LANES) ^ mask;
  T result;
  memcpy(&result, m.exchange(value)[other], sizeof(T));
  return result;
}

// mma.sync.aligned.m16n8k16.row.col with float32 sums, by the table of fragments in the PTX manual: of lane
// 4g + t, a[] holds A's rows g, g + 8, g, g + 8 at columns 2t, 2t, 2t + 8, 2t + 8 (and the one after), b[]
// holds B's rows 2t and 2t + 8 of column g, and c[] the sums of rows g, g, g + 8, g + 8 at columns 2t, 2t + 1.
template <typename T>
void emulated_mma(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2], float (*value)(const T*)) {
  struct Fragments {
    unsigned a[4], b[2];
  } own;
  memcpy(own.a, a, sizeof own.a);
  memcpy(own.b, b, sizeof own.b);
  emulation::Machine& m = emulation::Machine::machine();
  const unsigned char(*all)[64] = m.exchange(own);
  auto half = [&](unsigned pair, int which) {
    T number;
    number.bits = (unsigned short)(which ? pair >> 16 : pair);
    return value(&number);
  };
  auto of_a = [&](int row, int k) {
    const Fragments* f = (const Fragments*)all[4 * (row % 8) + k % 8 / 2];
    return half(f->a[row / 8 + 2 * (k / 8)], k % 2);
  };
  auto of_b = [&](int k, int column) {
    const Fragments* f = (const Fragments*)all[4 * column + k % 8 / 2];
    return half(f->b[k / 8], k % 2);
  };
  int lane = m.current % emulation::WARP_LANES;
  for (int i = 0; i < 4; i++) {
    int row = lane / 4 + 8 * (i / 2);
    int column = lane % 4 * 2 + i % 2;
    for (int k = 0; k < 16; k++) {
      c[i] = fmaf(of_a(row, k), of_b(k, column), c[i]);
    }
  }
}
