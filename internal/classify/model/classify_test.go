package model

import "testing"

func TestClassifyTellsTheClassesThatPredictDoes(t *testing.T) {
	var whole, classes Prediction
	for _, text := range []string{
		"What is the capital of France?", "Prove that the square root of 2 is irrational.",
		"Write a friendly reply to a customer who asks for a refund.", "",
	} {
		Default().Predict([]byte(text), Signals{Tokens: 12, Turns: 1}, &whole)
		Default().Classify([]byte(text), Signals{Tokens: 12, Turns: 1}, &classes)
		if classes.Class != whole.Class || classes.Confidence != whole.Confidence || classes.Classes != whole.Classes {
			t.Errorf("%q: %s %v, Predict says %s %v", text, classes.Class, classes.Classes, whole.Class, whole.Classes)
		}
		if len(classes.Quality) != 0 || classes.Score != 0 {
			t.Errorf("%q: speaks of tiers: %v %v", text, classes.Quality, classes.Score)
		}
	}
}
