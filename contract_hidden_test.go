package monotable_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// vault hides attributes at the top and nested, plain and behind a pointer.
type vault struct {
	ID    string     `dynamodbav:"id"`
	Name  string     `dynamodbav:"name"`
	Code  string     `dynamodbav:"code"`
	Pin   *int       `dynamodbav:"pin"`
	Inner vaultInner `dynamodbav:"inner"`
}

type vaultInner struct {
	Open  string   `dynamodbav:"open"`
	Words []string `dynamodbav:"words"`
}

// vaultView is a smaller view of a vault.
type vaultView struct {
	Code  string     `dynamodbav:"code"`
	Inner vaultInner `dynamodbav:"inner"`
}

var (
	vaultName  = monotable.Field(func(v *vault) *string { return &v.Name })
	vaultCode  = monotable.Field(func(v *vault) *string { return &v.Code })
	vaultPin   = monotable.Field(func(v *vault) **int { return &v.Pin })
	vaultWords = monotable.Field(func(v *vault) *[]string { return &v.Inner.Words })
	vaultOpen  = monotable.Field(func(v *vault) *string { return &v.Inner.Open })
)

const canary = "CANARY"

func vaultSchema() monotable.Schema[vault] {
	return monotable.Schema[vault]{
		Name: "Vault", Key: monotable.Key{Partition: "VAULT#{id}", Sort: "V"},
		Rules: []monotable.Rule[vault]{
			vaultCode.Hidden().Validate(func(s string) error {
				if s == "bad"+canary {
					return errors.New(s + " is bad")
				}
				return nil
			}),
			vaultPin.Hidden(), vaultWords.Hidden(),
		},
	}
}

func fullVault() vault {
	return vault{ID: "v", Name: "n", Code: canary, Pin: new(42), Inner: vaultInner{Open: "o", Words: []string{canary}}}
}

func hiddenVault() vault { return vault{ID: "v", Name: "n", Inner: vaultInner{Open: "o"}} }

func rawVault() rawItem {
	return rawItem{
		"PK": avS("VAULT#v"), "SK": avS("V"), "_et": avS("Vault"), "id": avS("v"), "name": avS("n"), "code": avS(canary), "pin": avN("42"),
		"inner": avM(rawItem{"open": avS("o"), "words": avL(avS(canary))}),
	}
}

func TestHiddenInEveryAnswer(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	plain := mustEntity(t, s.Table, vaultSchema())
	ctx := t.Context()
	key := vault{ID: "v"}
	answers := []struct {
		name string
		call func(e *monotable.Entity[vault]) (vault, error)
	}{
		{"Create", func(e *monotable.Entity[vault]) (vault, error) {
			require.NoError(t, s.remove(rawVault()))
			return e.Create(ctx, fullVault())
		}},
		{"Put", func(e *monotable.Entity[vault]) (vault, error) { return e.Put(ctx, fullVault()) }},
		{"Get", func(e *monotable.Entity[vault]) (vault, error) { return e.Get(ctx, key) }},
		{"Update", func(e *monotable.Entity[vault]) (vault, error) { return e.Update(ctx, key, vaultName.Set("n")) }},
		{"Upsert", func(e *monotable.Entity[vault]) (vault, error) { return e.Upsert(ctx, key, vaultName.Set("n")) }},
		{"Modify", func(e *monotable.Entity[vault]) (vault, error) {
			_, err := e.Modify(ctx, key, func(v *vault) error { v.Name = "other"; return nil })
			if err != nil {
				return vault{}, err
			}
			return e.Modify(ctx, key, func(v *vault) error { v.Name = "n"; return nil })
		}},
		{"Query", func(e *monotable.Entity[vault]) (vault, error) { return e.Query(key).First(ctx) }},
		{"Scan", func(e *monotable.Entity[vault]) (vault, error) {
			all, err := e.Scan().Collect(ctx)
			return append(all, vault{})[0], err
		}},
		{"Page", func(e *monotable.Entity[vault]) (vault, error) {
			page, err := e.Query(key).Page(ctx)
			return append(page.Items, vault{})[0], err
		}},
		{"As", func(e *monotable.Entity[vault]) (vault, error) {
			view, err := monotable.As[vaultView](e.Query(key)).First(ctx)
			return vault{ID: "v", Name: "n", Code: view.Code, Pin: choose(view.Code == "", nil, new(42)), Inner: view.Inner}, err
		}},
		{"Old", func(e *monotable.Entity[vault]) (vault, error) {
			_, err := e.Create(ctx, fullVault())
			old, ok := e.Old(err)
			require.True(t, ok)
			return old, nil
		}},
		{"Delete", func(e *monotable.Entity[vault]) (vault, error) {
			old, err := e.Delete(ctx, key)
			return *old, err
		}},
	}
	for _, answer := range answers {
		t.Run(answer.name, func(t *testing.T) {
			s.write(rawVault())
			got, err := answer.call(plain)
			require.NoError(t, err)
			require.Equal(t, hiddenVault(), got)
			if answer.name != "Delete" {
				require.Equal(t, rawVault(), s.stored(keyPS("VAULT#v", "V")), "hidden is not gone")
			}
			s.write(rawVault())
			got, err = answer.call(plain.With(monotable.Reveal()))
			require.NoError(t, err)
			require.Equal(t, fullVault(), got)
		})
	}
	t.Run("Reveal of one query", func(t *testing.T) {
		s.write(rawVault())
		got, err := plain.Query(key).With(monotable.Reveal()).First(ctx)
		require.NoError(t, err)
		require.Equal(t, fullVault(), got)
	})
	t.Run("Reveal of a table", func(t *testing.T) {
		got, err := mustEntity(t, s.With(monotable.Reveal()), vaultSchema()).Get(ctx, key)
		require.NoError(t, err)
		require.Equal(t, fullVault(), got)
		got, err = mustEntity(t, s.Table, vaultSchema()).Get(ctx, key)
		require.NoError(t, err)
		require.Equal(t, hiddenVault(), got)
	})
	t.Run("conditions and filters see it", func(t *testing.T) {
		n, err := plain.Query(key).Filter(vaultCode.Eq(canary)).Count(ctx)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		_, err = plain.Update(ctx, key, vaultName.Set("n"), vaultCode.Eq("other"))
		requireError(t, err, monotable.ErrConditionFailed)
	})
}

func TestF096_PutCannotEraseWhatIsHidden(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, vaultSchema())
	ctx := t.Context()
	at := keyPS("VAULT#v", "V")
	s.write(rawVault())
	read, err := e.Get(ctx, vault{ID: "v"})
	require.NoError(t, err)
	_, err = e.Put(ctx, read)
	requireError(t, err, monotable.ErrConditionFailed)
	require.Equal(t, rawVault(), s.stored(at))

	t.Run("not even one of several", func(t *testing.T) {
		for name, hide := range map[string]func(*vault){
			"code": func(v *vault) { v.Code = "" }, "pin": func(v *vault) { v.Pin = nil }, "inner.words": func(v *vault) { v.Inner.Words = nil },
		} {
			item := fullVault()
			hide(&item)
			_, err := e.Put(ctx, item)
			requireError(t, err, monotable.ErrConditionFailed)
			failed, ok := errors.AsType[*monotable.ConditionError](err)
			require.True(t, ok)
			require.Equal(t, name, failed.Attribute, "the error names what would be erased")
			require.Equal(t, rawVault(), s.stored(at))
		}
	})
	t.Run("with Reveal it goes round", func(t *testing.T) {
		read, err := e.With(monotable.Reveal()).Get(ctx, vault{ID: "v"})
		require.NoError(t, err)
		_, err = e.Put(ctx, read)
		require.NoError(t, err)
		require.Equal(t, rawVault(), s.stored(at))
	})
	t.Run("nothing hidden is stored", func(t *testing.T) {
		bare := with(rawVault(), rawItem{"code": nil, "pin": nil, "inner": avM(rawItem{"open": avS("o")})})
		s.write(bare)
		_, err := e.Put(ctx, hiddenVault())
		require.NoError(t, err)
		require.Equal(t, bare, s.stored(at))
	})
	t.Run("a zero one is left out on Create", func(t *testing.T) {
		require.NoError(t, s.remove(rawVault()))
		_, err := e.Create(ctx, hiddenVault())
		require.NoError(t, err)
		require.Equal(t, with(rawVault(), rawItem{"code": nil, "pin": nil, "inner": avM(rawItem{"open": avS("o")})}), s.stored(at))
	})
	t.Run("Update changes and removes it by name", func(t *testing.T) {
		s.write(rawVault())
		got, err := e.Update(ctx, vault{ID: "v"}, vaultCode.Set("new"), vaultPin.Remove(), vaultOpen.Set("p"))
		require.NoError(t, err)
		require.Empty(t, got.Code)
		require.Equal(t, with(rawVault(), rawItem{"code": avS("new"), "pin": nil, "inner": avM(rawItem{"open": avS("p"), "words": avL(avS(canary))})}), s.stored(at))
	})
	t.Run("Modify leaves zero as it is, and writes another value", func(t *testing.T) {
		s.write(rawVault())
		_, err := e.Modify(ctx, vault{ID: "v"}, func(v *vault) error { v.Code, v.Name = "new", "m"; return nil })
		require.NoError(t, err)
		require.Equal(t, with(rawVault(), rawItem{"code": avS("new"), "name": avS("m")}), s.stored(at))
	})
	t.Run("Modify with Reveal may zero it", func(t *testing.T) {
		s.write(rawVault())
		_, err := e.With(monotable.Reveal()).Modify(ctx, vault{ID: "v"}, func(v *vault) error { v.Code, v.Pin = "", nil; return nil })
		require.NoError(t, err)
		require.Equal(t, with(rawVault(), rawItem{"code": nil, "pin": nil}), s.stored(at))
	})
}

// TestF127_ErrorsHoldNoValues puts a canary into every value and looks for it in what errors and values print.
func TestF127_ErrorsHoldNoValues(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, vaultSchema())
	ctx := t.Context()
	s.write(rawVault())
	bad := fullVault()
	bad.Code = "bad" + canary
	var errs []error
	add := func(_ any, err error) { require.Error(t, err); errs = append(errs, err) }
	add(e.Create(ctx, fullVault()))
	add(e.Create(ctx, bad))
	add(e.Put(ctx, bad))
	add(e.Put(ctx, vault{ID: "v", Name: canary}))
	add(e.Update(ctx, vault{ID: "v"}, vaultCode.Set("bad"+canary)))
	add(e.Update(ctx, vault{ID: "v"}, vaultName.Set(canary), vaultCode.Eq("not"+canary)))
	add(e.Update(ctx, vault{ID: canary}, vaultName.Set(canary)))
	add(e.Update(ctx, vault{ID: "a#" + canary}, vaultName.Set(canary)))
	add(e.Update(ctx, vault{ID: "v"}, vaultName.Set(canary+"\xff")))
	add(e.Upsert(ctx, vault{ID: "v"}, vaultCode.Set("bad"+canary)))
	add(e.Modify(ctx, vault{ID: "v"}, func(v *vault) error { v.Code = "bad" + canary; return nil }))
	add(e.Modify(ctx, vault{ID: "v"}, func(v *vault) error { v.ID = canary; return nil }))
	add(e.Delete(ctx, vault{ID: "v"}, vaultCode.Eq("not"+canary)))
	add(e.Get(ctx, vault{ID: canary}))
	add(e.Get(ctx, vault{ID: "#" + canary}))
	add(e.Query(vault{ID: canary}).First(ctx))
	add(e.Query(vault{ID: "v"}).Filter(vaultName.Between("z"+canary, "a"+canary)).First(ctx))
	add(e.Query(vault{ID: "v"}).From(canary).Page(ctx))
	s.write(with(rawVault(), rawItem{"name": avN("1"), "_et": avS("Vault"), "x": avS(canary), "pin": avS(canary)}))
	add(e.Get(ctx, vault{ID: "v"}))
	add(e.With(monotable.ClientOptions()).Query(vault{ID: "v"}).Collect(ctx))
	s.write(with(rawVault(), rawItem{"_et": avS("Other" + canary)}))
	add(e.Get(ctx, vault{ID: "v"}))
	add(e.Put(ctx, fullVault()))
	for i, err := range errs {
		for _, format := range []string{"%v", "%s", "%q"} {
			require.NotContains(t, fmt.Sprintf(format, err), canary, "error %d", i)
		}
		op, ok := errors.AsType[*monotable.OpError](err)
		require.True(t, ok, "error %d", i)
		require.Equal(t, "Vault", op.Entity)
		require.ErrorContains(t, err, op.Op+" Vault")
	}
}
