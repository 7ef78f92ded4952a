package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/tenants/api"
	"github.com/monotable/monotable/examples/tenants/tenant"
)

// story calls the API over HTTP and prints what it answers; at last it uses the service without HTTP.
func story(ctx context.Context, service *tenant.Service, out *log.Logger) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	var requests atomic.Int64
	h := api.New(service, api.Options{RequestID: func(*http.Request) string { return fmt.Sprint("request-", requests.Add(1)) }})
	go func() { served <- serve(ctx, listener, h) }()
	err = chapters(ctx, "http://"+listener.Addr().String(), service, out)
	stop()
	if err != nil {
		return err
	}
	return <-served
}

func chapters(ctx context.Context, base string, service *tenant.Service, out *log.Logger) error {
	var err error
	call := func(method, path, body string, fields ...string) (answer map[string]any) {
		if err == nil {
			answer, err = show(ctx, out, method, base, path, body, fields)
		}
		return answer
	}
	out.Print("# Ann signs up: user, organisation and ownership in one transaction")
	call("POST", "/signup", `{"user": {"id": "ann", "email": "Ann@Example.com", "username": "ann"}, "organization": {"id": "acme", "name": "Acme"}}`, "user.email", "user.preferences.theme", "organization.ownerId")

	out.Print("\n# What is taken is refused; what is wrong is said")
	call("POST", "/users", `{"id": "ann", "email": "eve@example.com"}`)
	call("POST", "/users", `{"id": "eve", "email": "ann@example.com"}`)
	call("POST", "/users", `{"id": "eve", "email": "eve at home"}`)

	out.Print("\n# Others join, the first of them at once")
	call("POST", "/users", `{"id": "bob", "email": "bob@example.com", "organization": {"id": "acme", "role": "admin"}}`, "id", "organizations")
	call("POST", "/users", `{"id": "cem", "email": "cem@example.com", "name": "Cem Çelik"}`, "id", "organizations")
	call("POST", "/organizations/acme/members", `{"id": "cem"}`, "userId", "role")
	call("POST", "/organizations", `{"id": "oak", "name": "Oak School", "ownerId": "bob"}`, "id", "ownerId")

	out.Print("\n# By email, in any letter case")
	call("GET", "/users?email=CEM@example.com", "", "id", "name", "version")

	out.Print("\n# Two edit one user: the version says who was second")
	call("PATCH", "/users/cem", `{"name": "Cem", "version": 2}`, "name", "version")
	call("PATCH", "/users/cem", `{"name": "C. Çelik", "version": 2}`)
	call("PATCH", "/users/cem/preferences", `{"theme": "dark"}`, "theme", "language", "digest")

	out.Print("\n# Bob's organisations: one query and one batch of reads")
	call("GET", "/users/bob/organizations", "", "items")

	out.Print("\n# Acme's members, two at a time")
	page := call("GET", "/organizations/acme/members?limit=2", "", "items", "hasMore")
	cursor, _ := page["cursor"].(string)
	call("GET", "/organizations/acme/members?limit=2&cursor="+url.QueryEscape(cursor), "", "items", "hasMore")

	out.Print("\n# Acme gets another owner; Ann, who is none any more, cannot do it again")
	call("PUT", "/organizations/acme/owner", `{"from": "ann", "to": "cem"}`)
	call("PUT", "/organizations/acme/owner", `{"from": "ann", "to": "bob"}`)

	out.Print("\n# Cem cannot go while Acme is his; Ann can, and leaves no trace")
	call("DELETE", "/users/cem", "")
	call("DELETE", "/users/ann", "")
	call("GET", "/users/ann", "", "id", "status", "email", "organizations")
	call("GET", "/users?email=ann@example.com", "")
	if err != nil {
		return err
	}

	out.Print("\n# 50 users are imported, 500 a second at most: each by a transaction that keeps emails unique")
	people := make([]tenant.User, 50)
	for i := range people {
		people[i] = tenant.User{ID: fmt.Sprintf("guest-%02d", i), Email: fmt.Sprintf("guest%02d@example.com", i)}
	}
	people[20].Email = "bob@example.com"
	var progress string
	for i, err := range service.Import(ctx, people, 500, func(done, total int) { progress = bar(done, total) }) {
		if err != nil {
			out.Printf("%s is refused, the email is taken: %t", people[i].ID, errors.Is(err, monotable.ErrDuplicate))
		}
	}
	out.Print(progress)

	out.Print("\n# 250 are invited, 1000 a second at most: in batches")
	emails := make([]string, 250)
	for i := range emails {
		emails[i] = fmt.Sprintf("guest%03d@example.com", i)
	}
	if _, err := service.Invite(ctx, "acme", emails, 1000, func(p monotable.BatchProgress) { progress = bar(p.Done, p.Total) }); err != nil {
		return err
	}
	out.Print(progress)
	call("GET", "/organizations/acme", "", "ownerId", "members", "invitations")
	return err
}

// bar draws how far something is. A program in a terminal prints it at each call, behind a "\r".
func bar(done, total int) string {
	const width = 40
	full := width * done / max(total, 1)
	return fmt.Sprintf("[%s%s] %d of %d", strings.Repeat("#", full), strings.Repeat(".", width-full), done, total)
}

// show sends a request and prints what came back: of a success the fields that are asked for, of a failure all of it.
func show(ctx context.Context, out *log.Logger, method, base, path, body string, fields []string) (map[string]any, error) {
	r, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	path, _, _ = strings.Cut(path, "&cursor")
	out.Print(strings.TrimSpace(fmt.Sprintf("%s %s %s", method, path, body)))
	answer := map[string]any{}
	if len(text) == 0 {
		out.Printf("   %d", res.StatusCode)
		return answer, nil
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		out.Printf("   %d %s", res.StatusCode, strings.TrimSpace(string(text)))
		return answer, nil
	}
	var line []string
	for _, name := range fields {
		line = append(line, fmt.Sprintf("%s: %s", name, brief(pick(answer, name))))
	}
	out.Printf("   %d %s", res.StatusCode, strings.Join(line, ", "))
	return answer, nil
}

// pick follows a path such as "user.email".
func pick(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	return v
}

// brief is a value in a word; of the items of a list it is whom they are about, and the role.
func brief(v any) string {
	items, ok := v.([]any)
	if !ok {
		if v == nil {
			return "-"
		}
		return fmt.Sprint(v)
	}
	var all []string
	for _, item := range items {
		name := pick(item, "userId")
		if name == nil {
			name = pick(item, "organization.name")
		}
		all = append(all, fmt.Sprintf("%v (%v)", name, pick(item, "role")))
	}
	return strings.Join(all, ", ")
}
