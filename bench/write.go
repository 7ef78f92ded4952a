package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	begin = "<!-- bench -->\n"
	end   = "<!-- /bench -->"
)

var errNoPlace = errors.New("has no place for the table")

// write puts the table into the README and the guide of a checkout, and the chart beside the guide.
func write(root, table string, all []measured) error {
	f, err := os.Create(filepath.Join(root, "docs", "performance.svg"))
	if err != nil {
		return err
	}
	if err := errors.Join(chart(f, all), f.Close()); err != nil {
		return err
	}
	said := fmt.Sprintf("\n%s\n%s, %s/%s, one processor. Medians; the ratios are those within a round, see [bench](%%sbench).\n\n![Processor time of each library](%%s)\n\n",
		table, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return errors.Join(
		replace(filepath.Join(root, "README.md"), fmt.Sprintf(said, "", "docs/performance.svg")),
		replace(filepath.Join(root, "docs", "performance.md"), fmt.Sprintf(said, "../", "performance.svg")),
	)
}

// replace changes what stands between the two marks of a file.
func replace(file, with string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, also := strings.Cut(rest, end)
	if !ok || !also {
		return fmt.Errorf("%s %w", file, errNoPlace)
	}
	return os.WriteFile(file, []byte(before+begin+with+end+after), 0o644) //nolint:gosec // as it is
}
