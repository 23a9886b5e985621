package dev.lorikeet.data;

import dev.lorikeet.config.DataSettings.Format;
import dev.lorikeet.error.DataException;
import dev.lorikeet.source.SourceRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** How the records of a file are written: turns each into the normal form. */
sealed interface RecordFormat {

  /**
   * The record in the normal form.
   *
   * @throws DataException naming the record and the key that cannot be used
   */
  Sample read(SourceRecord record);

  /** The recipe's name of the format. */
  Format name();

  /**
   * The format that a recipe calls {@code name}.
   *
   * @param named keys of the format that the recipe names in {@code data.columns}
   */
  static RecordFormat of(Format name, Set<String> named) {
    return switch (name) {
      case ALPACA -> new Alpaca(named.contains("system"), named.contains("history"));
      case COMPLETION, PROMPT_COMPLETION -> new Completion();
      case CHAT -> new Chat();
      case SHAREGPT -> new ShareGpt();
      case TURNS -> new Turns();
      case TEXT -> new Text();
      case AUTO -> throw new IllegalArgumentException("auto is found out first");
    };
  }

  /**
   * Stanford Alpaca's: an instruction, perhaps with an input, and an output. LLaMA-Factory's
   * further keys are read only where the recipe names them: other readers of the format know
   * neither.
   *
   * @param withSystem whether {@code system} is read
   * @param withHistory whether {@code history} is read: pairs of what was said before
   */
  record Alpaca(boolean withSystem, boolean withHistory) implements RecordFormat {
    @Override
    public Sample read(SourceRecord record) {
      Turn asked = Turn.asked(record.text("instruction"), record.textOrEmpty("input"));
      String output = record.text("output");
      String system = withSystem ? record.textOrEmpty("system") : "";
      List<?> history = withHistory && record.has("history") ? record.list("history") : List.of();
      if (system.isEmpty() && history.isEmpty()) {
        return Sample.Dialogue.of(record, asked, output);
      }
      List<Turn> turns = new ArrayList<>();
      if (!system.isEmpty()) {
        turns.add(Turn.of(Turn.Role.SYSTEM, system));
      }
      for (Object pair : history) {
        if (!(pair instanceof List<?> two
            && two.size() == 2
            && two.getFirst() instanceof String before
            && two.getLast() instanceof String answer)) {
          throw record.problem(
              "key \"history\" must hold pairs of texts, found " + SourceRecord.kind(pair));
        }
        turns.add(Turn.of(Turn.Role.USER, before));
        turns.add(Turn.of(Turn.Role.ASSISTANT, answer));
      }
      turns.add(asked);
      turns.add(Turn.of(Turn.Role.ASSISTANT, output));
      return new Sample.Dialogue(record, turns, Optional.empty());
    }

    @Override
    public Format name() {
      return Format.ALPACA;
    }
  }

  /** A prompt, and a completion or response. */
  record Completion() implements RecordFormat {
    @Override
    public Sample read(SourceRecord record) {
      String prompt = record.text("prompt");
      boolean response = record.has("response") && !record.values().containsKey("completion");
      String completion = record.text(response ? "response" : "completion");
      return Sample.Dialogue.of(record, Turn.of(Turn.Role.USER, prompt), completion);
    }

    @Override
    public Format name() {
      return Format.COMPLETION;
    }
  }

  /** OpenAI's and Hugging Face's messages. */
  record Chat() implements RecordFormat {
    @Override
    public Sample read(SourceRecord record) {
      return ChatMessages.openAi(record);
    }

    @Override
    public Format name() {
      return Format.CHAT;
    }
  }

  /** Conversations of {@code from} and {@code value}. */
  record ShareGpt() implements RecordFormat {
    @Override
    public Sample read(SourceRecord record) {
      return ChatMessages.shareGpt(record);
    }

    @Override
    public Format name() {
      return Format.SHAREGPT;
    }
  }

  /** Conversations that are texts only: user and assistant in turn, as in LIMA. */
  record Turns() implements RecordFormat {
    @Override
    public Sample read(SourceRecord record) {
      List<Turn> turns = new ArrayList<>();
      for (Object said : record.list("conversations")) {
        if (!(said instanceof String text)) {
          throw record.problem(
              "key \"conversations\" must hold texts, found " + SourceRecord.kind(said));
        }
        turns.add(Turn.of(turns.size() % 2 == 0 ? Turn.Role.USER : Turn.Role.ASSISTANT, text));
      }
      RoleOrder.require(record, turns);
      return new Sample.Dialogue(record, turns, Optional.empty());
    }

    @Override
    public Format name() {
      return Format.TURNS;
    }
  }

  /** A text. */
  record Text() implements RecordFormat {
    @Override
    public Sample read(SourceRecord record) {
      return new Sample.Document(record.index(), record.text("text"));
    }

    @Override
    public Format name() {
      return Format.TEXT;
    }
  }
}
