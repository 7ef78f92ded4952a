package api

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ErrIncompatible is what Check finds.
var ErrIncompatible = errors.New(`programs written for the last version may not compile any more, see the lines with a minus.
If that is meant, say so in CHANGELOG.md and run: go run ./internal/api/check -update`)

// Check compares the modules in this folder and the folders in it with the files in its folder api.
func Check(out io.Writer, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "api")); err != nil {
		return err // or all would be new, and nothing gone
	}
	_, gone, err := compare(out, dir)
	if err == nil && gone > 0 {
		err = ErrIncompatible
	}
	return err
}

// Update writes these files anew.
func Update(out io.Writer, dir string) error {
	now, _, err := compare(out, dir)
	if err != nil {
		return err
	}
	folder := filepath.Join(dir, "api")
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o755); err != nil { //nolint:gosec // a folder of the repository
		return err
	}
	for name, lines := range now {
		text := strings.Join(lines, "\n") + "\n"
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil { //nolint:gosec // a file of the repository
			return err
		}
	}
	return nil
}

func compare(out io.Writer, dir string) (now map[string][]string, gone int, err error) {
	before, err := read(dir)
	if err != nil {
		return nil, 0, err
	}
	now, err = modules(dir)
	if err != nil {
		return nil, 0, err
	}
	names := maps.Clone(before)
	maps.Copy(names, now)
	total := 0
	for _, name := range slices.Sorted(maps.Keys(names)) {
		lost, added := Compare(before[name], now[name])
		gone += len(lost)
		total += len(now[name])
		if len(lost)+len(added) == 0 {
			continue
		}
		fmt.Fprintf(out, "api/%s\n", name)
		for _, line := range lost {
			fmt.Fprintf(out, "- %s\n", line)
		}
		for _, line := range added {
			fmt.Fprintf(out, "+ %s\n", line)
		}
	}
	fmt.Fprintf(out, "%d packages, %d lines\n", len(now), total)
	return now, gone, nil
}

// read gives the lines of each file of the last version.
func read(dir string) (map[string][]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "api", "*.txt"))
	if err != nil {
		return nil, err
	}
	before := map[string][]string{}
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // a file of the repository
		if err != nil {
			return nil, err
		}
		before[filepath.Base(file)] = strings.Split(strings.TrimSpace(string(text)), "\n")
	}
	return before, nil
}

// modules gives the lines of each package as it is, by the name of its file.
func modules(dir string) (map[string][]string, error) {
	found, err := fs.Glob(os.DirFS(dir), "*/go.mod")
	if err != nil {
		return nil, err
	}
	now := map[string][]string{}
	for _, file := range append([]string{"go.mod"}, found...) {
		module := filepath.Join(dir, filepath.Dir(file))
		if private.MatchString(filepath.ToSlash(filepath.Dir(file))) {
			continue
		}
		packages, err := Load(module)
		if err != nil {
			return nil, err
		}
		for _, pkg := range packages {
			now[fileName(pkg.Path())] = Lines(pkg)
		}
	}
	return now, nil
}

// fileName is monotable.memdb.txt for the package memdb.
func fileName(path string) string {
	_, rest, _ := strings.Cut(path, "/")
	_, rest, _ = strings.Cut(rest, "/")
	return strings.ReplaceAll(rest, "/", ".") + ".txt"
}
