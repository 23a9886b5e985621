package dev.lorikeet.cli;

import dev.lorikeet.job.Inspection;
import dev.lorikeet.job.Inspection.Head;
import dev.lorikeet.job.Inspection.Kind;
import dev.lorikeet.job.Inspection.ModelFile;
import dev.lorikeet.job.Inspection.Shape;
import dev.lorikeet.job.Inspection.TechniqueCount;
import dev.lorikeet.job.Inspection.TokenFact;
import dev.lorikeet.job.Inspection.TokenizerFacts;
import java.util.LinkedHashMap;
import java.util.Map;

/** An inspection as a JSON document, keys in snake case; what is not there has no key. */
final class InspectionJson {
  private InspectionJson() {}

  static Map<String, Object> of(Inspection inspection) {
    Shape shape = inspection.shape();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("directory", inspection.directory().toString());
    json.put("architecture", inspection.architecture());
    inspection.storedType().ifPresent(type -> json.put("dtype", type));
    json.put("weight_bytes", inspection.weightBytes());
    json.put("context_length", shape.contextLength());
    json.put("vocabulary_size", shape.vocabularySize());
    json.put("hidden_size", shape.hiddenSize());
    json.put("layers", shape.layers());
    json.put("heads", shape.heads());
    json.put("kv_heads", shape.kvHeads());
    json.put("head_dim", shape.headDim());
    json.put("tied_head", shape.head() == Head.TIED);
    json.put("parameters", parameters(inspection.parameters()));
    json.put(
        "techniques", inspection.techniques().stream().map(InspectionJson::technique).toList());
    inspection.tokenizer().ifPresent(facts -> json.put("tokenizer", tokenizer(facts)));
    json.put("files", inspection.files().stream().map(InspectionJson::file).toList());
    json.put("warnings", inspection.warnings());
    return json;
  }

  private static Map<String, Object> parameters(Inspection.Parameters parameters) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("total", parameters.total());
    json.put("per_module", parameters.kinds().stream().map(InspectionJson::kind).toList());
    json.put("per_layer", parameters.perLayer());
    return json;
  }

  private static Map<String, Object> kind(Kind kind) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", kind.name());
    json.put("modules", kind.modules());
    json.put("weight_shape", kind.weightShape());
    json.put("parameters", kind.parameters());
    return json;
  }

  private static Map<String, Object> technique(TechniqueCount technique) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("technique", technique.technique());
    json.put("setting", technique.setting());
    json.put("trainable_parameters", technique.trainable());
    json.put("total_parameters", technique.total());
    return json;
  }

  private static Map<String, Object> tokenizer(TokenizerFacts facts) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("vocabulary_size", facts.vocabularySize());
    json.put("algorithm", facts.kind().algorithm());
    json.put("read_from", facts.kind().files());
    facts.bos().ifPresent(token -> json.put("bos", token(token)));
    facts.eos().ifPresent(token -> json.put("eos", token(token)));
    json.put("prefix", facts.prefix().stream().map(InspectionJson::token).toList());
    return json;
  }

  private static Map<String, Object> token(TokenFact token) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", token.id());
    json.put("text", token.text());
    return json;
  }

  private static Map<String, Object> file(ModelFile file) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", file.name());
    json.put("bytes", file.bytes());
    return json;
  }
}
