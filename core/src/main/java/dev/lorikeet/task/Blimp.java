package dev.lorikeet.task;

import dev.lorikeet.task.ShotRule.Draw;
import dev.lorikeet.task.TaskGroup.Weighting;
import dev.lorikeet.task.TaskInfo.Source;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * BLiMP: of two sentences that differ little, the grammatical one is more likely; 67 phenomena.
 *
 * <p>Until 2023 a sentence had no space in front of it, and equal log-probabilities counted as
 * wrong.
 */
final class Blimp {
  private static final Source SOURCE =
      new Source("nyu-mll/blimp", "CC-BY-4.0", "https://arxiv.org/abs/1912.00582");

  private static final List<String> PARADIGMS =
      List.of(
          """
          adjunct_island anaphor_gender_agreement anaphor_number_agreement
          animate_subject_passive animate_subject_trans causative complex_NP_island
          coordinate_structure_constraint_complex_left_branch
          coordinate_structure_constraint_object_extraction determiner_noun_agreement_1
          determiner_noun_agreement_2 determiner_noun_agreement_irregular_1
          determiner_noun_agreement_irregular_2 determiner_noun_agreement_with_adj_2
          determiner_noun_agreement_with_adj_irregular_1
          determiner_noun_agreement_with_adj_irregular_2
          determiner_noun_agreement_with_adjective_1 distractor_agreement_relational_noun
          distractor_agreement_relative_clause drop_argument ellipsis_n_bar_1 ellipsis_n_bar_2
          existential_there_object_raising existential_there_quantifiers_1
          existential_there_quantifiers_2 existential_there_subject_raising
          expletive_it_object_raising inchoative intransitive
          irregular_past_participle_adjectives irregular_past_participle_verbs
          irregular_plural_subject_verb_agreement_1 irregular_plural_subject_verb_agreement_2
          left_branch_island_echo_question left_branch_island_simple_question
          matrix_question_npi_licensor_present npi_present_1 npi_present_2
          only_npi_licensor_present only_npi_scope passive_1 passive_2 principle_A_c_command
          principle_A_case_1 principle_A_case_2 principle_A_domain_1 principle_A_domain_2
          principle_A_domain_3 principle_A_reconstruction
          regular_plural_subject_verb_agreement_1 regular_plural_subject_verb_agreement_2
          sentential_negation_npi_licensor_present sentential_negation_npi_scope
          sentential_subject_island superlative_quantifiers_1 superlative_quantifiers_2
          tough_vs_raising_1 tough_vs_raising_2 transitive wh_island wh_questions_object_gap
          wh_questions_subject_gap wh_questions_subject_gap_long_distance wh_vs_that_no_gap
          wh_vs_that_no_gap_long_distance wh_vs_that_with_gap
          wh_vs_that_with_gap_long_distance\
          """
              .split("\\s+"));

  private Blimp() {}

  static List<Task> tasks() {
    List<Task> tasks = new ArrayList<>();
    for (String paradigm : PARADIGMS) {
      tasks.add(task(paradigm, "1", Era.TODAY));
      tasks.add(task(paradigm, "0", Era.OF_2023));
    }
    return tasks;
  }

  static List<TaskGroup> groups() {
    return List.of(group("2", Era.TODAY), group("0", Era.OF_2023));
  }

  private static TaskGroup group(String version, Era era) {
    List<String> names = PARADIGMS.stream().map(each -> era.name("blimp_" + each)).toList();
    return new TaskGroup(era.name("blimp"), version, names, Weighting.EQUAL);
  }

  private static Task task(String paradigm, String version, Era era) {
    TaskInfo info =
        new TaskInfo(
            era.name("blimp_" + paradigm),
            version,
            "BLiMP: the grammatical sentence of a pair, " + paradigm.replace('_', ' '),
            SOURCE,
            List.of(Metric.ACC),
            0,
            ShotRule.of(era, Draw.NONE));
    return new DocumentTask(info, "", data -> docs(data, paradigm, era), data -> List.of());
  }

  private static List<Doc> docs(TaskData data, String paradigm, Era era) {
    DataFile file =
        new DataFile(
            "blimp_" + paradigm,
            "the pairs of BLiMP's " + paradigm,
            List.of("blimp/" + paradigm + ".jsonl"),
            "https://github.com/alexwarstadt/blimp (data/" + paradigm + ".jsonl)");
    return data.records(file).stream().map(record -> doc(record, era)).toList();
  }

  private static Doc doc(TaskRecord record, Era era) {
    String good = record.text("sentence_good");
    String bad = record.text("sentence_bad");
    String before = era == Era.TODAY ? " " : "";
    List<Request> requests =
        List.of(
            new Request.LogLikelihood("", before + good),
            new Request.LogLikelihood("", before + bad));
    return new Doc(
        record, "", (id, preamble) -> new Item(id, requests, good, answers -> score(era, answers)));
  }

  private static Map<String, MetricValue> score(Era era, List<Answer> answers) {
    Answer.Scored good = Choices.scored(answers.getFirst());
    Answer.Scored bad = Choices.scored(answers.getLast());
    int order = Double.compare(good.logProbability(), bad.logProbability());
    // In 2023 whole answers were compared: sums, and behind equal sums the flags.
    boolean isTieWon = era == Era.TODAY || (good.isGreedy() && !bad.isGreedy());
    return Map.of("acc", MetricValue.of(order > 0 || (order == 0 && isTieWon)));
  }
}
