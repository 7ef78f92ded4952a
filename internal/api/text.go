package api

import (
	"fmt"
	"go/types"
	"strings"
)

// text is the type as Go writes it, with the full path of every other package, aliases resolved and parameters without names.
func (w *writer) text(t types.Type) string {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		return w.name(t.Obj()) + w.typeArgs(t.TypeArgs())
	case *types.Pointer:
		return "*" + w.text(t.Elem())
	case *types.Slice:
		return "[]" + w.text(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), w.text(t.Elem()))
	case *types.Map:
		return "map[" + w.text(t.Key()) + "]" + w.text(t.Elem())
	case *types.Chan:
		return w.channel(t)
	case *types.Signature:
		return "func" + w.signature(t)
	case *types.Struct:
		return w.structure(t)
	case *types.Interface:
		return w.constraint(t)
	case *types.Union:
		return w.union(t)
	default: // basic types and type parameters
		return t.String()
	}
}

// name remembers types that callers cannot name: what they are counts as well.
func (w *writer) name(o *types.TypeName) string {
	if o.Pkg() == nil {
		return o.Name()
	}
	foreign := o.Pkg().Path() != w.pkg.Path()
	above, _, internal := strings.Cut(o.Pkg().Path(), "/internal/")
	ours := internal && strings.HasPrefix(w.pkg.Path()+"/", above+"/")
	if (ours || !foreign && !o.Exported()) && !w.seen[o] {
		w.seen[o] = true
		w.hidden = append(w.hidden, o)
	}
	if foreign {
		return o.Pkg().Path() + "." + o.Name()
	}
	return o.Name()
}

func (w *writer) typeParams(params *types.TypeParamList) string {
	if params.Len() == 0 {
		return ""
	}
	var texts []string
	for param := range params.TypeParams() {
		texts = append(texts, param.Obj().Name()+" "+w.text(param.Constraint()))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func (w *writer) typeArgs(args *types.TypeList) string {
	if args.Len() == 0 {
		return ""
	}
	var texts []string
	for arg := range args.Types() {
		texts = append(texts, w.text(arg))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func (w *writer) signature(s *types.Signature) string {
	text := "(" + strings.Join(w.tuple(s.Params(), s.Variadic()), ", ") + ")"
	results := w.tuple(s.Results(), false)
	switch len(results) {
	case 0:
		return text
	case 1:
		return text + " " + results[0]
	default:
		return text + " (" + strings.Join(results, ", ") + ")"
	}
}

func (w *writer) tuple(t *types.Tuple, variadic bool) []string {
	var texts []string
	for v := range t.Variables() {
		text := w.text(v.Type())
		if variadic && len(texts) == t.Len()-1 {
			text = "..." + strings.TrimPrefix(text, "[]")
		}
		texts = append(texts, text)
	}
	return texts
}

func (w *writer) channel(c *types.Chan) string {
	switch c.Dir() {
	case types.SendOnly:
		return "chan<- " + w.text(c.Elem())
	case types.RecvOnly:
		return "<-chan " + w.text(c.Elem())
	default:
		return "chan (" + w.text(c.Elem()) + ")"
	}
}

func (w *writer) structure(s *types.Struct) string {
	var fields []string
	for field := range s.Fields() {
		fields = append(fields, field.Name()+" "+w.text(field.Type()))
	}
	return "struct{" + strings.Join(fields, "; ") + "}"
}

func (w *writer) constraint(i *types.Interface) string {
	if i.Empty() {
		return "any"
	}
	var parts []string
	for method := range i.Methods() {
		parts = append(parts, method.Name()+w.signature(method.Signature()))
	}
	for embedded := range i.EmbeddedTypes() {
		if under, ok := embedded.Underlying().(*types.Interface); !ok || !under.IsMethodSet() {
			parts = append(parts, w.text(embedded))
		}
	}
	if i.IsImplicit() { // [V ~string]
		return strings.Join(parts, "; ")
	}
	return "interface{" + strings.Join(parts, "; ") + "}"
}

func (w *writer) union(u *types.Union) string {
	var terms []string
	for term := range u.Terms() {
		tilde := ""
		if term.Tilde() {
			tilde = "~"
		}
		terms = append(terms, tilde+w.text(term.Type()))
	}
	return strings.Join(terms, " | ")
}
