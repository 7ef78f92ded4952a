package monotable

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

// The entries of a call have one index. What another request of the call asks for is unknown to this one, and so is what it has had already.
func TestEntriesOfCall(t *testing.T) {
	core := &tableCore{primary: indexKeys{partition: []KeyAttribute{{Name: "PK"}}}}
	key := func(i int) attributeMap {
		return attributeMap{"PK": &types.AttributeValueMemberS{Value: fmt.Sprintf("K%d", i)}}
	}
	const table = "arn:aws:dynamodb:eu-west-1:1:table/app"
	entries, byID := make([]*batchEntry, 350), newKeyIndex(350)
	for i := range entries {
		entries[i] = &batchEntry{core: core, table: table, at: int32(i), id: keyID{text: keyIdentity(table, core, key(i))}}
		require.Nil(t, byID.add(entries[i]))
	}
	left := []*batchEntry{entries[199], entries[120], entries[150]} // of the second request, in the order of its answer
	for _, chunk := range [][]*batchEntry{entries[:100], entries[100:200], entries[200:300], entries[300:], left} {
		x := entriesOfCall(chunk, byID)
		asked := map[*batchEntry]bool{}
		for _, e := range chunk {
			asked[e] = true
		}
		for i, e := range entries {
			for _, name := range []string{table, "app"} {
				if found := x.find(name, recordOf(key(i))); asked[e] {
					require.Same(t, e, found)
				} else {
					require.Nil(t, found)
				}
			}
		}
		require.Nil(t, x.find(table, recordOf(key(1000))))
		require.Nil(t, x.find("other", recordOf(key(int(chunk[0].at)))))
	}
}

// An index finds what was added and nothing else, however full it is, and adds no key twice.
func TestKeyIndex(t *testing.T) {
	for n := range 70 {
		x, id := newKeyIndex(n), func(i int) string { return fmt.Sprintf("key %d", i) }
		require.Nil(t, x.find([]byte(id(0))))
		var entries []*batchEntry
		for i := range n {
			entries = append(entries, &batchEntry{id: keyID{text: id(i)}})
			require.Nil(t, x.add(entries[i]))
			require.Same(t, entries[i], x.add(&batchEntry{id: keyID{text: id(i)}}))
		}
		for i, e := range entries {
			require.Same(t, e, x.find([]byte(id(i))))
		}
		require.Nil(t, x.find([]byte(id(n))))
	}
}

// Ids keep what they are when others follow, in pieces of a bounded size.
func TestIDRoom(t *testing.T) {
	var want, got []string
	room := idRoom{items: 1000}
	for i := range 1100 { // more than it was told
		id := strings.Repeat("x", i%90) + fmt.Sprint(i)
		if i == 500 {
			id = strings.Repeat("y", 2*maxIDs)
		}
		b := []byte(id)
		want, got = append(want, id), append(got, room.keep(b))
		clear(b)
		require.LessOrEqual(t, room.piece.Cap(), 2*maxIDs+maxIDs/2)
	}
	require.Equal(t, want, got)
	require.Equal(t, "one", (&idRoom{}).keep([]byte("one")))
}
