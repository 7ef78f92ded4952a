package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/examples/tenants/api"
	"github.com/monotable/monotable/examples/tenants/tenant"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// site is the API on a server of net/http, as a client sees it.
type site struct {
	t      *testing.T
	url    string
	faults monotabletest.Faults
	log    bytes.Buffer
	client *dynamodb.Client // the plain one
	table  string
}

func newSite(t *testing.T) *site {
	t.Helper()
	site, client, table := &site{t: t}, monotabletest.Client(t), monotabletest.Name(t)
	service, err := tenant.New(site.faults.Client(client), tenant.Options{Table: table, CursorSecret: bytes.Repeat([]byte("s"), 32)})
	require.NoError(t, err)
	require.NoError(t, service.Ensure(t.Context(), client))
	t.Cleanup(func() { _, _ = client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &table}) })
	server := httptest.NewServer(api.New(service, api.Options{Logger: slog.New(slog.NewTextHandler(&site.log, nil))}))
	t.Cleanup(server.Close)
	site.url, site.client, site.table = server.URL, client, table
	return site
}

type object = map[string]any

// call sends a request and gives status, header and the body's JSON. A want of 0 is any status.
func (s *site) call(want int, method, path, body string) (object, http.Header) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	res, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	if want != 0 {
		require.Equal(s.t, want, res.StatusCode, "%s %s: %s", method, path, text)
	}
	require.NotEmpty(s.t, res.Header.Get("X-Request-Id"))
	require.NotContains(s.t, string(text), "mailToken", "hidden")
	require.NotContains(s.t, string(text), "MailToken", "hidden")
	if len(text) == 0 {
		return nil, res.Header
	}
	require.Equal(s.t, "application/json", res.Header.Get("Content-Type"))
	var out object
	require.NoError(s.t, json.Unmarshal(text, &out), string(text))
	return out, res.Header
}

// refused is call for what must fail: it gives the error.
func (s *site) refused(want int, code, method, path, body string) object {
	s.t.Helper()
	out, header := s.call(want, method, path, body)
	failure, ok := out["error"].(object)
	require.True(s.t, ok, "%v", out)
	require.Equal(s.t, code, failure["code"], "%s %s %s", method, path, body)
	require.Equal(s.t, header.Get("X-Request-Id"), failure["requestId"])
	return failure
}

const signUp = `{"user": {"id": "ann", "email": "Ann@Example.com", "username": "ann"}, "organization": {"id": "acme", "name": "Acme"}}`

// TestAPI goes through all calls as a client would.
func TestAPI(t *testing.T) {
	s := newSite(t)
	both, _ := s.call(201, "POST", "/signup", signUp)
	require.Equal(t, "ann@example.com", both["user"].(object)["email"])
	require.Equal(t, "ann", both["organization"].(object)["ownerId"])
	bob, _ := s.call(201, "POST", "/users", `{"id": "bob", "email": "bob@example.com", "username": "bob", "organization": {"id": "acme", "role": "admin"}}`)
	require.Equal(t, 1.0, bob["organizations"])
	cem, _ := s.call(201, "POST", "/users", `{"id": "cem", "email": "cem@example.com", "name": "Cem Çelik"}`)
	require.Equal(t, object{"theme": "light", "language": "en", "digest": "weekly", "mail": true}, cem["preferences"])

	for _, path := range []string{"/users/cem", "/users?email=CEM@example.com"} {
		got, _ := s.call(200, "GET", path, "")
		require.Equal(t, cem, got)
	}
	got, _ := s.call(200, "GET", "/users?username=Bob", "")
	require.Equal(t, bob, got)

	cem, _ = s.call(200, "PATCH", "/users/cem", `{"name": "Cem", "version": 1}`)
	require.Equal(t, 2.0, cem["version"])
	cem, _ = s.call(200, "PATCH", "/users/cem", `{"username": "cem"}`)
	require.Equal(t, "Cem", cem["name"])
	preferences, _ := s.call(200, "PATCH", "/users/cem/preferences", `{"theme": "dark", "mail": false}`)
	require.Equal(t, object{"theme": "dark", "language": "en", "digest": "weekly", "mail": false}, preferences)

	s.call(201, "POST", "/organizations", `{"id": "oak", "name": "Oak School", "plan": "pro", "ownerId": "cem"}`)
	s.call(201, "POST", "/organizations/oak/members", `{"id": "bob"}`)
	seats, _ := s.call(200, "GET", "/users/bob/organizations", "")
	require.Equal(t, "admin", seats["items"].([]any)[0].(object)["role"])
	require.Equal(t, "Oak School", seats["items"].([]any)[1].(object)["organization"].(object)["name"])
	colleagues, _ := s.call(200, "GET", "/users/bob/colleagues", "")
	require.Len(t, colleagues["items"], 2)

	invited, _ := s.call(200, "POST", "/organizations/oak/invitations", `{"emails": ["x@example.com", "y@example.com"]}`)
	require.Equal(t, object{"invited": 2.0}, invited)
	oak, _ := s.call(200, "GET", "/organizations/oak", "")
	require.Equal(t, "cem", oak["ownerId"])
	require.Equal(t, 2.0, oak["members"])
	require.Equal(t, 2.0, oak["invitations"])

	s.call(204, "PUT", "/organizations/oak/owner", `{"from": "cem", "to": "bob"}`)
	s.call(204, "DELETE", "/organizations/oak/members/cem", "")
	s.call(204, "DELETE", "/users/cem", "")
	got, _ = s.call(200, "GET", "/users/cem", "")
	require.Equal(t, "deleted", got["status"])
	for _, gone := range []string{"email", "username", "name", "preferences"} {
		require.NotContains(t, got, gone)
	}
	deleted, _ := s.call(200, "GET", "/users?status=deleted", "")
	require.Len(t, deleted["items"], 1)
	require.Equal(t, false, deleted["hasMore"])
	require.Empty(t, s.log.String(), "nothing for the log")
}

func TestPages(t *testing.T) {
	s := newSite(t)
	s.call(201, "POST", "/signup", signUp)
	for i := range 6 {
		s.call(201, "POST", "/users", fmt.Sprintf(`{"id": "u%d", "email": "u%[1]d@example.com", "organization": {"id": "acme"}}`, i))
	}
	for _, path := range []string{"/users?", "/organizations/acme/members?"} {
		for size := 1; size <= 8; size++ {
			var found, pages int
			for cursor, more := "", true; more; pages++ {
				page, _ := s.call(200, "GET", fmt.Sprintf("%slimit=%d&cursor=%s", path, size, cursor), "")
				found += len(page["items"].([]any))
				more = page["hasMore"].(bool)
				cursor, _ = page["cursor"].(string)
				require.Equal(t, more, cursor != "")
			}
			require.Equal(t, 7, found, "pages of %d", size)
			require.Equal(t, (7+size-1)/size, pages, "%s: pages of %d: the last one says that it is the last", path, size)
		}
	}
}

func TestRefusals(t *testing.T) {
	s := newSite(t)
	s.call(201, "POST", "/signup", signUp)
	s.call(201, "POST", "/users", `{"id": "bob", "email": "bob@example.com", "organization": {"id": "acme"}}`)
	for _, row := range []struct {
		status             int
		code               string
		method, path, body string
	}{
		{400, "bad_json", "POST", "/users", `{`},
		{400, "bad_json", "POST", "/users", ``},
		{400, "bad_json", "POST", "/users", `{"id": 7}`},
		{400, "bad_json", "POST", "/users", `{"id": "eve", "email": "eve@example.com"} {}`},
		{400, "bad_json", "POST", "/users", `{"id": "eve", "email": "eve@example.com", "version": 9}`},
		{400, "bad_json", "POST", "/users", `{"id": "eve", "email": "eve@example.com", "status": "deleted"}`},
		{400, "invalid", "POST", "/users", `{"id": "eve"}`},
		{400, "invalid", "POST", "/users", `{"id": "eve#1", "email": "eve@example.com"}`},
		{400, "invalid", "GET", "/users/eve%231", ``},
		{400, "invalid", "PATCH", "/users/bob", `{"email": ""}`},
		{400, "invalid", "PATCH", "/users/bob/preferences", `{"theme": "loud"}`},
		{400, "invalid", "POST", "/organizations/acme/members", `{"id": "bob", "role": "owner"}`},
		{400, "invalid", "POST", "/organizations/acme/invitations", `{"emails": ["nobody"]}`},
		{400, "bad_limit", "GET", "/users?limit=0", ``},
		{400, "bad_limit", "GET", "/users?limit=1000", ``},
		{400, "bad_cursor", "GET", "/users?cursor=abc", ``},
		{404, "not_found", "GET", "/", ``},
		{404, "not_found", "GET", "/users/nobody", ``},
		{404, "not_found", "GET", "/users?email=nobody@example.com", ``},
		{404, "not_found", "PATCH", "/users/nobody", `{"name": "N."}`},
		{404, "not_found", "DELETE", "/users/nobody", ``},
		{404, "not_found", "GET", "/organizations/nowhere", ``},
		{404, "not_found", "GET", "/organizations/nowhere/members", ``},
		{404, "not_found", "GET", "/users/nobody/organizations", ``},
		{404, "not_found", "GET", "/users/nobody/colleagues", ``},
		{404, "not_found", "POST", "/organizations/nowhere/members", `{"id": "bob"}`},
		{404, "not_found", "POST", "/organizations", `{"id": "oak", "name": "Oak", "ownerId": "nobody"}`},
		{404, "not_found", "DELETE", "/organizations/acme/members/nobody", ``},
		{409, "exists", "POST", "/users", `{"id": "ann", "email": "eve@example.com"}`},
		{409, "taken", "POST", "/users", `{"id": "eve", "email": "ann@example.com"}`},
		{409, "taken", "PATCH", "/users/bob", `{"username": "ann"}`},
		{409, "exists", "POST", "/signup", `{"user": {"id": "eve", "email": "eve@example.com"}, "organization": {"id": "acme", "name": "Acme"}}`},
		{409, "exists", "POST", "/organizations/acme/members", `{"id": "bob"}`},
		{409, "version_conflict", "PATCH", "/users/bob", `{"name": "B.", "version": 7}`},
		{409, "conflict", "PUT", "/organizations/acme/owner", `{"from": "bob", "to": "ann"}`},
		{409, "conflict", "DELETE", "/organizations/acme/members/ann", ``},
		{409, "is_owner", "DELETE", "/users/ann", ``},
		{413, "too_large", "POST", "/users", `{"name": "` + strings.Repeat("x", 100_000) + `"}`},
	} {
		s.refused(row.status, row.code, row.method, row.path, row.body)
	}
	require.Equal(t, []any{object{"name": "email", "problem": "is not an email address"}},
		s.refused(400, "invalid", "POST", "/users", `{"id": "eve", "email": "eve at home"}`)["fields"])
	for _, row := range []struct {
		method, path, body string
		fields             []string
	}{
		{"POST", "/users", `{"email": "eve@example.com"}`, []string{"id"}},
		{"POST", "/users", `{"id": "eve"}`, []string{"email"}},
		{"POST", "/users", `{"id": "eve", "email": "eve@example.com", "organization": {"id": "a#b"}}`, []string{"organization.id"}},
		{"POST", "/users", `{"id": "eve", "email": "eve@example.com", "organization": {"id": "acme", "role": "owner"}}`, []string{"organization.role"}},
		{"POST", "/signup", `{"user": {}, "organization": {}}`, []string{"user.id", "user.email"}},
		{"POST", "/signup", `{"user": {"id": "eve", "email": "eve@example.com"}, "organization": {}}`, []string{"organization.id", "organization.name"}},
		{"POST", "/signup", `{"user": {"id": "eve", "email": "eve@example.com", "name": "` + strings.Repeat("é", 81) + `"}, "organization": {}}`, []string{"user.name"}},
		{"POST", "/organizations", `{"ownerId": "bob"}`, []string{"id", "name"}},
		{"POST", "/organizations", `{"id": "oak", "name": "Oak"}`, []string{"ownerId"}},
		{"POST", "/organizations/acme/members", `{}`, []string{"id"}},
		{"POST", "/organizations/acme/members", `{"id": "bob", "role": "king"}`, []string{"role"}},
		{"POST", "/organizations/acme/invitations", `{"emails": ["x", ""]}`, []string{"emails"}},
		{"PUT", "/organizations/acme/owner", `{"from": "ann"}`, []string{"to"}},
		{"PUT", "/organizations/acme/owner", `{"from": "ann", "to": "ann"}`, []string{"to"}},
		{"PUT", "/organizations/acme/owner", `{"from": "a#b", "to": "bob"}`, []string{"from"}},
		{"PATCH", "/users/bob", `{"email": ""}`, []string{"email"}},
		{"PATCH", "/users/bob", `{"version": -1}`, []string{"version"}},
		{"PATCH", "/users/bob", `{"version": 0}`, []string{"version"}},
		{"PATCH", "/users/bob/preferences", `{"theme": "loud", "digest": "hourly"}`, []string{"theme", "digest"}},
		{"GET", "/users?status=bogus", ``, []string{"status"}},
	} {
		var names []string
		for _, f := range s.refused(400, "invalid", row.method, row.path, row.body)["fields"].([]any) {
			names = append(names, f.(object)["name"].(string))
		}
		require.Equal(t, row.fields, names, "%s %s %s", row.method, row.path, row.body)
	}
	require.Equal(t, []any{object{"name": "user.email"}},
		s.refused(409, "taken", "POST", "/signup", `{"user": {"id": "eve", "email": "ann@example.com"}, "organization": {"id": "oak", "name": "Oak"}}`)["fields"])
	bob, _ := s.call(200, "GET", "/users/bob", "")
	same, _ := s.call(200, "PATCH", "/users/bob/preferences", `{}`)
	require.Equal(t, bob["preferences"], same)
	s.call(200, "PATCH", "/users/bob", `{}`)
	sharp, _ := s.call(201, "POST", "/users", `{"id": "sharp", "email": "c#y@example.com"}`)
	require.Equal(t, "c#y@example.com", sharp["email"])
	require.Equal(t, []any{object{"name": "email"}}, s.refused(409, "taken", "POST", "/users", `{"id": "eve", "email": "ann@example.com"}`)["fields"])
	s.call(204, "DELETE", "/users/bob", "")
	s.refused(409, "deleted", "PATCH", "/users/bob", `{"name": "B."}`)
	s.refused(409, "deleted", "PATCH", "/users/bob/preferences", `{"theme": "dark"}`)
	s.refused(409, "deleted", "POST", "/organizations/acme/members", `{"id": "bob"}`)
	s.refused(409, "deleted", "POST", "/organizations", `{"id": "oak", "name": "Oak", "ownerId": "bob"}`)
	require.Empty(t, s.log.String(), "none of them is ours")
}

// What goes wrong here is told to the log, and of the client no more than an id to ask by.
func TestInternalErrors(t *testing.T) {
	s := newSite(t)
	s.call(201, "POST", "/signup", signUp)
	s.faults.Script("GetItem", monotabletest.Refuse(400, "AccessDeniedException"))
	failure := s.refused(500, "internal", "GET", "/users/ann", "")
	require.Len(t, failure, 2, "a code and an id: %v", failure)
	require.Contains(t, s.log.String(), failure["requestId"])
	require.Contains(t, s.log.String(), "AccessDeniedException")
	s.call(200, "GET", "/users/ann", "")

	s.faults.Between(func(monotabletest.Request) { panic("a secret") })
	failure = s.refused(500, "internal", "GET", "/users/ann", "")
	require.Len(t, failure, 2, "a panic is no more than that either: %v", failure)
	require.Contains(t, s.log.String(), "a secret")
}

// Many transfer an organisation over HTTP at the same time: one is told 204.
func TestConcurrentTransfers(t *testing.T) {
	s := newSite(t)
	s.call(201, "POST", "/signup", signUp)
	var calls sync.WaitGroup
	var lock sync.Mutex
	won := []string{}
	for i := range 5 {
		s.call(201, "POST", "/users", fmt.Sprintf(`{"id": "u%d", "email": "u%[1]d@example.com", "organization": {"id": "acme"}}`, i))
	}
	for i := range 5 {
		calls.Go(func() {
			body, err := json.Marshal(object{"from": "ann", "to": fmt.Sprint("u", i)})
			if err != nil {
				return
			}
			r, err := http.NewRequestWithContext(t.Context(), "PUT", s.url+"/organizations/acme/owner", bytes.NewReader(body))
			if err != nil {
				return
			}
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				return
			}
			defer res.Body.Close()
			lock.Lock()
			defer lock.Unlock()
			if res.StatusCode == 204 {
				won = append(won, fmt.Sprint("u", i))
			}
		})
	}
	calls.Wait()
	acme, _ := s.call(200, "GET", "/organizations/acme", "")
	require.Equal(t, []string{acme["ownerId"].(string)}, won)
}

// Whoever brings no theme is not told that theirs is wrong: that is for the log.
func TestWhatIsStoredIsNotTheCallersFault(t *testing.T) {
	s := newSite(t)
	s.call(201, "POST", "/signup", signUp)
	expression := "SET preferences.theme = :theme"
	_, err := s.client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &s.table, UpdateExpression: &expression, ExpressionAttributeValues: map[string]types.AttributeValue{":theme": &types.AttributeValueMemberS{Value: "sepia"}},
		Key: map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "USER#ann"}, "SK": &types.AttributeValueMemberS{Value: "PROFILE"}},
	})
	require.NoError(t, err)
	require.Len(t, s.refused(500, "internal", "PATCH", "/users/ann", `{"name": "Ann"}`), 2)
	require.Contains(t, s.log.String(), "preferences.theme")
	s.call(200, "PATCH", "/users/ann/preferences", `{"theme": "dark"}`)
	s.call(200, "PATCH", "/users/ann", `{"name": "Ann"}`)
}

// The longest invitation is answered before the server's WriteTimeout. In virtual time, and so in memory only.
func TestLongestInvitation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := memdb.New(memdb.Options{}).Client()
		service, err := tenant.New(client, tenant.Options{Table: "tenants", CursorSecret: bytes.Repeat([]byte("s"), 32)})
		require.NoError(t, err)
		require.NoError(t, service.Ensure(t.Context(), client))
		server := api.NewServer(api.New(service, api.Options{}))
		post := func(path, body string) *httptest.ResponseRecorder {
			answer := httptest.NewRecorder()
			server.Handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "POST", path, strings.NewReader(body)))
			return answer
		}
		require.Equal(t, 201, post("/signup", signUp).Code)
		invite := func(n int) *httptest.ResponseRecorder {
			emails := make([]string, n)
			for i := range emails {
				emails[i] = fmt.Sprintf("g%d@x.org", i)
			}
			body, err := json.Marshal(object{"emails": emails})
			require.NoError(t, err)
			return post("/organizations/acme/invitations", string(body))
		}
		begin := time.Now()
		require.Equal(t, 200, invite(1000).Code)
		require.Less(t, time.Since(begin), server.WriteTimeout/2)
		begin = time.Now()
		answer := invite(1001)
		require.Equal(t, 400, answer.Code)
		require.Contains(t, answer.Body.String(), `"too_many"`)
		require.Zero(t, time.Since(begin), "nothing is sent")
	})
}

func TestServerHasTimeouts(t *testing.T) {
	server := api.NewServer(http.NotFoundHandler())
	require.NotZero(t, server.ReadHeaderTimeout)
	require.NotZero(t, server.ReadTimeout)
	require.NotZero(t, server.WriteTimeout)
	require.NotZero(t, server.IdleTimeout)
	require.Less(t, server.MaxHeaderBytes, 1<<20)
}
