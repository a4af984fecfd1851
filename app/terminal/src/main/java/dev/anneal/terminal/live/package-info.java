/**
 * What stands between a live run and those who watch it: progress lines, notices, the controls of a
 * dashboard. It may use the shell, options and reports, and knows no commands.
 */
package dev.anneal.terminal.live;
