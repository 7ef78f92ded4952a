package main

import (
	"context"
	"errors"
	"time"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/cache/readthrough"
)

// Product is what is sold, as everybody looks at it all the time.
type Product struct {
	SKU   string `dynamodbav:"sku"`
	Name  string `dynamodbav:"name"`
	Shelf string `dynamodbav:"shelf"`
	Price int    `dynamodbav:"priceCents"`
	Stock int    `dynamodbav:"stock"`
}

var (
	productPrice = monotable.Field(func(p *Product) *int { return &p.Price })
	productStock = monotable.Field(func(p *Product) *int { return &p.Stock })
)

var productSchema = monotable.Schema[Product]{
	Name:    "Product",
	Key:     monotable.Key{Partition: "PRODUCT#{sku}", Sort: "PRODUCT"},
	Indexes: map[string]monotable.Key{"GSI1": {Partition: "SHELF#{shelf}", Sort: "{sku}"}},
	Rules:   []monotable.Rule[Product]{monotable.Min(productPrice, 0), monotable.Min(productStock, 0)},
}

// ErrCount refuses a sale of less than one.
var ErrCount = errors.New("cache: the count is below one")

// Catalogue is the table behind a cache. It is safe for concurrent use: one is made when the program starts.
type Catalogue struct {
	table    *monotable.Table
	products *monotable.Entity[Product]
	cache    *readthrough.Client
}

// OpenCatalogue declares the table over a cache over the client. It sends nothing.
func OpenCatalogue(client monotable.Client, name string, clock func() time.Time) (*Catalogue, error) {
	cache, err := readthrough.New(client, readthrough.Config{
		Tables: map[string][]string{name: {"PK", "SK"}},
		MaxAge: 10 * time.Second, // how old a price may be that is shown
		Clock:  clock,
	})
	if err != nil {
		return nil, err
	}
	table, err := monotable.NewTable(cache, monotable.TableConfig{
		Name: name, PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"}},
	})
	if err != nil {
		return nil, err
	}
	products, err := monotable.NewEntity(table, productSchema)
	return &Catalogue{table: table, products: products, cache: cache}, err
}

// Show is a product to look at. It may be a little old.
func (c *Catalogue) Show(ctx context.Context, sku string) (Product, error) {
	return c.products.Get(ctx, Product{SKU: sku})
}

// Cart are several products to look at, in this order; one that does not exist is left out. What is known is not asked for.
func (c *Catalogue) Cart(ctx context.Context, skus ...string) ([]Product, error) {
	keys := make([]Product, len(skus))
	for i, sku := range skus {
		keys[i].SKU = sku
	}
	results, err := c.products.BatchGet(ctx, keys)
	var products []Product
	for _, r := range results {
		if r.State == monotable.Found {
			products = append(products, r.Item)
		}
	}
	return products, err
}

// Shelf are the products of a shelf. A query is always sent.
func (c *Catalogue) Shelf(ctx context.Context, shelf string) ([]Product, error) {
	return c.products.Query(Product{Shelf: shelf}).Index("GSI1").Collect(ctx)
}

// Now is a product as it is now, for what is decided upon.
func (c *Catalogue) Now(ctx context.Context, sku string) (Product, error) {
	return c.products.With(monotable.Consistent()).Get(ctx, Product{SKU: sku})
}

// Reprice changes a price. This process shows it from now on.
func (c *Catalogue) Reprice(ctx context.Context, sku string, cents int) (Product, error) {
	return c.products.Update(ctx, Product{SKU: sku}, productPrice.Set(cents))
}

// Sell takes some of a product at the price that the customer was shown. DynamoDB judges that, whatever the cache knew: if the price has changed, or not so many are left,
// it is monotable.ErrConditionFailed. ErrCount refuses a count below one, which would add to the stock.
func (c *Catalogue) Sell(ctx context.Context, shown Product, count int) (Product, error) {
	if count < 1 {
		return Product{}, ErrCount
	}
	return c.products.Update(ctx, Product{SKU: shown.SKU}, monotable.Add(productStock, -count), productPrice.Eq(shown.Price))
}
