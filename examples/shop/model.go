package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/model"
)

// shopModel is the table as it is shown to others. The keys of the patterns are any: nothing is sent, and plans have no values.
func shopModel(s *Store) *model.Model {
	m := model.New(
		s.table, model.Title("Shop"), model.PointInTimeRecovery(),
		model.Description("Customers, their orders and the catalogue of a small shop, in one table."),
	)
	m.Pattern("Profile", "A customer by id.", s.Users.GetOp(s.profile("any"), new(User)))
	m.Pattern("Account", "A customer with all addresses.", s.account("any"))
	m.Pattern("Order history", "A customer's orders, newest first, page by page.", s.history("any").Limit(20))
	m.Pattern("Order", "An order by id.", s.Orders.GetOp(s.order("any"), new(Order)))
	m.Pattern("Invoice", "An order with its lines.", s.invoice("any"))
	m.Pattern("Product", "A product by its number.", s.Products.GetOp(s.product("any"), new(Product)))
	m.Pattern("Orders of a status", "Say those that are paid, oldest first, page by page.", s.withStatus("any").Limit(20))
	m.Pattern("Window", "The products that are featured.", s.featured())
	m.Pattern("Months", "What a customer has spent in each month of a year.", s.months("any", "2026"))
	return m
}

// modelCommand writes the model to a file, in the format that its ending says, or to stdout.
func modelCommand(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("shop model", flag.ContinueOnError)
	file := flags.String("o", "", "the file to write; stdout if there is none")
	format := flags.String("format", "", "html, markdown, mermaid, workbench or cloudformation; by default what the file's ending says: .html, .md, .mmd, .workbench.json, .json (CloudFormation)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("shop model: %q is one argument too many", flags.Arg(0))
	}
	store, err := openStore(memdb.New(memdb.Options{}).Client(), Options{Table: "shop", CursorSecret: make([]byte, 32)}) // nothing is sent, so any will do
	if err != nil {
		return err
	}
	write, err := rendering(shopModel(store), *format, *file)
	if err != nil {
		return err
	}
	if *file == "" {
		return write(stdout)
	}
	var out bytes.Buffer // a page that cannot be made does not take the place of the last one
	if err := write(&out); err != nil {
		return err
	}
	return os.WriteFile(*file, out.Bytes(), 0o644) //nolint:gosec // it is there to be shown
}

// rendering is what writes the format.
func rendering(m *model.Model, format, file string) (func(io.Writer) error, error) {
	if format == "" && file == "" {
		format = "html"
	}
	if format == "" {
		switch filepath.Ext(file) {
		case ".md":
			format = "markdown"
		case ".mmd", ".mermaid":
			format = "mermaid"
		case ".json":
			if format = "cloudformation"; strings.HasSuffix(file, ".workbench.json") {
				format = "workbench"
			}
		case ".html", ".htm":
			format = "html"
		default:
			return nil, fmt.Errorf("shop model: %s: no format ends like this; say which with -format", file)
		}
	}
	switch format {
	case "html":
		return m.HTML, nil
	case "markdown":
		return m.Markdown, nil
	case "mermaid":
		return m.Mermaid, nil
	case "workbench":
		return m.Workbench, nil
	case "cloudformation":
		return m.CloudFormation, nil
	}
	return nil, fmt.Errorf("shop model: there is no format %q", format)
}
