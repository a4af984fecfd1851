/**
 * Models: their sizes, their parameters and the forward pass that each emits as a plan. A model has
 * no backward pass, no device and no optimizer. It knows plans and settings.
 */
package dev.anneal.model;
