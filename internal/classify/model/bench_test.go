package model

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const prose = "The board asked the team to compare three suppliers by cost, delivery time and risk, and to say which of them should get the contract for 2027. "

func BenchmarkPredict(b *testing.B) {
	m := random(b, 3, true)
	for i := range m.tiers { // as many trees as training grows
		m.tiers[i].Forest = randomForest(rand.New(rand.NewPCG(1, uint64(i))), 90)
	}
	for _, size := range []int{200, 2 << 10, 20 << 10, 200 << 10} {
		text := []byte(strings.Repeat(prose, size/len(prose)+1)[:size])
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			var p Prediction
			m.Predict(text, Signals{}, &p)
			b.ReportAllocs()
			for b.Loop() {
				m.Predict(text, Signals{}, &p)
			}
		})
	}
	for name, text := range map[string]string{
		"Russian": "Нужна система бронирования билетов, которая выдерживает нагрузку. ",
		"Chinese": "请给出整体架构并分析各个取舍。",
	} {
		b.Run(name, func(b *testing.B) {
			text := []byte(strings.Repeat(text, 2048/len(text)))
			var p Prediction
			m.Predict(text, Signals{}, &p)
			for b.Loop() {
				m.Predict(text, Signals{}, &p)
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	data, err := random(b, 3, true).Marshal()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Load(data); err != nil {
			b.Fatal(err)
		}
	}
}
