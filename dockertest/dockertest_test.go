package dockertest_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/dockertest"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// Whether there is a Docker is found out once in a process, so the tests here look at processes of their own: this binary again, with the tests TestInside….

const inside = "MONOTABLE_DOCKERTEST_INSIDE" // "main" runs them under Main

func TestMain(m *testing.M) {
	if os.Getenv(inside) == "main" {
		dockertest.Main(m)
	}
	os.Exit(m.Run())
}

type user struct {
	ID string `dynamodbav:"id"`
}

func useTable(t *testing.T, table *monotable.Table) {
	t.Helper()
	users := monotable.MustEntity(table, monotable.Schema[user]{Name: "User", Key: monotable.Key{Partition: "USER#{id}"}})
	monotabletest.Seed(t, users, user{ID: "ann"})
	got, err := users.Scan().Collect(t.Context())
	require.NoError(t, err)
	require.Equal(t, []user{{ID: "ann"}}, got)
}

// config has a name of its own, for the server behind these tests keeps one database for all access keys.
func config(t *testing.T) monotable.TableConfig {
	t.Helper()
	return monotable.TableConfig{Name: monotabletest.Name(t), PartitionKey: "PK"}
}

func TestInsideClient(t *testing.T) {
	if os.Getenv(inside) == "" {
		t.Skip("run by other tests")
	}
	for i := range 3 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			useTable(t, monotabletest.TableOn(t, dockertest.Client(t), config(t)))
		})
	}
}

func TestInsideTable(t *testing.T) {
	if os.Getenv(inside) != "main" {
		t.Skip("run by other tests")
	}
	t.Logf("endpoint %q", os.Getenv("DYNAMODB_ENDPOINT"))
	useTable(t, monotabletest.Table(t, config(t)))
}

// process runs tests of this binary in another process, for which Docker is where host says.
func process(t *testing.T, host, test, mode string, env ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$", "-test.v", "-test.count=1") //nolint:gosec // this binary
	home := t.TempDir()
	command.Env = append([]string{
		"DOCKER_HOST=" + host, "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "TMPDIR=" + home, "PATH=" + os.Getenv("PATH"),
		"TESTCONTAINERS_RYUK_DISABLED=true", "TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1", inside + "=" + mode,
	}, env...)
	out, err := command.CombinedOutput()
	return string(out), err
}

// nowhere is a host on which no Docker is.
func nowhere(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("/var/run/docker.sock"); err == nil {
		t.Skip("there is a Docker here, which testcontainers finds whatever DOCKER_HOST says")
	}
	return "unix://" + filepath.Join(t.TempDir(), "none.sock")
}

func TestNoDocker(t *testing.T) {
	host := nowhere(t)
	out, err := process(t, host, "TestInsideClient", "client")
	require.NoError(t, err, out)
	require.Equal(t, 3, strings.Count(out, "--- SKIP: TestInsideClient/"), out)
	require.Contains(t, out, "dockertest: no Docker: ")

	out, err = process(t, host, "TestInsideTable", "main")
	require.NoError(t, err, out)
	require.Contains(t, out, "tests run in memory")
	require.Contains(t, out, "--- PASS: TestInsideTable")
	require.Contains(t, out, `endpoint ""`)
}

func TestNoDocker_Required(t *testing.T) {
	host := nowhere(t)
	out, err := process(t, host, "TestInsideClient", "client", "MONOTABLE_REQUIRE_SERVER=1")
	require.Error(t, err, out)
	require.Contains(t, out, "--- FAIL: TestInsideClient/")
	out, err = process(t, host, "TestInsideTable", "main", "MONOTABLE_REQUIRE_SERVER=1")
	require.Error(t, err, out)
	require.NotContains(t, out, "TestInsideTable", "no test runs")
}

func TestMain_ServerIsThere(t *testing.T) {
	server := httptest.NewServer(memdb.New(memdb.Options{}).Handler())
	defer server.Close()
	out, err := process(t, "unix:///none", "TestInsideTable", "main", "DYNAMODB_ENDPOINT="+server.URL)
	require.NoError(t, err, out)
	require.Contains(t, out, server.URL)
}

// daemon is as much of Docker as testcontainers asks for; the container's port is that of an in-memory DynamoDB.
type daemon struct {
	port string

	mu       sync.Mutex
	requests []string
	created  string // the body of the request
}

func newDaemon(t *testing.T) (host string, d *daemon) {
	t.Helper()
	server := httptest.NewServer(memdb.New(memdb.Options{}).Handler())
	t.Cleanup(server.Close)
	dir, err := os.MkdirTemp("", "d") // short: names of sockets are bounded
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "docker.sock")
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	d = &daemon{port: port}
	docker := &httptest.Server{Listener: listener, Config: &http.Server{Handler: d}} //nolint:gosec // of a test
	docker.Start()
	t.Cleanup(docker.Close)
	return "unix://" + socket, d
}

var containerID = strings.Repeat("c1", 32)

var version = regexp.MustCompile(`^/v[\d.]+`)

func (d *daemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	what := r.Method + " " + version.ReplaceAllString(r.URL.Path, "")
	d.mu.Lock()
	defer d.mu.Unlock()
	what = strings.ReplaceAll(what, containerID, "c1")
	d.requests = append(d.requests, what)
	w.Header().Set("Api-Version", "1.47")
	w.Header().Set("Content-Type", "application/json")
	answer := func(status int, body string) {
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}
	switch what {
	case "HEAD /_ping", "GET /_ping":
		answer(http.StatusOK, "OK")
	case "GET /info":
		answer(http.StatusOK, `{"ServerVersion":"27","OperatingSystem":"test","MemTotal":1}`)
	case "POST /containers/create":
		body, _ := io.ReadAll(r.Body)
		d.created = string(body)
		answer(http.StatusCreated, `{"Id":"`+containerID+`","Warnings":[]}`)
	case "GET /containers/c1/json":
		answer(http.StatusOK, `{"Id":"`+containerID+`","Name":"/c1","State":{"Status":"running","Running":true},"Config":{"Image":"x","ExposedPorts":{"8000/tcp":{}}},
			"HostConfig":{"NetworkMode":"bridge","PortBindings":{"8000/tcp":[{"HostIp":"127.0.0.1","HostPort":"`+d.port+`"}]}},
			"NetworkSettings":{"Ports":{"8000/tcp":[{"HostIp":"127.0.0.1","HostPort":"`+d.port+`"}]},"Networks":{}}}`)
	case "POST /containers/c1/start", "POST /containers/c1/stop":
		answer(http.StatusNoContent, "")
	case "DELETE /containers/c1":
		answer(http.StatusNoContent, "")
	case "POST /containers/c1/exec":
		answer(http.StatusCreated, `{"Id":"e1"}`)
	case "GET /exec/e1/json":
		answer(http.StatusOK, `{"ID":"e1","Running":false,"ExitCode":0}`)
	case "POST /exec/e1/start":
		_, _ = io.Copy(io.Discard, r.Body)
		connection, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = fmt.Fprint(connection, "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
			_ = connection.Close()
		}
	default:
		switch {
		case strings.HasPrefix(what, "GET /images/"):
			answer(http.StatusOK, `{"Id":"i1","Os":"linux","Architecture":"amd64"}`)
		case strings.HasPrefix(what, "GET /networks"):
			answer(http.StatusOK, `[{"Name":"bridge","Id":"n1","Driver":"bridge"}]`)
		default:
			answer(http.StatusNotFound, `{"message":"not here: `+what+`"}`)
		}
	}
}

func (d *daemon) count(what string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, r := range d.requests {
		if r == what {
			n++
		}
	}
	return n
}

func TestDocker(t *testing.T) {
	host, d := newDaemon(t)
	out, err := process(t, host, "TestInsideClient", "client")
	require.NoError(t, err, "%s\n%s", out, strings.Join(d.requests, "\n"))
	require.Equal(t, 3, strings.Count(out, "--- PASS: TestInsideClient/"), out)
	require.Equal(t, 1, d.count("POST /containers/create"), "one container for all tests of a process")
	require.Contains(t, d.created, dockertest.Image)
	require.Contains(t, d.created, "-inMemory")
	require.NotContains(t, d.created, "-sharedDb")
}

func TestDocker_Main(t *testing.T) {
	host, d := newDaemon(t)
	out, err := process(t, host, "TestInsideTable", "main")
	require.NoError(t, err, "%s\n%s", out, strings.Join(d.requests, "\n"))
	require.Contains(t, out, "--- PASS: TestInsideTable")
	require.Contains(t, out, ":"+d.port+`"`)
	require.Equal(t, 1, d.count("DELETE /containers/c1"), "the container is removed")
}
