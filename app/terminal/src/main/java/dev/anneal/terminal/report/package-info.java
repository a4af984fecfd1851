/**
 * Tables and summaries: what commands found, as lines that fit a terminal, or as files. They may
 * use the shell and options, and know neither a live run nor commands.
 */
package dev.anneal.terminal.report;
