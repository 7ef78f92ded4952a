package monotable_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// TestTruncate empties a table, or the scope of one.
func TestTruncate(t *testing.T) {
	t.Parallel()
	s := openStore(t, monotable.TableConfig{Name: "life"})
	seven, seventy := tenantUsers(t, s.Table, "T#7"), tenantUsers(t, s.Table, "T#70")
	fill := func() {
		for _, tenant := range []string{"T#7", "T#70"} {
			for i := range 60 {
				s.write(keyPS(tenant+"#"+string(rune('a'+i%26)), string(rune('A'+i))))
			}
		}
		require.NoError(t, second(seven.Create(t.Context(), tenantUser{ID: "ann", Name: "Ann"})))
		require.NoError(t, second(seventy.Create(t.Context(), tenantUser{ID: "bob", Name: "Bob"})))
	}
	fill()
	total := len(s.dump())
	require.NoError(t, s.Scoped("T#7").Truncate(t.Context()))
	left := s.dump()
	require.Len(t, left, total/2)
	for _, item := range left {
		assert.NotContains(t, text(item["PK"])+"#", "T#7#")
		if owner := asMap(item["_owner"]); owner != nil {
			assert.Contains(t, text(owner["PK"]), "T#70")
		}
	}
	require.NoError(t, s.Truncate(t.Context()))
	require.Empty(t, s.dump())
	require.NoError(t, s.Truncate(t.Context()), "nothing to do")

	// A failure leaves the rest, and the next call takes it.
	fill()
	var faults monotabletest.Faults
	faults.StopAt(6)
	require.ErrorIs(t, s.over(faults.Client(s.client)).Truncate(t.Context()), monotabletest.ErrStopped)
	require.NotEmpty(t, s.dump())
	faults.Reset()
	faults.Rate("BatchWriteItem", 0.3, monotabletest.Unprocessed(20))
	require.NoError(t, s.over(faults.Client(s.client)).With(monotable.Backoff(atEase), monotable.Concurrency(7)).Truncate(t.Context()))
	require.Empty(t, s.dump())

	fill()
	require.NoError(t, s.With(monotable.Pace(100_000)).Truncate(t.Context()))
	require.Empty(t, s.dump())
	faults.Reset()
	faults.Rate("BatchWriteItem", 1, monotabletest.Refuse(http.StatusBadRequest, "AccessDeniedException"))
	fill()
	require.ErrorContains(t, s.over(faults.Client(s.client)).Truncate(t.Context()), "monotable: Truncate life: AccessDeniedException")

	// More than a page.
	for i := range 60 {
		s.write(rawItem{"PK": avS("big"), "SK": avS(string(rune('A' + i))), "b": avS(strings.Repeat("x", 30_000)), "_owner": avM(keyPS("T#7", "x"))})
	}
	require.NoError(t, s.Scoped("T#7").Truncate(t.Context()))
	require.Len(t, s.dump(), 60+62, "what looks like a guard's owner elsewhere makes no guard")
	require.NoError(t, s.With(monotable.Concurrency(1)).Truncate(t.Context()))
	require.Empty(t, s.dump())

	err := s.With(monotable.TableName("none")).Truncate(t.Context())
	require.ErrorAs(t, err, new(*types.ResourceNotFoundException))
}

// A tenant's user has a unique name.
type tenantUser struct {
	ID   string `dynamodbav:"id"`
	Name string `dynamodbav:"name"`
}

func tenantUsers(t *testing.T, table *monotable.Table, tenant string) *monotable.Entity[tenantUser] {
	name := monotable.Field(func(u *tenantUser) *string { return &u.Name })
	return mustEntity(t, table.Scoped(tenant), monotable.Schema[tenantUser]{
		Name: "UserOf" + tenant[2:], Key: monotable.Key{Partition: tenant + "#U#{id}", Sort: "U"},
		Rules: []monotable.Rule[tenantUser]{name.Unique()},
	})
}
