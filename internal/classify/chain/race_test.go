//go:build race

package chain

// raceDetector has pools lose what is put into them, on purpose and at random.
const raceDetector = true
