package memdb

type timeToLive struct {
	attribute string
	enabled   bool
}
