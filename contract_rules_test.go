package monotable_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// product has the rules that account lacks.
type product struct {
	SKU     string            `dynamodbav:"sku"`
	Name    string            `dynamodbav:"name"`
	Slug    string            `dynamodbav:"slug"`
	Stock   int               `dynamodbav:"stock"`
	Active  *bool             `dynamodbav:"active"`
	Made    *time.Time        `dynamodbav:"made"`
	Code    string            `dynamodbav:"code"`
	Maker   *string           `dynamodbav:"maker"`
	Attrs   map[string]string `dynamodbav:"attrs"`
	Words   []string          `dynamodbav:"words"`
	Details *productDetails   `dynamodbav:"details"`
	Ratio   float64           `dynamodbav:"ratio"`
}

type productDetails struct {
	Color string   `dynamodbav:"color"`
	Sizes []string `dynamodbav:"sizes"`
}

var (
	productSKU     = monotable.Field(func(p *product) *string { return &p.SKU })
	productName    = monotable.Field(func(p *product) *string { return &p.Name })
	productSlug    = monotable.Field(func(p *product) *string { return &p.Slug })
	productStock   = monotable.Field(func(p *product) *int { return &p.Stock })
	productActive  = monotable.Field(func(p *product) **bool { return &p.Active })
	productCode    = monotable.Field(func(p *product) *string { return &p.Code })
	productMaker   = monotable.Field(func(p *product) **string { return &p.Maker })
	productAttrs   = monotable.Field(func(p *product) *map[string]string { return &p.Attrs })
	productWords   = monotable.Field(func(p *product) *[]string { return &p.Words })
	productDetail  = monotable.Field(func(p *product) **productDetails { return &p.Details })
	productColor   = monotable.Field(func(p *product) *string { return &p.Details.Color })
	productRatio   = monotable.Field(func(p *product) *float64 { return &p.Ratio })
	productDefault = map[string]string{"unit": "kg"}
	productSizes   = &productDetails{Sizes: []string{"M"}}
)

// productSchema counts how often its functions run.
func productSchema(slugs, names *int) monotable.Schema[product] {
	return monotable.Schema[product]{
		Name: "Product", Key: monotable.Key{Partition: "PRODUCT#{sku}", Sort: "P"},
		Rules: []monotable.Rule[product]{
			productSKU.Transform(strings.ToUpper),
			productName.Required().Transform(func(s string) string { *names++; return strings.TrimSpace(s) }),
			productSlug.DefaultFunc(func(p *product) string { *slugs++; return strings.ToLower(p.SKU) + "-" + strings.TrimSpace(p.Name) }),
			productStock.DefaultZero(10),
			productActive.Default(new(true)),
			monotable.Pattern(productCode, "^[a-z]*$"), monotable.Length(productCode, 0, 4),
			productMaker.Immutable(),
			productAttrs.Default(productDefault),
			productWords.Transform(func(words []string) []string { slices.Sort(words); return words }),
			productDetail.Default(productSizes),
			productColor.Default("black"),
			monotable.Min(productRatio, -1), monotable.Max(productRatio, 1),
		},
	}
}

func openProducts(t *testing.T) (s *store, products *monotable.Entity[product], slugs, names *int) {
	slugs, names = new(int), new(int)
	s = openStore(t, monotable.TableConfig{})
	return s, mustEntity(t, s.Table, productSchema(slugs, names)), slugs, names
}

func rawProduct() rawItem {
	return rawItem{
		"PK": avS("PRODUCT#A1"), "SK": avS("P"), "_et": avS("Product"), "sku": avS("A1"), "name": avS("Tea"), "slug": avS("a1-Tea"), "stock": avN("10"),
		"active": avBool(true), "code": avS(""), "attrs": avM(rawItem{"unit": avS("kg")}), "ratio": avN("0"),
		"details": avM(rawItem{"color": avS("black"), "sizes": avL(avS("M"))}),
	}
}

func TestDefaults(t *testing.T) {
	s, products, slugs, names := openProducts(t)
	ctx := t.Context()
	at := keyPS("PRODUCT#A1", "P")
	in := product{SKU: "a1", Name: " Tea "}
	check := unchanged(t, &in)
	got, err := products.Create(ctx, in)
	require.NoError(t, err)
	check()
	require.Equal(t, rawProduct(), s.stored(at))
	require.Equal(t, "a1-Tea", got.Slug)
	require.Equal(t, []int{1, 1}, []int{*slugs, *names}, "functions run once for each write (F018)")

	t.Run("are deep copies", func(t *testing.T) {
		got.Attrs["unit"], got.Details.Sizes[0], *got.Active = "changed", "changed", false
		got.Details.Color = "changed"
		require.Equal(t, map[string]string{"unit": "kg"}, productDefault)
		require.Equal(t, &productDetails{Sizes: []string{"M"}}, productSizes)
		again, err := products.Create(ctx, product{SKU: "a2", Name: "Tea"})
		require.NoError(t, err)
		require.Equal(t, product{
			SKU: "A2", Name: "Tea", Slug: "a2-Tea", Stock: 10, Active: new(true), Attrs: map[string]string{"unit": "kg"},
			Details: &productDetails{Color: "black", Sizes: []string{"M"}},
		}, again)
	})
	t.Run("fill zero values only", func(t *testing.T) {
		got, err := products.Put(ctx, product{SKU: "A1", Name: "Tea", Slug: "own", Stock: 1, Active: new(false), Attrs: map[string]string{}, Details: &productDetails{}})
		require.NoError(t, err)
		require.Equal(t, product{
			SKU: "A1", Name: "Tea", Slug: "own", Stock: 1, Active: new(false), Attrs: map[string]string{}, Details: &productDetails{Color: "black"},
		}, got)
	})
	t.Run("do not touch an explicit Set of zero", func(t *testing.T) {
		_, err := products.Update(ctx, product{SKU: "a1"}, productStock.Set(0), productSlug.Set(""), productActive.Set(new(false)), productAttrs.Set(map[string]string{}))
		require.NoError(t, err)
		stored := s.stored(at)
		require.Equal(t, avN("0"), stored["stock"])
		require.Equal(t, avS(""), stored["slug"])
		require.Equal(t, avBool(false), stored["active"])
		require.Equal(t, avM(rawItem{}), stored["attrs"])
	})
	t.Run("DefaultFunc fills once", func(t *testing.T) {
		before := *slugs
		got, err := products.Put(ctx, product{SKU: "A1", Name: "Coffee", Slug: "a1-Tea"})
		require.NoError(t, err)
		require.Equal(t, "a1-Tea", got.Slug)
		got, err = products.Update(ctx, product{SKU: "A1"}, productName.Set("Cocoa"))
		require.NoError(t, err)
		require.Equal(t, "a1-Tea", got.Slug)
		require.Equal(t, before, *slugs)
	})
	t.Run("an Upsert that creates has them all", func(t *testing.T) {
		before := *slugs
		_, err := products.Delete(ctx, product{SKU: "A1"})
		require.NoError(t, err)
		_, err = products.Upsert(ctx, product{SKU: "a1"}, productName.Set("Tea"))
		require.NoError(t, err)
		require.Equal(t, rawProduct(), s.stored(at))
		require.Equal(t, before+1, *slugs)
	})
}

func TestTransformsOnKeysAndOperands(t *testing.T) {
	s, products, _, _ := openProducts(t)
	ctx := t.Context()
	s.write(rawProduct())
	_, err := products.Get(ctx, product{SKU: "a1"})
	require.NoError(t, err)
	_, err = products.Query(product{SKU: "a1"}).First(ctx)
	require.NoError(t, err)
	for _, row := range []struct {
		name string
		cond monotable.Cond[product]
		want bool
	}{
		{"Eq", productName.Eq(" Tea "), true},
		{"Ne", productName.Ne("Tea "), false},
		{"In", productName.In("x", " Tea"), true},
		{"Not In", monotable.Not(productName.In(" Tea")), false},
		{"not on prefixes", monotable.HasPrefix(productName, " T"), false},
		{"not on ranges", productName.Lt(" Tea "), false},
		{"not on Between", productName.Between(" ", " z"), false},
		{"Eq of a key part", productSKU.Eq("a1"), true},
	} {
		t.Run(row.name, func(t *testing.T) {
			n, err := products.Query(product{SKU: "a1"}).Filter(row.cond).Count(ctx)
			require.NoError(t, err)
			require.Equal(t, row.want, n == 1)
			_, err = products.Update(ctx, product{SKU: "a1"}, productCode.Set("x"), row.cond)
			require.Equal(t, row.want, err == nil, "%v", err)
		})
	}
	t.Run("Given", func(t *testing.T) {
		_, err := products.Update(ctx, product{SKU: "a1"}, productCode.Set("y"), productName.Given(" Tea "))
		require.NoError(t, err)
	})
	t.Run("Delete", func(t *testing.T) {
		old, err := products.Delete(ctx, product{SKU: "a1"}, productName.Eq("Tea "))
		require.NoError(t, err)
		require.NotNil(t, old)
	})
}

// TestF042_ArgumentsAreNotChanged also is F027: neither by success nor by an error.
func TestF042_ArgumentsAreNotChanged(t *testing.T) {
	s, products, _, _ := openProducts(t)
	ctx := t.Context()
	whole := func() *product {
		return &product{SKU: "a1", Name: " Tea ", Words: []string{"z", "a"}, Details: &productDetails{Sizes: []string{"L"}}, Attrs: map[string]string{"b": "c"}}
	}
	words := []string{"z", "a"}
	details := &productDetails{Sizes: []string{"L"}}
	attrs := map[string]string{"b": "c"}
	for _, row := range []struct {
		name string
		call func(p *product)
	}{
		{"Create", func(p *product) { products.Create(ctx, *p) }},
		{"Create refused", func(p *product) { products.Create(ctx, *p) }},
		{"Put", func(p *product) { products.Put(ctx, *p) }},
		{"Put refused", func(p *product) { products.Put(ctx, *p, productName.Eq("other")) }},
		{"Put invalid", func(p *product) { p.Code = "BAD"; defer func() { p.Code = "" }(); products.Put(ctx, *p) }},
		{"Get", func(p *product) { products.Get(ctx, *p) }},
		{"Query", func(p *product) { products.Query(*p).Collect(ctx) }},
		{"Update", func(p *product) {
			products.Update(ctx, *p, productWords.Set(words), productDetail.Set(details), productAttrs.Set(attrs))
		}},
		{"Update with operands", func(p *product) {
			products.Update(ctx, *p, productCode.Set("x"), productWords.Eq(words), productWords.Ne(words), productWords.In(words), productDetail.Ne(details))
		}},
		{"Update with Given", func(p *product) { products.Update(ctx, *p, productCode.Set("x"), productWords.Given(words)) }},
		{"Update with Append", func(p *product) { products.Update(ctx, *p, monotable.Append(productWords, words...)) }},
		{"Upsert", func(p *product) {
			products.Upsert(ctx, *p, productName.Set("x"), productWords.Set(words), productDetail.Set(details), productAttrs.Set(attrs))
		}},
		{"Upsert that creates", func(p *product) {
			products.Delete(ctx, *p)
			products.Upsert(ctx, *p, productName.Set("x"), productWords.Set(words), productDetail.Set(details), productAttrs.Set(attrs))
		}},
		{"Upsert that creates, by element", func(p *product) {
			products.Delete(ctx, *p)
			products.Upsert(ctx, *p, productName.Set("x"), productDetail.SetIfAbsent(details), monotable.MapKey(productAttrs, "k").Set("v"))
		}},
		{"Filter", func(p *product) { products.Query(*p).Filter(productWords.Eq(words)).Collect(ctx) }},
		{"Modify", func(p *product) {
			products.Modify(ctx, *p, func(q *product) error { q.Words, q.Details, q.Attrs = words, details, attrs; return nil })
		}},
		{"Delete", func(p *product) { products.Delete(ctx, *p, productWords.Ne(words)) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			s.write(rawProduct())
			p := whole()
			check := unchanged(t, p)
			checkWords, checkDetails, checkAttrs := unchanged(t, words), unchanged(t, details), unchanged(t, attrs)
			row.call(p)
			check()
			checkWords()
			checkDetails()
			checkAttrs()
			words, details, attrs = []string{"z", "a"}, &productDetails{Sizes: []string{"L"}}, map[string]string{"b": "c"}
		})
	}
	require.Equal(t, map[string]string{"unit": "kg"}, productDefault)
}

func TestValidationErrorsComeAllAtOnce(t *testing.T) {
	a := openAccounts(t)
	bad := account{Email: " NOAT ", Plan: "gold", Logins: -1, Prefs: accountPrefs{Size: 100}}
	paths := []string{"email", "id", "logins", "plan", "prefs.size"}
	violations := func(t *testing.T, err error) []string {
		t.Helper()
		requireError(t, err, monotable.ErrInvalid)
		failed, ok := errors.AsType[*monotable.ValidationError](err)
		require.True(t, ok, "%v", err)
		var names []string
		for _, v := range failed.Violations {
			names = append(names, v.Attribute)
			require.NotEmpty(t, v.Rule)
			require.ErrorContains(t, err, v.Attribute)
		}
		slices.Sort(names)
		return names
	}
	_, err := a.Create(t.Context(), bad)
	require.Equal(t, paths, violations(t, err))
	require.ErrorIs(t, err, errNoAt, "the rule's own error is in the chain")
	_, err = a.Put(t.Context(), bad)
	require.Equal(t, paths, violations(t, err))
	a.write(rawAccount("ann"))
	set := []monotable.Change[account]{
		accountEmail.Set("noat"), accountPlan.Set("gold"), accountLogins.Set(-1), accountSize.Set(100), accountRegion.Set(""), accountNotify.Set(nil),
	}
	_, err = a.Update(t.Context(), account{ID: "ann"}, set...)
	require.Equal(t, []string{"email", "logins", "plan", "prefs.size"}, violations(t, err))
	_, err = a.Upsert(t.Context(), account{ID: "new"}, set...)
	require.Equal(t, []string{"email", "logins", "plan", "prefs.size"}, violations(t, err))
	_, err = a.Modify(t.Context(), account{ID: "ann"}, func(a *account) error {
		a.Email, a.Plan, a.Logins, a.Prefs.Size = "", "gold", -1, 100
		return nil
	})
	require.Equal(t, []string{"email", "logins", "plan", "prefs.size"}, violations(t, err))
	_, err = a.Update(t.Context(), account{ID: "ann"}, accountWhole.Set(accountPrefs{Size: 100}), accountEmail.Remove())
	require.Equal(t, []string{"email", "prefs.size"}, violations(t, err), "a struct that is set whole is checked inside")
	_, err = a.Create(t.Context(), account{ID: "team", Email: "t@x.io", Plan: "team"})
	require.Equal(t, []string{""}, violations2(t, err), "Schema.Validate")
	require.Equal(t, []rawItem{rawAccount("ann")}, a.dump())

	t.Run("a struct that is set whole gets its defaults", func(t *testing.T) {
		got, err := a.Update(t.Context(), account{ID: "ann"}, accountWhole.Set(accountPrefs{Size: 5}))
		require.NoError(t, err)
		require.Equal(t, accountPrefs{"light", 5}, got.Prefs)
	})
}

func violations2(t *testing.T, err error) []string {
	t.Helper()
	requireError(t, err, monotable.ErrInvalid)
	failed, ok := errors.AsType[*monotable.ValidationError](err)
	require.True(t, ok, "%v", err)
	var names []string
	for _, v := range failed.Violations {
		names = append(names, v.Attribute)
	}
	return names
}

// TestF094_OnePipeline sends one bad value down every route.
func TestF094_OnePipeline(t *testing.T) {
	s, products, _, _ := openProducts(t)
	ctx := t.Context()
	s.write(rawProduct())
	for name, call := range map[string]func() (product, error){
		"Create": func() (product, error) { return products.Create(ctx, product{SKU: "x", Name: "n", Code: "toolong"}) },
		"Put":    func() (product, error) { return products.Put(ctx, product{SKU: "x", Name: "n", Code: "toolong"}) },
		"Set":    func() (product, error) { return products.Update(ctx, product{SKU: "a1"}, productCode.Set("toolong")) },
		"SetIfAbsent": func() (product, error) {
			return products.Update(ctx, product{SKU: "a1"}, productCode.SetIfAbsent("BAD"))
		},
		"SetFrom": func() (product, error) {
			return products.Update(ctx, product{SKU: "a1"}, productCode.SetFrom(productName))
		},
		"Upsert": func() (product, error) { return products.Upsert(ctx, product{SKU: "a1"}, productCode.Set("toolong")) },
		"Upsert absent": func() (product, error) {
			return products.Upsert(ctx, product{SKU: "z"}, productName.Set("n"), productCode.Set("toolong"))
		},
		"Modify": func() (product, error) {
			return products.Modify(ctx, product{SKU: "a1"}, func(p *product) error { p.Code = "toolong"; return nil })
		},
		"Add over Max": func() (product, error) {
			return products.Upsert(ctx, product{SKU: "z"}, productName.Set("n"), monotable.Add(productRatio, 2))
		},
		"Append past a Transform": func() (product, error) {
			return products.Update(ctx, product{SKU: "a1"}, monotable.Append(productWords, "b"))
		},
		"an element past a Transform": func() (product, error) {
			return products.Update(ctx, product{SKU: "a1"}, monotable.At(productWords, 0).Set("b"))
		},
	} {
		_, err := call()
		require.Error(t, err, name)
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
	}
	require.Equal(t, []rawItem{rawProduct()}, s.dump())
}

func TestAddKeepsToMinAndMax(t *testing.T) {
	s, products, _, _ := openProducts(t)
	ctx := t.Context()
	for _, row := range []struct {
		stored string // "" for none
		add    float64
		ok     bool
		want   string
	}{
		{"0", 1, true, "1"},
		{"0.25", 0.5, true, "0.75"},
		{"0.75", 0.5, false, "0.75"},
		{"0.5", 0.6, false, "0.5"},
		{"0", -1, true, "-1"},
		{"-0.5", -0.6, false, "-0.5"},
		{"", 1, true, "1"},
		{"", 1.5, false, ""},
		{"", -1.5, false, ""},
		{"5", -1, true, "4"},
		{"-5", 1, true, "-4"},
		{"0.1", 0.2, true, "0.3"},
	} {
		seed := with(rawProduct(), rawItem{"ratio": avN(row.stored)})
		if row.stored == "" {
			delete(seed, "ratio")
		}
		s.write(seed)
		_, err := products.Update(ctx, product{SKU: "a1"}, monotable.Add(productRatio, row.add))
		want := seed
		if row.ok {
			require.NoError(t, err, "%+v", row)
			want = with(seed, rawItem{"ratio": avN(row.want)})
		} else {
			requireError(t, err, monotable.ErrConditionFailed)
		}
		require.Equal(t, want, s.stored(keyPS("PRODUCT#A1", "P")), "%+v", row)
	}
}

func TestImmutable(t *testing.T) {
	s, products, _, _ := openProducts(t)
	ctx := t.Context()
	key := product{SKU: "a1"}
	at := keyPS("PRODUCT#A1", "P")
	made := with(rawProduct(), rawItem{"maker": avS("acme")})
	item := func(maker *string) product { return product{SKU: "a1", Name: "Tea", Maker: maker} }
	got, err := products.Create(ctx, item(new("acme")))
	require.NoError(t, err)
	require.Equal(t, "acme", *got.Maker)
	require.Equal(t, made, s.stored(at))

	_, err = products.Put(ctx, item(new("acme")))
	require.NoError(t, err, "Put with the same value")
	_, err = products.Put(ctx, item(new("other")))
	requireError(t, err, monotable.ErrConditionFailed)
	failed, ok := errors.AsType[*monotable.ConditionError](err)
	require.True(t, ok)
	require.Equal(t, "maker", failed.Attribute)
	t.Run("Put cannot erase it", func(t *testing.T) {
		_, err := products.Put(ctx, item(nil))
		requireError(t, err, monotable.ErrConditionFailed)
		require.Equal(t, made, s.stored(at))
	})
	s.write(made)
	for name, change := range map[string]monotable.Change[product]{
		"Set": productMaker.Set(new("other")), "Set the same": productMaker.Set(new("acme")), "Remove": productMaker.Remove(),
		"SetFrom": monotable.Elem(productMaker).SetFrom(productName),
	} {
		_, err := products.Update(ctx, key, change)
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
	}
	_, err = products.Modify(ctx, key, func(p *product) error { *p.Maker = "other"; return nil })
	requireError(t, err, monotable.ErrInvalid)
	_, err = products.Modify(ctx, key, func(p *product) error { p.Maker = nil; return nil })
	requireError(t, err, monotable.ErrInvalid)
	_, err = products.Modify(ctx, key, func(p *product) error { p.Stock = 1; return nil })
	require.NoError(t, err)
	require.Equal(t, with(made, rawItem{"stock": avN("1")}), s.stored(at))
	t.Run("Put cannot add it later", func(t *testing.T) {
		s.write(rawProduct())
		_, err := products.Put(ctx, item(new("acme")))
		requireError(t, err, monotable.ErrConditionFailed)
	})
	t.Run("Put may set it on a new item", func(t *testing.T) {
		require.NoError(t, s.remove(made))
		_, err := products.Put(ctx, item(new("acme")))
		require.NoError(t, err)
		require.Equal(t, made, s.stored(at))
	})
}

// structValidator is a validator of another library.
type structValidator struct{ seen []any }

type structValidatorKey struct{}

func (v *structValidator) StructCtx(ctx context.Context, item any) error {
	v.seen = append(v.seen, ctx.Value(structValidatorKey{}))
	if item.(*product).Name == "forbidden" {
		return errNoAt
	}
	return nil
}

// TestF142_ValidatorsGetTheCallersContext also shows that any validator with StructCtx plugs in.
func TestF142_ValidatorsGetTheCallersContext(t *testing.T) {
	v := &structValidator{}
	s := openStore(t, monotable.TableConfig{Validator: v})
	products := mustEntity(t, s.Table, productSchema(new(int), new(int)))
	ctx := context.WithValue(t.Context(), structValidatorKey{}, "mine")
	_, err := products.Create(ctx, product{SKU: "a", Name: "forbidden"})
	requireError(t, err, monotable.ErrInvalid)
	require.ErrorIs(t, err, errNoAt)
	_, err = products.Create(ctx, product{SKU: "a", Name: "fine"})
	require.NoError(t, err)
	_, err = products.Modify(ctx, product{SKU: "a"}, func(p *product) error { p.Name = "forbidden"; return nil })
	require.ErrorIs(t, err, errNoAt)
	_, err = products.Upsert(ctx, product{SKU: "b"}, productName.Set("forbidden"))
	require.ErrorIs(t, err, errNoAt)
	require.Len(t, v.seen, 4)
	for _, value := range v.seen {
		require.Equal(t, "mine", value)
	}
}
