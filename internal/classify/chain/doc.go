// Package chain is the order in which a request is classified: the rules, the
// trained classifier, an LLM, and what holds where none of them is sure. It is
// one decision for the router, for its explanations and for the command line.
//
// It must never do I/O, never read a clock or draw a random number: asking an LLM
// is an argument. It never allocates to decide.
//
// # Two ways
//
// Without a target quality the **class** decides: SIMPLE goes to the lowest tier,
// COMPLEX to the highest, MODERATE to the one in the middle.
//
//  1. A custom rule that is sure (confidence of 0.7 or more) decides.
//  2. A rule of the preset that is sure decides, unless the classifier is for a less
//     demanding class with a confidence of at least [Overrule].
//  3. The classifier decides with a confidence of at least minConfidence.
//  4. The LLM is asked.
//
// With a target quality, or where the length of the answer is to count, the
// **predicted quality** of each tier decides:
//
//  1. A custom rule that is sure decides.
//  2. The classifier decides: the tier that reaches the target at the least cost;
//     without a target, the one of the best value, which is its quality less
//     [model.DefaultPrice] times its cost. With a target it is sure if the tier
//     reaches it, or is predicted to answer well with at least minConfidence;
//     without one, if it is of the class.
//  3. A rule of the preset that is sure decides by its class.
//  4. The LLM is asked.
//
// # Why this order
//
// Measured on the public sets that the embedded classifier was not trained on,
// and on 66 prompts of other style in 18 languages (package train, styles.jsonl).
// Share of all prompts whose class is right, undecided ones counted as wrong:
//
//	                                       464 by one author   66 of other style
//	rules alone                            0.940               0.303
//	classifier alone, from 0.6             0.966               0.697
//	rules, then classifier from 0.6        0.978               0.652
//	rules, overruled from 0.8 either way   0.978               0.742
//	rules, overruled downwards from 0.8    0.976               0.712
//
// Downwards only, although it is right a little less often: upwards, the classifier
// takes a list of facts in a short ask for a list of requirements ("summarize this
// conversation in three sentences: …"), which sent half of the demonstration's
// workload to the dearest tier and answered it no better. The thresholds were chosen
// on these two sets. Of which model is needed (3,892 prompts
// with outcomes) the rules know nothing that the classifier does not: adding
// their verdict to its score leaves the APGR as it is. So they do not decide over
// predicted quality.
package chain
