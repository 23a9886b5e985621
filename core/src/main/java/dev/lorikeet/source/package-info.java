/**
 * Files to records: JSON, JSON lines, CSV, Parquet, SQL over such files, and plain text, compressed
 * or not. Everything streams: one record at a time is in memory. Knows only {@code error}.
 */
@NullMarked
package dev.lorikeet.source;

import org.jspecify.annotations.NullMarked;
