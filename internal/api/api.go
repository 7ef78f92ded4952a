// Package api tells what programs can use of a package, as lines of text that are compared with those of the last version. A change that breaks
// programs makes a line disappear, so a line says everything about its name that callers may rely on, and nothing else: no names of parameters,
// no comments, no order of declarations.
package api

import (
	"fmt"
	"go/types"
	"slices"
	"strings"
)

// Lines are what a program can use of the package, sorted. Types that it cannot name, but gets or gives through others, are there too.
func Lines(pkg *types.Package) []string {
	w := &writer{pkg: pkg, seen: map[*types.TypeName]bool{}}
	var exported []types.Object
	scope := pkg.Scope()
	for _, name := range scope.Names() {
		if object := scope.Lookup(name); object.Exported() {
			exported = append(exported, object)
			w.seal(object)
		}
	}
	for _, object := range exported {
		w.object(object)
	}
	for len(w.hidden) > 0 {
		name := w.hidden[0]
		w.hidden = w.hidden[1:]
		w.object(name)
	}
	slices.Sort(w.lines)
	return slices.Compact(w.lines)
}

// Compare tells the lines that are gone and those that are new.
func Compare(before, now []string) (gone, added []string) {
	return without(before, now), without(now, before)
}

func without(lines, others []string) []string {
	var rest []string
	for _, line := range lines {
		if !slices.Contains(others, line) {
			rest = append(rest, line)
		}
	}
	return rest
}

type writer struct {
	pkg    *types.Package
	lines  []string
	sealed []*types.Named    // interfaces that only types of this package implement
	hidden []*types.TypeName // types without a name for callers that are still to be told
	seen   map[*types.TypeName]bool
}

func (w *writer) line(format string, args ...any) {
	w.lines = append(w.lines, fmt.Sprintf(format, args...))
}

func (w *writer) object(object types.Object) {
	switch o := object.(type) {
	case *types.Const:
		w.line("const %s %s = %s", o.Name(), w.text(o.Type()), o.Val().ExactString())
	case *types.Var:
		w.line("var %s %s", o.Name(), w.text(o.Type()))
	case *types.Func:
		signature := o.Signature()
		w.line("func %s%s%s", o.Name(), w.typeParams(signature.TypeParams()), w.signature(signature))
	case *types.TypeName:
		w.typeName(o)
	}
}

func (w *writer) typeName(o *types.TypeName) {
	if alias, ok := o.Type().(*types.Alias); ok {
		w.line("type %s%s = %s", o.Name(), w.typeParams(alias.TypeParams()), w.text(alias.Rhs()))
		return
	}
	named, ok := o.Type().(*types.Named)
	if !ok {
		return
	}
	// As its own instance a generic type has methods in terms of its own parameters, whatever their receivers call them.
	params := slices.Collect(named.TypeParams().TypeParams())
	self := instance(named, params)
	name := w.name(o)
	declared := name + w.typeParams(named.TypeParams())
	if types.Comparable(self) && !types.IsInterface(self) {
		w.line("type %s, comparable", declared)
	}
	switch under := self.Underlying().(type) {
	case *types.Struct:
		w.line("type %s struct", declared)
		w.fields(name, under)
	case *types.Interface:
		if under.IsMethodSet() {
			w.iface(declared, under)
		} else {
			w.line("type %s %s", declared, w.text(under))
		}
	default:
		w.line("type %s %s", declared, w.text(under))
	}
	w.methods(name, self)
	w.implements(declared, self, params)
}

// instance takes as many of the parameters as the type has, or is nil.
func instance(named *types.Named, params []*types.TypeParam) types.Type {
	n := named.TypeParams().Len()
	if n == 0 {
		return named
	}
	if n > len(params) {
		return nil
	}
	args := make([]types.Type, n)
	for i := range args {
		args[i] = params[i]
	}
	made, err := types.Instantiate(nil, named, args, false)
	if err != nil {
		return nil
	}
	return made
}

// fields has the promoted ones too, where the embedded type has no name for callers.
func (w *writer) fields(name string, s *types.Struct) {
	for field := range s.Fields() {
		switch {
		case field.Exported() && field.Embedded():
			w.line("type %s struct, embedded %s", name, w.text(field.Type()))
		case field.Exported():
			w.line("type %s struct, %s %s", name, field.Name(), w.text(field.Type()))
		case field.Embedded():
			inner := types.Unalias(field.Type())
			if pointer, ok := inner.(*types.Pointer); ok {
				inner = pointer.Elem()
			}
			if inner, ok := inner.Underlying().(*types.Struct); ok {
				w.fields(name, inner)
			}
		}
	}
}

// Nobody else can implement an interface with a method of its own package, so it may grow. Any other may not: its methods share a line.
func (w *writer) iface(declared string, i *types.Interface) {
	if isSealed(i) {
		w.line("type %s interface, of this package alone", declared)
		return
	}
	var names []string
	for method := range i.Methods() {
		names = append(names, method.Name())
	}
	slices.Sort(names)
	w.line("type %s interface { %s }", declared, strings.Join(names, ", "))
}

func isSealed(i *types.Interface) bool {
	for method := range i.Methods() {
		if !method.Exported() {
			return true
		}
	}
	return false
}

func (w *writer) seal(object types.Object) {
	if _, ok := object.(*types.TypeName); !ok {
		return
	}
	named, ok := object.Type().(*types.Named)
	if !ok {
		return
	}
	if i, ok := named.Underlying().(*types.Interface); ok && isSealed(i) {
		w.sealed = append(w.sealed, named)
	}
}

// implements tells where a type goes although the methods that take it there are nobody's business.
func (w *writer) implements(declared string, self types.Type, params []*types.TypeParam) {
	for _, named := range w.sealed {
		made := instance(named, params)
		if made == nil || types.Identical(made, self) {
			continue
		}
		i, ok := made.Underlying().(*types.Interface)
		switch {
		case !ok:
		case types.Implements(self, i):
			w.line("type %s, also %s", declared, w.text(made))
		case types.Implements(types.NewPointer(self), i):
			w.line("type *%s, also %s", declared, w.text(made))
		}
	}
}

func (w *writer) methods(name string, self types.Type) {
	values := types.NewMethodSet(self)
	all := values
	if !types.IsInterface(self) {
		all = types.NewMethodSet(types.NewPointer(self))
	}
	for selection := range all.Methods() {
		method := selection.Obj()
		if !method.Exported() {
			continue
		}
		star := "*"
		if values.Lookup(method.Pkg(), method.Name()) != nil {
			star = ""
		}
		signature, ok := selection.Type().(*types.Signature)
		if ok {
			w.line("method (%s%s) %s%s", star, name, method.Name(), w.signature(signature))
		}
	}
}
