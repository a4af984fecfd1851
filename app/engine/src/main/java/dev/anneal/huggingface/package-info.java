/**
 * Models as Hugging Face's folders hold them: {@code config.json} beside weights in safetensors.
 * They are read and written in the formats of others, and nothing in them is trusted. This package
 * depends on models, checkpoints and plans.
 */
package dev.anneal.huggingface;
