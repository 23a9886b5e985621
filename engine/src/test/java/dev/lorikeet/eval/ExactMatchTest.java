package dev.lorikeet.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.eval.ExactMatch.Answer;
import dev.lorikeet.eval.ExactMatch.Item;
import dev.lorikeet.eval.ExactMatch.Result;
import dev.lorikeet.nano.BpeTrainer;
import dev.lorikeet.tokenizer.HfTokenizer;
import dev.lorikeet.tokenizer.Tokenizer;
import dev.lorikeet.torch.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Judged on a model that says one letter after the other, as it is told. */
@Tag("native")
final class ExactMatchTest {
  private static final char END = '\0';
  private static final int BYTES_ONLY = 259;

  @TempDir private Path folder;
  private List<AutoCloseable> open = new ArrayList<>();

  @BeforeEach
  void forget() {
    open = new ArrayList<>();
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable resource : open.reversed()) {
      resource.close();
    }
  }

  @Test
  void anAnswerIsRightIfItIsTheTextAndThenTheEnd() throws IOException {
    Result result =
        ask(
            "xyz" + END,
            new Item("x", "yz"),
            new Item("x", "y"),
            new Item("x", "yzz"),
            new Item("y", "z"),
            new Item("x", "YZ"));
    assertEquals(List.of(true, false, false, true, false), correctness(result));
    assertEquals(List.of("yz", "yz", "yz", "z", "yz"), texts(result));
    assertEquals(2, result.correct());
    assertEquals(0.4, result.score());
    assertEquals(Math.sqrt(0.4 * 0.6 / 4), result.standardError(), 1e-15);
  }

  @Test
  void whiteSpaceAroundTheTextIsNotJudgedAndThatInsideIs() throws IOException {
    Result around = ask("xa b" + END, new Item("x", " a b\n"), new Item("x", "ab"));
    assertEquals(List.of(true, false), correctness(around));
    Result said = ask("x a\n" + END, new Item("x", "a  "), new Item("x", "a"));
    assertEquals(List.of(" a\n", " a\n"), texts(said));
    assertEquals(List.of(true, true), correctness(said));
  }

  @Test
  void aTextWithoutItsEndIsWrong() throws IOException {
    // The model would go on; a token more than the longest expected text is read.
    Result result = ask("xab ab ab", new Item("x", "ab"));
    assertEquals("ab ", result.answers().getFirst().text());
    assertFalse(result.answers().getFirst().correct());
    assertEquals(0, result.score());
  }

  @Test
  void nothingAtOnceIsRightOnlyWhereNothingIsExpected() throws IOException {
    Result result = ask("x" + END, new Item("x", ""), new Item("x", "a"));
    assertEquals(List.of(true, false), correctness(result));
  }

  @Test
  void manyItemsKeepTheirOrder() throws IOException {
    List<Item> items = new ArrayList<>();
    for (int i = 0; i < 117; i++) {
      items.add(i % 3 == 0 ? new Item("x", "yz") : new Item("y", i % 3 == 1 ? "z" : "no"));
    }
    Result result = ask("xyz" + END, items.toArray(Item[]::new));
    assertEquals(items, result.answers().stream().map(Answer::item).toList());
    assertEquals(78, result.correct());
    for (int i = 0; i < items.size(); i++) {
      assertEquals(i % 3 != 2, result.answers().get(i).correct(), "item " + i);
    }
  }

  @Test
  void noItemsHaveNoScore() throws IOException {
    Result result = ask("x" + END);
    assertEquals(0, result.score());
    assertEquals(0, result.standardError());
    assertTrue(result.answers().isEmpty());
  }

  private Result ask(String chain, Item... items) throws IOException {
    BpeTrainer.train(Stream.of("abc"), BYTES_ONLY).write(folder, 64);
    Tokenizer tokenizer = HfTokenizer.open(folder);
    Device device = Device.cpu(1);
    open.add(device);
    open.add(tokenizer);
    ChainModel model = new ChainModel(device, BYTES_ONLY, ids(tokenizer, chain));
    open.add(model);
    return new ExactMatch(tokenizer, device).evaluate(model, List.of(items));
  }

  private static int[] ids(Tokenizer tokenizer, String chain) {
    int[] ids = new int[chain.length()];
    for (int i = 0; i < ids.length; i++) {
      char letter = chain.charAt(i);
      ids[i] =
          letter == END
              ? tokenizer.eosId().orElseThrow()
              : tokenizer.encode(String.valueOf(letter))[0];
    }
    return ids;
  }

  private static List<Boolean> correctness(Result result) {
    return result.answers().stream().map(Answer::correct).toList();
  }

  private static List<String> texts(Result result) {
    return result.answers().stream().map(Answer::text).toList();
  }
}
