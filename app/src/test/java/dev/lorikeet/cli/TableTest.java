package dev.lorikeet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.lorikeet.cli.Table.Column;
import org.junit.jupiter.api.Test;

class TableTest {
  @Test
  void columnsAreAlignedAndLinesHaveNoBlanksAtTheEnd() {
    Table table = new Table(Column.left("name"), Column.right("steps"), Column.left("note"));
    table.row("a", "1", "").row("long name", "12345678", "aha");

    assertEquals(
        """
        name          steps  note
        a                 1
        long name  12345678  aha\
        """,
        table.toString());
  }

  @Test
  void cellsStayOnOneLine() {
    assertEquals(
        "note\ntwo lines [31m",
        new Table(Column.left("note")).row("two\nlines\u001b[31m").toString());
  }

  @Test
  void rowsOfAnotherLengthAreRefused() {
    assertThrows(IllegalStateException.class, () -> new Table(Column.left("a")).row("1", "2"));
  }

  @Test
  void longTextIsCutWithDots() {
    assertEquals("abcdefg...", Table.shortened("abcdefghijklm", 10));
    assertEquals("abcdefghij", Table.shortened("abcdefghij", 10));
  }
}
