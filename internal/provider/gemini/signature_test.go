package gemini

import "testing"

func TestSignaturesComeBackAsTheyWere(t *testing.T) {
	for name, s := range map[string]string{
		"Gemini's own": "tsgeminiAQID", "Claude's": "EqQBCkYIBRgC", "OpenAI's": "openai:rs_1:gAAAA+/=", "none": "", "a placeholder": foreignCall,
	} {
		t.Run(name, func(t *testing.T) {
			client := clientSignature(s)
			if s != "" && !isBase64(client) {
				t.Errorf("the client gets %q, which is no base64", client)
			}
			if back := broughtSignature(client); back != s {
				t.Errorf("came back as %q, want %q", back, s)
			}
		})
	}
	// What Gemini's own stream told the client, without the router's hand in it.
	if got := broughtSignature("AQID"); ownSignature(got) != "AQID" {
		t.Errorf("unmarked: %q", got)
	}
}
