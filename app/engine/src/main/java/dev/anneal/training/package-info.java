/**
 * Training steps: which plans a step has, how its numbers are stored, the learning rate, first
 * weights, the bill of memory, and the trainer that runs steps on a device. It knows models, plans
 * and the device interface; runs, files and commands are above it.
 */
package dev.anneal.training;
