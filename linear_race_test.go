//go:build race

package monotable_test

const raceEnabled = true
