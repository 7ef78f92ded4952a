package api

import (
	"bytes"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// Programs, and what is there for them alone.
var private = regexp.MustCompile(`(^|/)(internal|examples|bench)(/|$)`)

// Load gives the packages of the module in this folder that others may import. It compiles them, or takes them from Go's cache.
func Load(dir string) ([]*types.Package, error) {
	const format = "{{.ImportPath}}\t{{.Export}}\t{{if not .DepOnly}}{{if .GoFiles}}{{.Name}}{{end}}{{end}}"
	command := exec.Command("go", "list", "-export", "-deps", "-f", format, "./...")
	command.Dir = dir
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w", dir, err)
	}
	var public []string
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		path, export, name := fields[0], fields[1], fields[2]
		exports[path] = export
		if name != "" && name != "main" && !private.MatchString(path) {
			public = append(public, path)
		}
	}
	from := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		data, err := os.ReadFile(exports[path])
		return io.NopCloser(bytes.NewReader(data)), err
	})
	var packages []*types.Package
	for _, path := range public {
		pkg, err := from.Import(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		packages = append(packages, pkg)
	}
	return packages, nil
}
