package chat

// questions are last turns of different difficulty.
var questions = [...]string{
	"Translate the note below to French, and keep the order numbers as they are.",
	"Compare the two delivery contracts below, explain the trade-offs step by step, and recommend one.",
	"Which of the messages below are about a refund? Answer with their numbers only.",
	"Why does this function return the wrong total when the cart is empty?\n\n```go\nfunc total(items []Item) (sum int) {\n" +
		"\tfor _, i := range items {\n\t\tsum += i.Price * i.Count\n\t}\n\treturn sum / len(items) // \"average\"\n}\n```",
	"Summarise the conversation for a colleague who takes over tomorrow.",
	"Write a friendly answer to the customer below. She is upset that her parcel came late — and \"half empty\".",
	"Extract name, address and order number from the text below as JSON.",
	"Wo ist meine Bestellung A-1042? Ich warte seit über zwei Wochen, und die Hotline hört mir nicht zu.",
}

// sentences are what conversations are filled with: prose, quotes, lists, code
// and other scripts, with as many escapes as such text has.
var sentences = [...]string{
	"The parcel left the warehouse on Tuesday and has been at the depot in Lyon since Thursday evening.",
	"Our terms say: \"Goods can be returned within 30 days, unopened, with the receipt.\"",
	"She asked twice whether the café table comes with chairs, and nobody could tell her.",
	"- order A-1042: two lamps, one of them broken\n- order A-1043: cancelled before it was packed",
	"The committee met on Monday to go through the figures of the last quarter, which most members found plausible.",
	"I tried `curl -s \"https://shop.example/api/orders?id=A-1042\" | jq '.items[0]'` and got nothing.",
	"{\"order_id\": \"A-1042\", \"status\": \"in_transit\", \"weight_kg\": 12.5, \"fragile\": true}",
	"Please do not call before nine; my shift ends at six in the morning.",
	"Die Rechnung über 1.299,00 € ging am 3. März heraus, die Mahnung schon am 10.",
	"What I do not understand is why the discount was taken off again after I had paid.",
	"The path C:\\orders\\2026\\march\\export.csv is gone since the update.",
	"This has been the third time this year, and each time I was told that it would not happen again.",
	"for id, order := range orders {\n\tif order.Status == \"open\" {\n\t\tfmt.Printf(\"%s\\t%d\\n\", id, order.Total)\n\t}\n}",
	"お問い合わせありがとうございます。ご注文の商品は明日発送いたします。",
	"Thanks a lot, that was quick! 🙂",
	"The second shipment weighs about twelve kilograms, so it needs two people or a lift.",
	"He said it's \"fine\" – which usually means that it is not.",
	"If the address cannot be changed any more, I would rather have my money back.",
	"Prices are in euros and include VAT; shipping to islands costs 12.90 more.",
	"Nothing in the manual says that the lamp must not be used in a bathroom.",
}
