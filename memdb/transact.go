package memdb

import "github.com/monotable/monotable/memdb/internal/value"

type cancellationReason struct {
	Code    string
	Message string    `json:",omitempty"`
	Item    value.Map `json:",omitzero"`
}
