/**
 * The numbers that a user chooses: their names, their ranges, and what to do about one that is out
 * of range. The command line, {@code set} and saved runs are checked here and nowhere else. It
 * knows only {@link dev.anneal.failure}.
 */
package dev.anneal.setting;
