package dev.lorikeet.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.tokenizer.ChatTemplate;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What each style writes, and what of it is learned. */
class PromptsTest {
  private static final String TALK =
      "{\"messages\": [{\"role\": \"system\", \"content\": \"S\"},"
          + " {\"role\": \"user\", \"content\": \"A\"}, {\"role\": \"assistant\", \"content\": \"a\"},"
          + " {\"role\": \"user\", \"content\": \"B\"}, {\"role\": \"assistant\", \"content\": \"b\"}]}";

  @TempDir private Path temporary;
  private DataFolder data = new DataFolder(Path.of("."));

  @BeforeEach
  void open() {
    data = new DataFolder(temporary);
  }

  @Test
  void chatml() {
    assertEquals(
        """
        <|begin|><|im_start|>system
        S<|im_end|>
        <|im_start|>user
        A<|im_end|>
        <|im_start|>assistant
        ⟦a<|im_end|>⟧
        <|im_start|>user
        B<|im_end|>
        <|im_start|>assistant
        ⟦b<|im_end|>⟧
        """,
        data.only(TALK, "data.prompt=chatml"));
  }

  @Test
  void llama2() {
    assertEquals(
        "<|begin|>[INST] <<SYS>>\nS\n<</SYS>>\n\nA [/INST]⟦ a <|end|>⟧<|begin|>[INST] B [/INST]"
            + "⟦ b <|end|>⟧",
        data.only(TALK, "data.prompt=llama-2"));
  }

  @Test
  void phi3() {
    assertEquals(
        """
        <|begin|><|system|>
        S<|end|>
        <|user|>
        A<|end|>
        <|assistant|>
        ⟦a<|end|>⟧
        <|user|>
        B<|end|>
        <|assistant|>
        ⟦b<|end|>⟧
        """,
        data.only(TALK, "data.prompt=phi-3"));
  }

  @Test
  void alpaca() {
    assertEquals(
        "<|begin|>S\n\n"
            + AlpacaPrompt.of("A", "")
            + "⟦a<|end|>⟧\n\n### Instruction:\nB\n\n### Response:\n⟦b<|end|>⟧",
        data.only(TALK, "data.prompt=alpaca"));
  }

  @Test
  void plain() {
    assertEquals("<|begin|>SA⟦a<|end|>⟧B⟦b<|end|>⟧", data.only(TALK, "data.prompt=plain"));
    assertEquals(
        "<|begin|>i\n\nx⟦o<|end|>⟧",
        data.only(
            "{\"instruction\": \"i\", \"input\": \"x\", \"output\": \"o\"}", "data.prompt=plain"));
  }

  @Test
  void theModelsTemplateWritesTheWholeTextItself() {
    Optional<ChatTemplate> template =
        template(
            "{% for m in messages %}({{ m.role }}){{ m.content }}{% if m.role == 'assistant' %}"
                + "{{ eos_token }}{% endif %}{% endfor %}"
                + "{% if add_generation_prompt %}(assistant){% endif %}");
    String expected = "(system)S(user)A(assistant)⟦a<|end|>⟧(user)B(assistant)⟦b<|end|>⟧";
    assertEquals(expected, data.only(TALK, template));
    assertEquals(expected, data.only(TALK, template, "data.prompt=template"));
    assertEquals(
        "(user)i\n\nx(assistant)⟦o<|end|>⟧",
        data.only(
            "{\"instruction\": \"i\", \"input\": \"x\", \"output\": \"o\"}",
            template,
            "data.prompt=template"));
  }

  @Test
  void aTemplateThatEndsNoAnswerGetsTheEnd() {
    Optional<ChatTemplate> template =
        template(
            "{% for m in messages %}({{ m.role }}){{ m.content }}{% endfor %}"
                + "{% if add_generation_prompt %}(assistant){% endif %}");
    assertEquals(
        "(system)S(user)A(assistant)⟦a⟧(user)B(assistant)⟦b<|end|>⟧", data.only(TALK, template));
  }

  @Test
  void aModelWithoutTemplateIsToldSo() {
    assertEquals(
        "data.prompt: template asks for the model's chat template, but the model has none; set"
            + " data.prompt to chatml, alpaca or a template file",
        data.problem(data.write("a.jsonl", TALK), "data.prompt=template"));
  }

  @Test
  void aTemplateFileMayMarkWhatIsLearned() {
    Path file =
        data.write(
            "mine.jinja",
            "Q: {{ messages[0].content }}\nA:{% generation %} {{ messages[1].content }}{% endgeneration %}");
    assertEquals(
        "<|begin|>Q: Hi\nA:⟦ Hello<|end|>⟧",
        data.only("{\"prompt\": \"Hi\", \"completion\": \"Hello\"}", "data.prompt='" + file + "'"));
    assertTrue(
        data.problem(data.write("a.jsonl", TALK), "data.prompt=none.jinja")
            .startsWith("data.prompt: the template file none.jinja does not exist"));
  }

  @Test
  void theLossCanBeOnEverythingOrOnTheLastTurn() {
    assertEquals(
        "<|begin|>⟦SAa<|end|>Bb<|end|>⟧", data.only(TALK, "data.prompt=plain", "data.loss=all"));
    assertEquals(
        "<|begin|>SAa<|end|>B⟦b<|end|>⟧",
        data.only(TALK, "data.prompt=plain", "data.loss=last_turn"));
    String chatml = data.only(TALK, "data.loss=all");
    assertTrue(
        chatml.startsWith("<|begin|>⟦<|im_start|>system")
            && chatml.endsWith("<|im_end|>\n<|end|>⟧"),
        chatml);
    assertTrue(
        data.only(TALK, "data.loss=last_turn")
            .endsWith(
                "assistant\na<|im_end|>\n<|im_start|>user\nB<|im_end|>\n<|im_start|>assistant\n⟦b<|im_end|>⟧\n"));
  }

  @Test
  void stylesWithoutAPlaceForToolsSaySo() {
    String call =
        "{\"conversations\": [{\"from\": \"human\", \"value\": \"x\"},"
            + " {\"from\": \"function_call\", \"value\": \"{\\\"name\\\": \\\"f\\\"}\"}]}";
    for (String style : List.of("alpaca", "plain", "llama-2", "phi-3")) {
      assertTrue(
          data.problem(data.write("a.jsonl", call), "data.prompt=" + style)
              .contains(style + " has no place for tools; set data.prompt to template or chatml"),
          style);
    }
  }

  @Test
  void whatIsLearnedComesBackFromTheDisk() {
    Path file = data.write("a.jsonl", TALK);
    Example read = data.load(file, "data.prompt=plain").train().getFirst();
    int learned = 0;
    for (int i = 0; i < read.length(); i++) {
      learned += read.isLearned(i) ? 1 : 0;
    }
    assertEquals(4, learned, "a, its end, b and its end");
    assertEquals(learned, read.labelCount());
    PackedBatch batch = PackedBatch.of(List.of(read));
    assertEquals(learned, batch.labelCount());
    assertEquals(
        learned,
        java.util.Arrays.stream(batch.labels()).filter(l -> l != PackedBatch.NO_LABEL).count());
  }

  private static Optional<ChatTemplate> template(String source) {
    return Optional.of(
        ChatTemplate.of("model", source, Map.of("eos_token", "<|end|>"), DataSet.templateClock()));
  }
}
