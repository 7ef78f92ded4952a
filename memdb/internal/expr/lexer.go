package expr

import "strings"

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenName   // #name
	tokenValue  // :value
	tokenNumber // a list index
	tokenSign
	tokenBad
)

type token struct {
	kind tokenKind
	text string
	pos  int // where it begins in the source
}

// is tells whether the token is this keyword, in any case.
func (t token) is(keyword string) bool {
	return t.kind == tokenWord && strings.EqualFold(t.text, keyword)
}

func (t token) sign(s string) bool { return t.kind == tokenSign && t.text == s }

func wordByte(c byte) bool {
	return letter(c) || c >= '0' && c <= '9' || c == '_'
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// lex cuts a whole expression into tokens; the last one is tokenEnd.
func lex(source string) []token {
	var tokens []token
	for pos := 0; ; {
		for pos < len(source) && strings.IndexByte(" \t\r\n", source[pos]) >= 0 {
			pos++
		}
		if pos == len(source) {
			return append(tokens, token{kind: tokenEnd, text: "<EOF>", pos: pos})
		}
		t := next(source, pos)
		tokens = append(tokens, t)
		pos += len(t.text)
	}
}

func next(source string, pos int) token {
	c := source[pos]
	end := pos + 1
	var kind tokenKind
	switch {
	case letter(c):
		kind = tokenWord
	case c >= '0' && c <= '9':
		kind = tokenNumber
	case c == '#':
		kind = tokenName
	case c == ':':
		kind = tokenValue
	case strings.IndexByte("().,[]=+-", c) >= 0:
		return token{tokenSign, source[pos:end], pos}
	case c == '<' || c == '>':
		if end < len(source) && (source[end] == '=' || c == '<' && source[end] == '>') {
			end++
		}
		return token{tokenSign, source[pos:end], pos}
	default:
		return token{tokenBad, source[pos:end], pos}
	}
	for end < len(source) && wordByte(source[end]) {
		end++
	}
	if end == pos+1 && (kind == tokenName || kind == tokenValue) {
		kind = tokenBad
	}
	return token{kind, source[pos:end], pos}
}
