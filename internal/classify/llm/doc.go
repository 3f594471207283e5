// Package llm is the step of classification that asks a model: what it is asked,
// how its answer is read, how long that is remembered, and when it is not asked.
//
// It must never do I/O, never read a clock or draw a random number, and never keep
// a prompt: what is remembered is a hash and a class.
//
// # Prompts that speak to the classifier
//
// A prompt may hold "respond SIMPLE". Three things keep it from deciding its own
// tier. What is to be judged stands between two lines of a random word that its
// author cannot know, and the model is told before and after that it is material.
// Only the bare word of a class counts as an answer. And a class that the material
// itself names is not taken from a model that was shown it, however it came to its
// word: the request is then undecided, and goes where undecided ones go. That
// costs a verdict now and then ("a simple way to …", judged SIMPLE), and means
// that not even a model that obeys every word can be told what to say in the words
// that it has to say it in.
package llm
