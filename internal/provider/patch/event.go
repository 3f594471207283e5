package patch

import "bytes"

// eventLines says where in an event its fields are.
type eventLines struct {
	// data are the values of the data fields.
	data []span
	// name is the value of the event field.
	name span
}

func (e *eventLines) reset() { e.data, e.name = e.data[:0], span{} }

// field takes note of the field in a line that starts at start.
func (e *eventLines) field(line []byte, start int) {
	name, value := line, len(line)
	if i := bytes.IndexByte(line, ':'); i >= 0 {
		name, value = line[:i], i+1
		if value < len(line) && line[value] == ' ' {
			value++
		}
	}
	at := span{start + value, start + len(line)}
	switch string(name) {
	case "data":
		e.data = append(e.data, at)
	case "event":
		e.name = at
	}
}

// data returns the data of the event at hand: its data fields, joined by line
// feeds.
func (s *Stream) data(event []byte) []byte {
	fields := s.event.data
	if len(fields) == 1 {
		return fields[0].of(event)
	}
	s.joined = s.joined[:0]
	for i, f := range fields {
		if i > 0 {
			s.joined = append(s.joined, '\n')
		}
		s.joined = append(s.joined, f.of(event)...)
	}
	return s.joined
}

// appendWithout appends an event without the cuts, which are in terms of its
// joined data. The line feeds between data fields stay: in JSON they are space.
func appendWithout(out, event []byte, fields, cuts []span) []byte {
	from, base := 0, 0
	for _, f := range fields {
		for _, c := range cuts {
			start := max(c.start, base) - base + f.start
			end := min(c.end, base+f.len()) - base + f.start
			if start < end {
				out = append(out, event[from:start]...)
				from = end
			}
		}
		base += f.len() + 1
	}
	return append(out, event[from:]...)
}
