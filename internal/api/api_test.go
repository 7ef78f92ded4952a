package api_test

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/api"
)

// What a change of the source takes from programs, and what it gives them.
func TestCompare(t *testing.T) {
	tests := []struct {
		name          string
		before, after string
		gone, added   []string
	}{
		{name: "nothing", before: `func F(a int) (b string, err error) { return }`, after: `func F(x int) (string, error) { return "", nil }`},
		{name: "unexported", before: `func f() {}; type t struct{}; const c = 1`, after: ``},
		{name: "body and comment", before: `var V = 1`, after: "// V is two.\nvar V = 2"},
		{
			name: "a function gone", before: `func F(a int, b ...string) {}`, after: ``,
			gone: []string{"func F(int, ...string)"},
		},
		{
			name: "another parameter", before: `func F(a int) {}`, after: `func F(a int, b ...string) {}`,
			gone: []string{"func F(int)"}, added: []string{"func F(int, ...string)"},
		},
		{
			name: "another result", before: `func F() int { return 0 }`, after: `func F() (int, error) { return 0, nil }`,
			gone: []string{"func F() int"}, added: []string{"func F() (int, error)"},
		},
		{
			name: "a constraint", before: `func F[T any, V ~int | ~string](m map[string]T, c <-chan V) {}`, after: `func F[T comparable, V ~int](m map[string]T, c <-chan V) {}`,
			gone:  []string{"func F[T any, V ~int | ~string](map[string]T, <-chan V)"},
			added: []string{"func F[T comparable, V ~int](map[string]T, <-chan V)"},
		},
		{
			name: "the type of a constant", before: `type S int; const C S = 1`, after: `type S int; const C = 1`,
			gone: []string{"const C S = 1"}, added: []string{"const C untyped int = 1"},
		},
		{
			name: "the value of a constant", before: `const A, B = iota, iota + 1`, after: `const A, B = iota, iota`,
			gone: []string{"const B untyped int = 1"}, added: []string{"const B untyped int = 0"},
		},
		{
			name: "a variable", before: `var V map[string][]*int`, after: `var V map[string][2]*int`,
			gone: []string{"var V map[string][]*int"}, added: []string{"var V map[string][2]*int"},
		},
		{
			name: "a field", before: `type T struct { A int; b int }`, after: `type T struct { A string; C func(struct{ X int }) }`,
			gone:  []string{"type T struct, A int", "type T, comparable"},
			added: []string{"type T struct, A string", "type T struct, C func(struct{X int})"},
		},
		{name: "the order of fields", before: `type T struct { A int; B int }`, after: `type T struct { B int; A int }`},
		{
			name: "a field from inside", before: `type t struct { A int }; type T struct { *t }`, after: `type t struct { a int }; type T struct { *t }`,
			gone: []string{"type T struct, A int"},
		},
		{
			name: "an embedded type", before: `type E struct{}; type T struct { E }`, after: `type E struct{}; type T struct { E E }`,
			gone: []string{"type T struct, embedded E"}, added: []string{"type T struct, E E"},
		},
		{
			name: "a method", before: `type T int; func (t T) M() {}`, after: `type T int`,
			gone: []string{"method (T) M()"},
		},
		{
			name: "a method for pointers alone", before: `type T int; func (t T) M() {}`, after: `type T int; func (t *T) M() {}`,
			gone: []string{"method (T) M()"}, added: []string{"method (*T) M()"},
		},
		{
			name: "a method from inside", before: `type t[V any] struct{}; func (t[W]) M(W) {}; type T[A any] struct { t[A] }`, after: `type t[V any] struct{}; type T[A any] struct { t[A] }`,
			gone: []string{"method (T) M(A)"},
		},
		{name: "what a receiver calls its parameter", before: `type T[A any] []A; func (t T[A]) M(A) {}`, after: `type T[A any] []A; func (t T[B]) M(B) {}`},
		{
			name: "an interface that grows", before: `type I interface { M() }`, after: `type I interface { M(); N() }`,
			gone: []string{"type I interface { M }"}, added: []string{"method (I) N()", "type I interface { M, N }"},
		},
		{
			name: "an interface for us alone", before: `type I interface { M(); m() }`, after: `type I interface { M(); N(); m(); n() }`,
			added: []string{"method (I) N()"},
		},
		{
			name:   "where a type goes",
			before: `type I[T any] interface { m(T) }; type C[T, V any] struct{}; func (C[T, V]) m(T) {}; type P struct{}; func (*P) m(int) {}; type J interface { m(int) }`,
			after:  `type I[T any] interface { m(T) }; type C[T, V any] struct{}; func (C[T, V]) m(V) {}; type P struct{}; type J interface { m(int) }`,
			gone:   []string{"type *P, also J", "type C[T any, V any], also I[T]"},
		},
		{
			name: "a set of types", before: `type N interface { ~int | ~string; comparable }`, after: `type N interface { ~int; comparable }`,
			gone: []string{"type N interface{~int | ~string; comparable}"}, added: []string{"type N interface{~int; comparable}"},
		},
		{
			name: "an interface without a name", before: `func F(interface{ M(int) string; error }) {}`, after: `func F(interface{ M(int); error }) {}`,
			gone:  []string{"func F(interface{Error() string; M(int) string})"},
			added: []string{"func F(interface{Error() string; M(int)})"},
		},
		{
			name: "an alias", before: `type A[T any] = []T; func F(A[int]) {}`, after: `type A[T any] = []*T; func F([]int) {}`,
			gone: []string{"type A[T any] = []T"}, added: []string{"type A[T any] = []*T"},
		},
		{
			name: "a type without a name", before: `type t struct { A int }; func (t) M() {}; var V t`, after: `type t struct {}; var V t`,
			gone: []string{"method (t) M()", "type t struct, A int"},
		},
		{
			name: "a type of another package", before: `import "time"; func F(time.Time) {}`, after: `import "time"; func F(time.Duration) {}`,
			gone: []string{"func F(time.Time)"}, added: []string{"func F(time.Duration)"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			gone, added := api.Compare(api.Lines(compiled(t, test.before)), api.Lines(compiled(t, test.after)))
			require.Equal(t, test.gone, gone, "gone")
			require.Equal(t, test.added, added, "added")
		})
	}
}

func compiled(t *testing.T, source string) *types.Package {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "p.go", "package p; "+source, parser.SkipObjectResolution)
	require.NoError(t, err)
	config := types.Config{Importer: importer.Default()}
	pkg, err := config.Check("example.com/p", files, []*ast.File{file}, nil)
	require.NoError(t, err)
	return pkg
}
