package dev.lorikeet.task;

import dev.lorikeet.error.FormatException;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;

/**
 * Unpacks bzip2: blocks of at most 900 kB, each run-length coded, sorted by Burrows and Wheeler's
 * transform, moved to front and Huffman coded with up to six tables that change every 50 symbols.
 */
final class Bzip2 {
  private static final long BLOCK = 0x314159265359L;
  private static final long END = 0x177245385090L;
  private static final int GROUP = 50;
  private static final int LONGEST_CODE = 20;
  private static final int[] CRC = crcTable();

  private final Path file;
  private final byte[] packed;
  private long bit;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  private Bzip2(Path file, byte[] packed) {
    this.file = file;
    this.packed = packed;
  }

  /** Huffman code: how many codes there are of each length, and the symbols in code order. */
  private static final class Table {
    private final int[] counts;
    private final int[] symbols;

    Table(int[] counts, int[] symbols) {
      this.counts = counts;
      this.symbols = symbols;
    }
  }

  /**
   * The content of {@code packed}.
   *
   * @param file for messages
   * @throws FormatException if it is not bzip2 or damaged
   */
  static byte[] unpack(Path file, byte[] packed) {
    Bzip2 reader = new Bzip2(file, packed);
    do {
      reader.stream();
    } while (reader.bit / 8 < packed.length);
    return reader.out.toByteArray();
  }

  private void stream() {
    int magic = bits(24);
    int level = bits(8) - '0';
    if (magic != 0x425a68 || level < 1 || level > 9) {
      throw damaged("expected a header BZh1 to BZh9");
    }
    int sum = 0;
    while (true) {
      long kind = (long) bits(24) << 24 | bits(24);
      int expected = bits(16) << 16 | bits(16);
      if (kind == END) {
        require(expected == sum, "the checksum of the file is wrong");
        bit = (bit + 7) / 8 * 8;
        return;
      }
      require(kind == BLOCK, "expected a block");
      int found = block(level * 100_000);
      require(expected == found, "the checksum of a block is wrong");
      sum = Integer.rotateLeft(sum, 1) ^ found;
    }
  }

  /** Unpacks a block and returns its checksum. */
  private int block(int most) {
    require(bits(1) == 0, "expected a block that is not randomised");
    int origin = bits(24);
    byte[] used = usedBytes();
    Table[] tables = new Table[between(bits(3), 2, 6, "tables")];
    int[] selectors = selectors(tables.length);
    for (int i = 0; i < tables.length; i++) {
      tables[i] = table(used.length + 2);
    }
    int[] next = new int[most];
    int[] counts = new int[256];
    int length = symbols(used, tables, selectors, next, counts);
    require(origin < length, "a block has no origin");
    invertSort(next, counts, length);
    return runs(next, length, next[origin] >>> 8);
  }

  private byte[] usedBytes() {
    int ranges = bits(16);
    ByteArrayOutputStream used = new ByteArrayOutputStream();
    for (int i = 0; i < 16; i++) {
      int range = (ranges >> (15 - i) & 1) == 1 ? bits(16) : 0;
      for (int j = 0; j < 16; j++) {
        if ((range >> (15 - j) & 1) == 1) {
          used.write(16 * i + j);
        }
      }
    }
    return used.toByteArray();
  }

  private int[] selectors(int tables) {
    int[] selectors = new int[between(bits(15), 1, 1 << 15, "selectors")];
    int[] order = {0, 1, 2, 3, 4, 5};
    for (int i = 0; i < selectors.length; i++) {
      int place = 0;
      while (bits(1) == 1) {
        place++;
      }
      require(place < tables, "a selector names no table");
      selectors[i] = toFront(order, place);
    }
    return selectors;
  }

  private static int toFront(int[] order, int place) {
    int chosen = order[place];
    System.arraycopy(order, 0, order, 1, place);
    order[0] = chosen;
    return chosen;
  }

  private Table table(int size) {
    int[] lengths = new int[size];
    int[] counts = new int[LONGEST_CODE + 1];
    int length = bits(5);
    for (int i = 0; i < size; i++) {
      while (bits(1) == 1) {
        length += bits(1) == 0 ? 1 : -1;
      }
      lengths[i] = between(length, 1, LONGEST_CODE, "bits of a code");
      counts[length]++;
    }
    int[] symbols = new int[size];
    int at = 0;
    for (int bits = 1; bits <= LONGEST_CODE; bits++) {
      for (int i = 0; i < size; i++) {
        if (lengths[i] == bits) {
          symbols[at++] = i;
        }
      }
    }
    return new Table(counts, symbols);
  }

  private int symbol(Table table) {
    int code = 0;
    int first = 0;
    int index = 0;
    for (int length = 1; length <= LONGEST_CODE; length++) {
      code = code << 1 | bits(1);
      int count = table.counts[length];
      if (code - first < count) {
        return table.symbols[index + code - first];
      }
      index += count;
      first = (first + count) << 1;
    }
    throw damaged("a code stands for nothing");
  }

  /** Reads the sorted bytes into {@code into} and counts them; returns how many there are. */
  private int symbols(byte[] used, Table[] tables, int[] selectors, int[] into, int[] counts) {
    int[] order = new int[Math.max(1, used.length)];
    for (int i = 0; i < used.length; i++) {
      order[i] = used[i] & 0xff;
    }
    int length = 0;
    int run = 0;
    int runBits = 0;
    for (int read = 0; ; read++) {
      require(read / GROUP < selectors.length, "a block has too few selectors");
      int symbol = symbol(tables[selectors[read / GROUP]]);
      // Symbols 0 and 1 write the length of a run of the front byte in digits 1 and 2.
      if (symbol < 2) {
        require(runBits < 21, "a run is too long");
        run += (symbol + 1) << runBits++;
        continue;
      }
      length = repeat(order[0], run, into, counts, length);
      run = 0;
      runBits = 0;
      if (symbol == used.length + 1) {
        return length;
      }
      length = repeat(toFront(order, symbol - 1), 1, into, counts, length);
    }
  }

  private int repeat(int value, int times, int[] into, int[] counts, int length) {
    require(times <= into.length - length, "a block is too long");
    for (int i = 0; i < times; i++) {
      into[length + i] = value;
    }
    counts[value] += times;
    return length + times;
  }

  /** Writes above each byte's eight bits the place of the byte that follows in the text. */
  private static void invertSort(int[] next, int[] counts, int length) {
    int[] start = new int[256];
    for (int i = 1; i < 256; i++) {
      start[i] = start[i - 1] + counts[i - 1];
    }
    for (int i = 0; i < length; i++) {
      next[start[next[i] & 0xff]++] |= i << 8;
    }
  }

  /** Follows the text from {@code first}; behind four equal bytes stands how many more follow. */
  private int runs(int[] next, int length, int first) {
    int crc = -1;
    int place = first;
    int last = -1;
    int equal = 0;
    for (int i = 0; i < length; i++) {
      int value = next[place] & 0xff;
      place = next[place] >>> 8;
      int times = 1;
      if (equal == 4) {
        times = value;
        value = last;
        equal = 0;
      } else {
        equal = value == last ? equal + 1 : 1;
        last = value;
      }
      for (int j = 0; j < times; j++) {
        out.write(value);
        crc = crc << 8 ^ CRC[(crc >>> 24 ^ value) & 0xff];
      }
    }
    return ~crc;
  }

  private int bits(int count) {
    int value = 0;
    for (int i = 0; i < count; i++) {
      int at = (int) (bit >> 3);
      if (at >= packed.length) {
        throw damaged("the file ends too early");
      }
      value = value << 1 | (packed[at] >> (7 - (bit & 7)) & 1);
      bit++;
    }
    return value;
  }

  private int between(int value, int least, int most, String what) {
    require(value >= least && value <= most, "found " + value + " " + what);
    return value;
  }

  private void require(boolean isTrue, String problem) {
    if (!isTrue) {
      throw damaged(problem);
    }
  }

  private FormatException damaged(String problem) {
    return new FormatException(
        file, "byte " + bit / 8, "not readable as bzip2: " + problem + "; download it again");
  }

  private static int[] crcTable() {
    int[] table = new int[256];
    for (int i = 0; i < 256; i++) {
      int crc = i << 24;
      for (int j = 0; j < 8; j++) {
        crc = crc << 1 ^ (crc < 0 ? 0x04c11db7 : 0);
      }
      table[i] = crc;
    }
    return table;
  }
}
