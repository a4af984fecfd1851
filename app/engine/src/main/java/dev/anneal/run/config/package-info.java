/**
 * What decides a run's numbers: its configuration, as a record and as a checkpoint's JSON, and the
 * data that it names, opened. It may use models, optimizers, data and training, and knows neither
 * runs nor their directories.
 */
package dev.anneal.run.config;
