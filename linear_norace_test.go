//go:build !race

package monotable_test

const raceEnabled = false
