package dev.lorikeet.hub;

import static dev.lorikeet.hub.HubFixture.assertSays;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.lorikeet.error.ConfigException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Names: of repositories, revisions and files, and which files are wanted. */
final class FileChoiceTest {
  private static final RepoId REPO = RepoId.model("a/b");

  private static List<String> chosen(FileChoice choice, String... paths) {
    List<HubFile> files =
        Stream.of(paths)
            .map(path -> new HubFile(path, 1, "0".repeat(40), Optional.empty(), Optional.empty()))
            .toList();
    return choice.of(REPO, files).files().stream().map(HubFile::path).toList();
  }

  @Test
  void weightsInOtherFormatsAreLeftOutBesideSafetensors() {
    assertEquals(
        List.of(
            "README.md",
            "config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "tokenizer.json",
            "tokenizer.model",
            "additional_chat_templates/tool.jinja"),
        chosen(
            FileChoice.usual(),
            "README.md",
            "config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "tokenizer.json",
            "tokenizer.model",
            "additional_chat_templates/tool.jinja",
            "consolidated.safetensors",
            "fp16/model.safetensors",
            "pytorch_model.bin",
            "training_args.bin",
            "tf_model.h5",
            "flax_model.msgpack",
            "rust_model.ot",
            "model.gguf",
            "onnx/model.onnx",
            "onnx/config.json",
            "original/consolidated.00.pth",
            "original/params.json",
            "optimizer.PT"));
  }

  @Test
  void withoutSafetensorsTheOnlyGgufIsTheModel() {
    assertEquals(
        List.of("config.json", "model-q8.gguf"),
        chosen(FileChoice.usual(), "config.json", "model-q8.gguf"));

    ConfigException several =
        assertThrows(
            ConfigException.class, () -> chosen(FileChoice.usual(), "q4.gguf", "sub/q8.gguf"));
    assertSays(several, "2 GGUF files", "--include", "q4.gguf, sub/q8.gguf");
  }

  @Test
  void pickledWeightsAloneAreRefusedWithTheReason() {
    ConfigException pickled =
        assertThrows(
            ConfigException.class,
            () -> chosen(FileChoice.usual(), "config.json", "pytorch_model.bin"));

    assertSays(pickled, "pytorch_model.bin", "can run any code", "safetensors", "--include '*'");
    assertEquals(
        List.of("pytorch_model.bin"),
        chosen(FileChoice.matching(List.of("*")), "pytorch_model.bin"));
  }

  @Test
  void aRepositoryOfATokenizerHasNoWeights() {
    assertEquals(
        List.of("tokenizer.json", "vocab.txt"),
        chosen(FileChoice.usual(), "tokenizer.json", "vocab.txt"));
  }

  @Test
  void aPatternThatNothingMatchesIsAMistake() {
    ConfigException nothing =
        assertThrows(
            ConfigException.class,
            () -> chosen(FileChoice.matching(List.of("*.gguf")), "config.json"));

    assertSays(nothing, "no file of a/b matches", "config.json");
  }

  @ParameterizedTest
  @CsvSource({
    "*.json, config.json, true",
    "*.json, sub/config.json, true",
    "*.json, config.jsonl, false",
    "config.json, sub/config.json, false",
    "onnx/, onnx/model.onnx, true",
    "onnx/, onnx.json, false",
    "model-0000?-of-*, model-00001-of-00002.safetensors, true",
    "model.[bs]*, model.bin, true",
    "model.[!b]*, model.bin, false",
    "model.[!b]*, model.safetensors, true",
    "a[, a[, true",
    "a[]]b, a]b, true",
    "a[]b, a[]b, true",
    "a[!]]b, axb, true",
    "a.b+c(d), a.b+c(d), true",
    "a.b, axb, false",
    "CONFIG.json, config.json, false"
  })
  void patternsMeanWhatPythonsMean(String pattern, String path, boolean matches) {
    assertEquals(matches, new Glob(pattern).matches(path));
  }

  @Test
  void anEmptyPatternIsAMistake() {
    assertThrows(ConfigException.class, () -> new Glob(" "));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"gpt2", "HuggingFaceTB/SmolLM2-135M", "a/b.c_d-e", "01-ai/Yi-6B", "_a/b", "a/b1"})
  void namesOfRepositories(String name) {
    RepoId repo = RepoId.model(name);
    assertEquals("models--" + name.replace("/", "--"), repo.folderName());
    assertEquals(Optional.of(repo), RepoId.ofFolderName(repo.folderName()));
    assertTrue(RepoReference.looksLikeOne(name));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "a/b/c",
        "a b",
        "../x",
        "a/..",
        "a--b/c",
        "/a",
        "a/",
        ".a/b",
        "a/b.git",
        "a/b-",
        "é/b",
        "a/b\n",
        "https://huggingface.co/a/b"
      })
  void whatIsNoNameOfARepository(String name) {
    assertFalse(RepoReference.looksLikeOne(name));
    assertSays(
        assertThrows(ConfigException.class, () -> RepoId.model(name)), "expected OWNER/NAME");
  }

  @Test
  void referencesMayNameARevision() {
    assertEquals(new RepoReference(REPO, "main"), RepoReference.parse("a/b"));
    assertEquals(new RepoReference(REPO, "refs/pr/1"), RepoReference.parse("a/b@refs/pr/1"));
    assertEquals("a/b", RepoReference.parse("a/b@main").toString());
    assertEquals("a/b@v1.0", RepoReference.parse("a/b@v1.0").toString());
    assertTrue(RepoReference.parse("a/b@" + "a".repeat(40)).pinned());
    assertFalse(RepoReference.parse("a/b@" + "a".repeat(39)).pinned());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "../x", "a..b", "/a", "a/", "a//b", "a b", ".a", "a/.b", "a\\b"})
  void whatIsNoRevision(String revision) {
    assertSays(
        assertThrows(ConfigException.class, () -> new RepoReference(REPO, revision)),
        "is not a revision");
  }
}
