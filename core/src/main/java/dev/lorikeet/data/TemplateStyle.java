package dev.lorikeet.data;

import dev.lorikeet.config.DataSettings.Loss;
import dev.lorikeet.data.Rendered.Beginning;
import dev.lorikeet.data.Turn.Role;
import dev.lorikeet.data.Turn.ToolCall;
import dev.lorikeet.error.TemplateException;
import dev.lorikeet.jinja.Rendering.Span;
import dev.lorikeet.tokenizer.ChatMessage;
import dev.lorikeet.tokenizer.ChatTemplate;
import dev.lorikeet.tokenizer.Conversation;
import dev.lorikeet.tokenizer.MaskedChat;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A Jinja template.
 *
 * @param words what the style is called
 * @param template the template
 * @param beginning what stands in front of its text
 */
record TemplateStyle(String words, ChatTemplate template, Beginning beginning)
    implements PromptStyle {

  @Override
  public Rendered render(Sample.Dialogue dialogue, Loss loss) {
    Conversation conversation = conversation(dialogue);
    try {
      if (loss == Loss.ALL) {
        String text = template.render(conversation, ChatTemplate.Ending.MESSAGES);
        return new Rendered.Whole(text, List.of(new Span(0, text.length())), beginning);
      }
      MaskedChat chat = template.renderWithMask(conversation);
      return new Rendered.Whole(chat.text(), learned(dialogue, chat, loss), beginning);
    } catch (TemplateException e) {
      throw dialogue
          .record()
          .problem("the prompt cannot be written: " + String.valueOf(e.getMessage()), e);
    }
  }

  private List<Span> learned(Sample.Dialogue dialogue, MaskedChat chat, Loss loss) {
    List<Boolean> wanted = new ArrayList<>();
    int last = PieceStyle.lastAnswer(dialogue.turns());
    for (int i = 0; i < dialogue.turns().size(); i++) {
      Turn turn = dialogue.turns().get(i);
      if (turn.role() == Role.ASSISTANT) {
        wanted.add(turn.trained() && (loss != Loss.LAST_TURN || i == last));
      }
    }
    if (!wanted.contains(false)) {
      return chat.assistant();
    }
    if (wanted.size() != chat.assistant().size()) {
      throw dialogue
          .record()
          .problem(
              "the template writes %d answers of %d, so nobody knows which of them is learned; set data.loss: response"
                  .formatted(chat.assistant().size(), wanted.size()));
    }
    List<Span> learned = new ArrayList<>();
    for (int i = 0; i < wanted.size(); i++) {
      if (wanted.get(i)) {
        learned.add(chat.assistant().get(i));
      }
    }
    return learned;
  }

  /** The dialogue as chat templates see it. */
  static Conversation conversation(Sample.Dialogue dialogue) {
    List<ChatMessage> messages = new ArrayList<>();
    for (Turn turn : dialogue.turns()) {
      Map<String, @Nullable Object> fields = new LinkedHashMap<>();
      fields.put("role", turn.role().spelling());
      fields.put("content", turn.whole());
      if (!turn.toolCalls().isEmpty()) {
        fields.put("tool_calls", turn.toolCalls().stream().map(TemplateStyle::call).toList());
      }
      turn.more().forEach(fields::putIfAbsent);
      messages.add(new ChatMessage(fields));
    }
    Conversation conversation = Conversation.of(messages);
    return dialogue.tools().isPresent()
        ? conversation.withTools(dialogue.tools().get())
        : conversation;
  }

  private static Map<String, @Nullable Object> call(ToolCall call) {
    Map<String, @Nullable Object> function = new LinkedHashMap<>();
    function.put("name", call.name());
    function.put("arguments", call.arguments());
    Map<String, @Nullable Object> fields = new LinkedHashMap<>(call.more());
    fields.putIfAbsent("type", "function");
    fields.put("function", function);
    return fields;
  }
}
