/**
 * The dashboard: a pure function from a scene (what a run is) and a view (how a user looks at it)
 * to a frame, and the loop that reads keys. It knows sessions and frames and no terminal library,
 * so that it is tested, printed and replayed without a terminal.
 */
package dev.anneal.terminal.dashboard;
