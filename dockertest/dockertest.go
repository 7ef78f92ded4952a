// Package dockertest runs tests on DynamoDB Local in Docker, by testcontainers-go. It is a module of its own, so that what that needs is not needed by programs.
//
// For single tests there are [Client] and [Endpoint]; [Main] moves all tests of a package that use package monotabletest. Without
// Docker the former skip their test and the latter leaves everything in memory; where MONOTABLE_REQUIRE_SERVER is set, both fail.
//
// DynamoDB Local is under AWS's own licence. Docker fetches its image from Docker Hub, or from where TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX says.
package dockertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/dynamodb"

	"github.com/monotable/monotable/monotabletest"
)

// Image is DynamoDB Local. Multi-attribute keys of indexes need 3.3.0 or newer.
const Image = "amazon/dynamodb-local:3.3.1"

const (
	healthTimeout = 10 * time.Second
	startTimeout  = 5 * time.Minute // the image may have to be fetched
	readyTimeout  = time.Minute     // Java has to start
)

// ErrNoDocker says that there is no Docker to be used here.
var ErrNoDocker = errors.New("dockertest: no Docker")

// shared is the container of this process.
var shared struct {
	once      sync.Once
	endpoint  string
	container testcontainers.Container
	err       error
}

// Endpoint is the address of DynamoDB Local, such as "http://localhost:32768". The first call starts its container, which serves all tests of the process and is removed
// after that by testcontainers' reaper, or by [Main]. Without Docker the test is skipped. It may be called by parallel tests.
func Endpoint(t testing.TB) string {
	t.Helper()
	endpoint, err := start()
	switch {
	case errors.Is(err, ErrNoDocker) && !required():
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	return endpoint
}

// Client is a client of DynamoDB Local with a database that no other test sees; see [Endpoint] and [monotabletest.ClientAt].
//
//	table := monotabletest.TableOn(t, dockertest.Client(t), cfg)
func Client(t testing.TB) *sdk.Client {
	t.Helper()
	return monotabletest.ClientAt(t, Endpoint(t))
}

// Main runs the tests of a package on DynamoDB Local in Docker: those that take their clients and tables from package monotabletest. Without Docker they stay in memory, and
// a line on standard error says so. Where DYNAMODB_ENDPOINT names a server already, that is used. It ends the process.
//
//	func TestMain(m *testing.M) { dockertest.Main(m) }
func Main(m *testing.M) { os.Exit(run(m.Run)) }

func run(tests func() int) int {
	const variable = "DYNAMODB_ENDPOINT"
	if os.Getenv(variable) != "" {
		return tests()
	}
	endpoint, err := start()
	switch {
	case errors.Is(err, ErrNoDocker) && !required():
		fmt.Fprintln(os.Stderr, err, "- tests run in memory")
		return tests()
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = testcontainers.TerminateContainer(shared.container) }()
	if err := os.Setenv(variable, endpoint); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return tests()
}

func required() bool { return os.Getenv("MONOTABLE_REQUIRE_SERVER") != "" }

// start starts the container once.
func start() (string, error) {
	shared.once.Do(func() {
		if err := healthy(); err != nil {
			shared.err = fmt.Errorf("%w: %w", ErrNoDocker, err)
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		shared.endpoint, shared.container, shared.err = launch(ctx)
	})
	return shared.endpoint, shared.err
}

// healthy asks Docker whether it is there. testcontainers panics where it finds none.
func healthy() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	provider, err := testcontainers.ProviderDocker.GetProvider()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	return provider.Health(ctx)
}

// launch starts DynamoDB Local and waits until it answers. In memory, and without -sharedDb it keeps a database for each access key.
func launch(ctx context.Context) (string, testcontainers.Container, error) {
	container, err := dynamodb.Run(ctx, Image, testcontainers.WithCmdArgs("-inMemory"), dynamodb.WithDisableTelemetry())
	if err != nil {
		if container != nil {
			_ = testcontainers.TerminateContainer(container.Container)
		}
		return "", nil, fmt.Errorf("dockertest: %w", err)
	}
	address, err := container.ConnectionString(ctx)
	if err == nil {
		err = answers(ctx, "http://"+address)
	}
	if err != nil {
		_ = testcontainers.TerminateContainer(container.Container)
		return "", nil, fmt.Errorf("dockertest: %w", err)
	}
	return "http://" + address, container.Container, nil
}

// answers waits for the first answer: the port is open before.
func answers(ctx context.Context, endpoint string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	client := sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("ready", "secret", ""),
	})
	for {
		_, err := client.ListTables(ctx, &sdk.ListTablesInput{})
		if err == nil {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}
