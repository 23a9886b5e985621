package dev.lorikeet.data;

import dev.lorikeet.config.DataSettings.Loss;
import dev.lorikeet.data.Rendered.Piece;
import dev.lorikeet.data.Rendered.Said;
import dev.lorikeet.data.Turn.Role;
import java.util.ArrayList;
import java.util.List;

/** Styles that need no special tokens but the one that ends a sequence. */
enum PieceStyle implements PromptStyle {
  /**
   * Stanford Alpaca's prompt in litgpt's form ({@link AlpacaPrompt}). Later questions follow under
   * headings of their own; a system text stands in front.
   */
  ALPACA,
  /** The texts as they stand, one behind the other. */
  PLAIN;

  @Override
  public Rendered render(Sample.Dialogue dialogue, Loss loss) {
    List<Piece> pieces = new ArrayList<>();
    StringBuilder before = new StringBuilder();
    int last = lastAnswer(dialogue.turns());
    for (int i = 0; i < dialogue.turns().size(); i++) {
      Turn turn = dialogue.turns().get(i);
      if (turn.role() == Role.TOOL || !turn.toolCalls().isEmpty()) {
        throw dialogue
            .record()
            .problem(
                "data.prompt: %s has no place for tools; set data.prompt to template or chatml"
                    .formatted(words()));
      }
      if (turn.role() != Role.ASSISTANT) {
        before.append(before(turn, pieces.isEmpty()));
        continue;
      }
      pieces.add(new Piece(before.toString(), Said.BEFORE));
      before.setLength(0);
      boolean learned = turn.trained() && (loss != Loss.LAST_TURN || i == last);
      pieces.add(new Piece(turn.text(), learned ? Said.LEARNED_ANSWER : Said.ANSWER));
    }
    return new Rendered.Pieces(pieces);
  }

  private String before(Turn turn, boolean first) {
    if (this == PLAIN) {
      return turn.whole();
    }
    if (turn.role() == Role.SYSTEM) {
      return turn.text() + "\n\n";
    }
    return first
        ? AlpacaPrompt.of(turn.text(), turn.input())
        : AlpacaPrompt.following(turn.text(), turn.input());
  }

  static int lastAnswer(List<Turn> turns) {
    int last = turns.size() - 1;
    while (last >= 0 && turns.get(last).role() != Role.ASSISTANT) {
      last--;
    }
    return last;
  }

  @Override
  public String words() {
    return this == ALPACA ? "alpaca" : "plain";
  }
}
