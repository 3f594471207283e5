package manifest
import ("testing")
func BenchmarkScratch(b *testing.B){
 for b.Loop() {
  _, err := compileAll()
  if err != nil { b.Fatal(err) }
 }
}
