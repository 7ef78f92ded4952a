package monotable

import (
	"strings"
	"sync"
)

// bodies are room for JSON. What is read from a reply is copied, so nothing refers to it once its items are done with.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

const largestBody = 4 << 20

// released is told of what is given back. Tests spoil it, so that a reference to it is found out.
var released = func([]byte) {}

// giveBack gives room back that data stands in.
func giveBack(room *[]byte, data []byte) {
	released(data)
	if *room = data[:0]; cap(data) > largestBody {
		*room = nil
	}
	bodies.Put(room)
}

// jsonRoom is pooled memory for the items of a batch, until it ends. nil says that they cannot be JSON.
type jsonRoom struct {
	blocks []*[]byte
	ids    idRoom
}

const roomBlock = 64 << 10

// free is what has been written, with room for about n bytes more.
func (r *jsonRoom) free(n int) []byte {
	if last := len(r.blocks) - 1; last >= 0 && cap(*r.blocks[last])-len(*r.blocks[last]) >= n {
		return *r.blocks[last]
	}
	block := bodies.Get().(*[]byte)
	if cap(*block) < n {
		*block = make([]byte, 0, max(n, roomBlock))
	}
	r.blocks = append(r.blocks, block)
	return *block
}

// keep takes what free gave, and more.
func (r *jsonRoom) keep(b []byte) { *r.blocks[len(r.blocks)-1] = b }

// close gives the room back.
func (r *jsonRoom) close() {
	for _, block := range r.blocks {
		giveBack(block, *block)
	}
	r.blocks = nil
}

// idRoom is memory for the ids of so many items, in a few pieces that are never used again. The zero value is for one.
type idRoom struct {
	items int
	piece strings.Builder
}

const maxIDs = 8 << 10 // that a part of an id keeps from being freed

// keep makes a text of an id.
func (r *idRoom) keep(id []byte) string {
	if r.piece.Cap()-r.piece.Len() < len(id) {
		r.piece.Reset()
		r.piece.Grow(max(len(id), min(r.items*(len(id)+len(id)/8), maxIDs)))
	}
	r.items--
	begin := r.piece.Len()
	r.piece.Write(id)
	return r.piece.String()[begin:]
}
