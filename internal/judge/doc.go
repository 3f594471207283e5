// Package judge asks a model which of two answers to one request is how good,
// and reads what it says: the words of the question, the strict reading of the
// reply, the score made of it, and the day's budget.
//
// A judge is not told which answer came from where, and sees them in either order
// by chance. What it is shown is data of others, prompts and answers alike, and
// may speak to it: see [Compose] for what holds it off.
//
// It is pure: clock and randomness are arguments. It must never put a byte of a
// prompt or an answer into an error.
package judge
