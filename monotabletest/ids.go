package monotabletest

import (
	"fmt"
	"sync/atomic"
)

// IDs gives the same ids in every run: "id-0001", "id-0002" and so on, which sort as they were given up to 9999. It is for
// [monotable.AttrRule.DefaultFunc] and whatever else makes ids at random in production:
//
//	ids := monotabletest.NewIDs("order")
//	orderID.DefaultFunc(func(*Order) string { return ids.Next() })
//
// The zero value gives "id-0001" first. It is safe for concurrent use, though which of several goroutines gets which id is chance; it is not to be copied after the first use.
type IDs struct {
	prefix string
	last   atomic.Int64
}

// NewIDs is a source of ids that begin with prefix and a hyphen; "" means "id".
func NewIDs(prefix string) *IDs { return &IDs{prefix: prefix} }

// Next is an id that was not given before.
func (s *IDs) Next() string {
	prefix := s.prefix
	if prefix == "" {
		prefix = "id"
	}
	return fmt.Sprintf("%s-%04d", prefix, s.last.Add(1))
}

// Reset begins again with the first id.
func (s *IDs) Reset() { s.last.Store(0) }
