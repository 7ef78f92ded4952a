package monotable

func init() {
	released = func(body []byte) {
		for i := range body {
			body[i] = 0xFF
		}
	}
}
