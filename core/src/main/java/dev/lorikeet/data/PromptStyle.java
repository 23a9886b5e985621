package dev.lorikeet.data;

import dev.lorikeet.config.DataSettings.Loss;
import dev.lorikeet.error.DataException;

/** How dialogues become text. */
sealed interface PromptStyle permits PieceStyle, TemplateStyle {
  /**
   * The text of a dialogue.
   *
   * @param loss which turns are learned
   * @throws DataException naming the record that the style has no text for
   */
  Rendered render(Sample.Dialogue dialogue, Loss loss);

  /** The style for a person. */
  String words();
}
