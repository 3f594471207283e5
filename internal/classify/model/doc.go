// Package model is the trained classifier at work: it reads a prompt once and
// says how likely each tier answers it well and whether it is SIMPLE, MODERATE
// or COMPLEX. Models are trained by package train and stored as one JSON file;
// one is part of the program.
//
// It must never do I/O, never read a clock or draw a random number, never keep
// or log a prompt, and never allocate for a prediction once its room is made.
//
// # What a model is
//
// A logistic regression per tier ("does it answer this well?") and one per class,
// over the same features: words, pairs of neighbouring words and beginnings of
// long words, hashed into 65,536 buckets; and counted features such as length,
// numbers, answer options, code, list items, scripts, and concepts in some twenty
// languages ("prove", "in one sentence", "at least"). Beside that of a tier stands
// a forest over the counted features and the [Topics] of the text, which sees what
// depends on several of them at once. The two are weighed against each other and
// calibrated together, on prompts that neither had seen. Weights take one byte.
//
// Both stay small because a decision has 50 µs and a file 800 KiB. What a small
// hidden layer could add to the regression, the product of the prompt's form (many
// options, few, numbers, question, other) and its words, is made explicit.
//
// # What tiers mean
//
// A model trained on one's own outcomes has one head per tier. The embedded one
// has "weak", "mid" and "strong", measured on models of very different sizes; a
// policy's lowest tier is taken for weak, its highest for strong, and those
// between are interpolated: see [Spread].
package model
