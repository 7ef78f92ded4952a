package work

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"
)

// endless answers a query with the same items page after page, up to a number of pages.
type endless struct {
	items []byte // the members Count and Items
	pages int
	made  int
}

func (e *endless) Do(*http.Request) (*http.Response, error) {
	body := bytes.Clone(e.items)
	if e.made++; e.made < e.pages {
		body = fmt.Appendf(body, `,"LastEvaluatedKey":{"PK":{"S":"TENANT#x"},"SK":{"S":"USER#%d"}}`, e.made)
	}
	body = append(body, '}')
	return &http.Response{
		StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
		Header: http.Header{"X-Amz-Crc32": {strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)}},
	}, nil
}

// TestStreaming reads a million items by Query.All: what is alive stays below 32 MiB.
func TestStreaming(t *testing.T) {
	const onPage, pages, most = 1000, 1000, 32 << 20
	all := People(onPage)
	r, err := newReplay(all)
	require.NoError(t, err)
	ctx := t.Context()
	require.NoError(t, r.freeze(func() (any, error) { return withSDK{r.client()}.query(ctx, all[0]) }))
	items, ok := bytes.CutSuffix(r.body, []byte("}"))
	require.True(t, ok)
	_, people, err := declare(dynamodb.New(dynamodb.Options{
		Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient: &endless{items: items, pages: pages}, BaseEndpoint: aws.String("http://localhost"),
	}))
	require.NoError(t, err)
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n, peak := 0, uint64(0)
	for p, err := range people.Query(all[0]).All(ctx) {
		require.NoError(t, err)
		require.NotEmpty(t, p.ID)
		if n++; n%(50*onPage) == onPage/2 { // in the middle of a page, with the next one on its way
			var now runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc)
		}
	}
	require.Equal(t, onPage*pages, n)
	t.Logf("%.1f MiB alive at most, %.1f of them before", float64(peak)/(1<<20), float64(before.HeapAlloc)/(1<<20))
	require.Less(t, peak, uint64(most))
}
