/**
 * What a run says: its events, as objects and as lines of JSON, the log and the records that keep
 * them, and the history that front ends make of them. It knows neither runs nor their directories,
 * and uses of the engine what events name alone.
 */
package dev.anneal.run.log;
