package dev.lorikeet.cli;

import java.util.ArrayList;
import java.util.List;

/** Text in aligned columns, two spaces apart, with a line of titles above. */
final class Table {
  private static final String GAP = "  ";

  private final List<Column> columns;
  private final List<List<String>> rows = new ArrayList<>();

  Table(Column... columns) {
    this.columns = List.of(columns);
  }

  /** How a column's cells stand. */
  enum Align {
    LEFT,
    RIGHT
  }

  /** A column's title and alignment. */
  record Column(String title, Align align) {
    static Column left(String title) {
      return new Column(title, Align.LEFT);
    }

    static Column right(String title) {
      return new Column(title, Align.RIGHT);
    }
  }

  /** Adds a row, a cell per column; line ends and other control characters become spaces. */
  Table row(String... cells) {
    if (cells.length != columns.size()) {
      throw new IllegalStateException(
          cells.length + " cells in a table of " + columns.size() + " columns");
    }
    List<String> row = new ArrayList<>();
    for (String cell : cells) {
      row.add(cell.replaceAll("\\p{Cntrl}+", " ").strip());
    }
    rows.add(row);
    return this;
  }

  /** The first characters of {@code text}, with three dots where some were cut off. */
  static String shortened(String text, int longest) {
    return text.length() <= longest ? text : text.substring(0, longest - 3).stripTrailing() + "...";
  }

  /** The lines of the table, without a line end after the last. */
  @Override
  public String toString() {
    List<List<String>> lines = new ArrayList<>();
    lines.add(columns.stream().map(Column::title).toList());
    lines.addAll(rows);
    int[] widths = new int[columns.size()];
    for (List<String> line : lines) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], width(line.get(i)));
      }
    }
    List<String> printed = new ArrayList<>();
    for (List<String> line : lines) {
      List<String> cells = new ArrayList<>();
      for (int i = 0; i < widths.length; i++) {
        String padding = " ".repeat(widths[i] - width(line.get(i)));
        boolean left = columns.get(i).align() == Align.LEFT;
        cells.add(left ? line.get(i) + padding : padding + line.get(i));
      }
      printed.add(String.join(GAP, cells).stripTrailing());
    }
    return String.join(System.lineSeparator(), printed);
  }

  private static int width(String cell) {
    return cell.codePointCount(0, cell.length());
  }
}
