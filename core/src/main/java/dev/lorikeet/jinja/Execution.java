package dev.lorikeet.jinja;

import java.time.Clock;

/** What everything that runs shares: the budget, and the clock of {@code strftime_now}. */
record Execution(Budget budget, Clock clock) {}
