package monotabletest_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// season sends requests of several kinds.
func season(t testing.TB, l *league, secret string) {
	t.Helper()
	ctx := t.Context()
	ann := monotabletest.Seed(t, l.players, player{Team: "a", ID: "1", Name: "Ann"})[0]
	_, err := l.players.Update(ctx, ann, playerName.Set("Anna"), monotable.Add(playerScore, 2), playerScore.Between(0, 9))
	require.NoError(t, err)
	_, err = l.players.Query(player{Name: "Anna"}).Index("GSI1").Filter(playerName.Ne(secret)).Collect(ctx)
	require.NoError(t, err)
	_, err = l.players.BatchGet(ctx, []player{{Team: "a", ID: "1"}, {Team: "a", ID: secret}})
	require.NoError(t, err)
	require.NoError(t, l.table.TransactWrite(ctx, l.players.CreateOp(player{Team: "a", ID: "2", Name: secret})))
}

func maskSecret(secret string) monotabletest.Mask {
	return func(_, value string) string { return strings.ReplaceAll(value, secret, "<secret>") }
}

// TestGolden holds requests to a file of this package, again and again: write ids and tokens are random, and Go's maps have no order.
func TestGolden(t *testing.T) {
	for range 5 {
		l := newLeague(t)
		secret := monotabletest.NewIDs(monotabletest.Name(t)).Next()
		season(t, l, secret)
		monotabletest.Golden(t, "season", &l.rec, maskSecret(secret))
	}
}

func TestGolden_Differs(t *testing.T) {
	t.Chdir(t.TempDir())
	l := newLeague(t)
	season(t, l, "x")
	golden := func(masks ...monotabletest.Mask) string {
		return failures(t, func(t testing.TB) { monotabletest.Golden(t, "a/b", &l.rec, masks...) })
	}
	require.Contains(t, golden(), "there is no "+filepath.Join("testdata", "a", "b.json"))
	t.Setenv("MONOTABLE_UPDATE", "1")
	require.Empty(t, golden())
	t.Setenv("MONOTABLE_UPDATE", "")
	require.Empty(t, golden())

	text := golden(func(_, value string) string { return strings.ReplaceAll(value, "Anna", "Hanna") })
	require.Regexp(t, `(?s)b\.json: line \d+ differs\nexpected: "S": "Anna"\n    sent: "S": "Hanna"`, text)
	_, err := l.players.Get(t.Context(), player{Team: "a", ID: "1"})
	require.NoError(t, err)
	require.Contains(t, golden(), "differs", "one request more")
	l.rec.Reset()
	require.Contains(t, golden(), "differs", "none")

	file := filepath.Join("testdata", "a", "b.json")
	season(t, newLeague(t), "x")
	text2, err := os.ReadFile(file)
	require.NoError(t, err)
	again := newLeague(t)
	season(t, again, "x")
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(text2), "\n", "\r\n")), 0o600))
	require.Empty(t, failures(t, func(t testing.TB) { monotabletest.Golden(t, "a/b", &again.rec) }), "as Git writes it on Windows")
	require.Contains(t, failures(t, func(t testing.TB) { monotabletest.Golden(t, "../b", &again.rec) }), "no name")
}

// The flag is the test package's own.
func TestGolden_UpdateFlag(t *testing.T) {
	t.Chdir(t.TempDir())
	before := *update
	defer func() { *update = before }()
	*update = true
	l := newLeague(t)
	season(t, l, "x")
	monotabletest.Golden(t, "season", &l.rec)
	_, err := os.Stat(filepath.Join("testdata", "season.json"))
	require.NoError(t, err)
}

// A mask is told which attribute a value belongs to, wherever in a request it is.
func TestGolden_Names(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("MONOTABLE_UPDATE", "1")
	var rec monotabletest.Recorder
	client := rec.Client(monotabletest.Client(t))
	_, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{ // fails: there is no table
		TableName: aws.String("none"), Key: item("key"),
		UpdateExpression:         aws.String("SET #p.#t = :theme, tags = list_append(if_not_exists(tags, :none), :tags), more = list_append(:more, more) ADD hits :one"),
		ConditionExpression:      aws.String("#b BETWEEN :lo AND :hi AND (begins_with(color, :c) OR size(lines[0].#t) > :n)"),
		ExpressionAttributeNames: map[string]string{"#p": "prefs", "#t": "theme", "#b": "rank"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":theme": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"dark": &types.AttributeValueMemberN{Value: "1"}}},
			":none":  &types.AttributeValueMemberL{},
			":tags":  &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberS{Value: "2"}}},
			":more":  &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberS{Value: "8"}}},
			":one":   &types.AttributeValueMemberN{Value: "3"},
			":lo":    &types.AttributeValueMemberN{Value: "4"},
			":hi":    &types.AttributeValueMemberN{Value: "5"},
			":c":     &types.AttributeValueMemberSS{Value: []string{"6"}},
			":n":     &types.AttributeValueMemberN{Value: "7"},
		},
	})
	require.Error(t, err)
	seen := map[string]string{}
	monotabletest.Golden(t, "names", &rec, func(name, value string) string {
		seen[value] = name
		return value
	})
	want := map[string]string{
		"none": "TableName", "key": "PK", "1": "prefs.theme.dark", "2": "tags[0]", "3": "hits", "4": "rank", "5": "rank", "6": "color", "7": "lines[0].theme", "8": "more[0]",
	}
	for value, name := range want {
		assert.Equal(t, name, seen[value], value)
	}
}

// Retries of the SDK are chance.
func TestGolden_Retries(t *testing.T) {
	t.Chdir(t.TempDir())
	plain := monotabletest.Client(t)
	monotabletest.TableOn(t, plain, monotable.TableConfig{Name: "test", PartitionKey: "PK"})
	var faults monotabletest.Faults
	put := func() *monotabletest.Recorder {
		var rec monotabletest.Recorder
		client := rec.Client(faults.Client(plain), atOnce)
		_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("test"), Item: item("a")})
		require.NoError(t, err)
		return &rec
	}
	t.Setenv("MONOTABLE_UPDATE", "1")
	monotabletest.Golden(t, "put", put())
	t.Setenv("MONOTABLE_UPDATE", "")
	faults.Script("PutItem", monotabletest.ReplyLost())
	monotabletest.Golden(t, "put", put())
	require.Len(t, faults.Requests(), 3)
}
