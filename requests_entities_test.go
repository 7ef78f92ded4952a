package monotable_test

import (
	"errors"
	"math/big"
	"strings"
	"time"

	"github.com/monotable/monotable"
)

// The types of the golden requests, and the handles on their attributes.

type rqPrefs struct {
	Theme string `dynamodbav:"theme"`
	Lang  string `dynamodbav:"lang,omitempty"`
}

// rqUser is the entity of the first page.
type rqUser struct {
	ID       string            `dynamodbav:"userId"`
	Email    string            `dynamodbav:"email"`
	Plan     string            `dynamodbav:"plan"`
	Logins   int               `dynamodbav:"logins"`
	Prefs    rqPrefs           `dynamodbav:"preferences"`
	Notify   *bool             `dynamodbav:"notify"`
	Tags     []string          `dynamodbav:"tags"`
	Labels   map[string]string `dynamodbav:"labels"`
	Password string            `dynamodbav:"password,omitempty"`
	Created  time.Time         `dynamodbav:"createdAt"`
	Updated  time.Time         `dynamodbav:"updatedAt"`
	Version  int64             `dynamodbav:"version"`
}

var (
	rqEmail    = monotable.Field(func(u *rqUser) *string { return &u.Email })
	rqUserID   = monotable.Field(func(u *rqUser) *string { return &u.ID })
	rqPlan     = monotable.Field(func(u *rqUser) *string { return &u.Plan })
	rqLogins   = monotable.Field(func(u *rqUser) *int { return &u.Logins })
	rqTheme    = monotable.Field(func(u *rqUser) *string { return &u.Prefs.Theme })
	rqNotify   = monotable.Field(func(u *rqUser) **bool { return &u.Notify })
	rqTags     = monotable.Field(func(u *rqUser) *[]string { return &u.Tags })
	rqLabels   = monotable.Field(func(u *rqUser) *map[string]string { return &u.Labels })
	rqPassword = monotable.Field(func(u *rqUser) *string { return &u.Password })
	rqCreated  = monotable.Field(func(u *rqUser) *time.Time { return &u.Created })
	rqUpdated  = monotable.Field(func(u *rqUser) *time.Time { return &u.Updated })
	rqVersion  = monotable.Field(func(u *rqUser) *int64 { return &u.Version })
)

func rqValidEmail(s string) error {
	if !strings.Contains(s, "@") {
		return errors.New("is no address")
	}
	return nil
}

// rqOrder shares its partition with rqUser. It is in "slim" while it is open and has a status.
type rqOrder struct {
	UserID string `dynamodbav:"userId"`
	ID     string `dynamodbav:"orderId"`
	Total  int    `dynamodbav:"total"`
	Status string `dynamodbav:"status"`
	Note   string `dynamodbav:"note,omitempty"`
	Open   bool   `dynamodbav:"open"`
}

var (
	rqOrderID     = monotable.Field(func(o *rqOrder) *string { return &o.ID })
	rqOrderUser   = monotable.Field(func(o *rqOrder) *string { return &o.UserID })
	rqOrderTotal  = monotable.Field(func(o *rqOrder) *int { return &o.Total })
	rqOrderStatus = monotable.Field(func(o *rqOrder) *string { return &o.Status })
	rqOrderNote   = monotable.Field(func(o *rqOrder) *string { return &o.Note })
	rqOrderOpen   = monotable.Field(func(o *rqOrder) *bool { return &o.Open })
)

// rqOrderLine is what the index "slim" projects of an order.
type rqOrderLine struct {
	ID     string `dynamodbav:"orderId"`
	Status string `dynamodbav:"status"`
}

// rqEvent has a number and a time in its sort key.
type rqEvent struct {
	Stream string    `dynamodbav:"stream"`
	Seq    int       `dynamodbav:"seq"`
	At     time.Time `dynamodbav:"at"`
	Kind   string    `dynamodbav:"kind"`
}

var (
	rqEventSeq  = monotable.Field(func(e *rqEvent) *int { return &e.Seq })
	rqEventAt   = monotable.Field(func(e *rqEvent) *time.Time { return &e.At })
	rqEventKind = monotable.Field(func(e *rqEvent) *string { return &e.Kind })
)

// rqLog has free text before other parts, and a number that is not padded at the end.
type rqLog struct {
	App   string  `dynamodbav:"app"`
	Level string  `dynamodbav:"level"`
	Load  float64 `dynamodbav:"load"`
	Line  int     `dynamodbav:"line"`
}

var (
	rqLogLevel = monotable.Field(func(l *rqLog) *string { return &l.Level })
	rqLogLoad  = monotable.Field(func(l *rqLog) *float64 { return &l.Load })
	rqLogLine  = monotable.Field(func(l *rqLog) *int { return &l.Line })
)

// rqDoc has paths with delimiters in its key.
type rqDoc struct {
	Path string    `dynamodbav:"path"`
	Part string    `dynamodbav:"part"`
	Day  time.Time `dynamodbav:"day"`
}

var (
	rqDocPath = monotable.Field(func(d *rqDoc) *string { return &d.Path })
	rqDocPart = monotable.Field(func(d *rqDoc) *string { return &d.Part })
	rqDocDay  = monotable.Field(func(d *rqDoc) *time.Time { return &d.Day })
)

// rqSession expires, and has a hidden and an immutable attribute.
type rqSession struct {
	ID      string    `dynamodbav:"sessionId"`
	Secret  string    `dynamodbav:"secret"`
	Device  *string   `dynamodbav:"device"`
	Count   int       `dynamodbav:"count"`
	Expires time.Time `dynamodbav:"expires"`
}

var (
	rqSecret  = monotable.Field(func(s *rqSession) *string { return &s.Secret })
	rqDevice  = monotable.Field(func(s *rqSession) **string { return &s.Device })
	rqCount   = monotable.Field(func(s *rqSession) *int { return &s.Count })
	rqExpires = monotable.Field(func(s *rqSession) *time.Time { return &s.Expires })
)

// rqTicket has a derived attribute and an index key of several parts.
type rqTicket struct {
	ID    string `dynamodbav:"ticketId"`
	Team  string `dynamodbav:"team"`
	State string `dynamodbav:"state"`
	Prio  int    `dynamodbav:"prio"`
	Title string `dynamodbav:"title"`
	Slug  string `dynamodbav:"slug"`
}

var (
	rqTeam  = monotable.Field(func(t *rqTicket) *string { return &t.Team })
	rqState = monotable.Field(func(t *rqTicket) *string { return &t.State })
	rqPrio  = monotable.Field(func(t *rqTicket) *int { return &t.Prio })
	rqTitle = monotable.Field(func(t *rqTicket) *string { return &t.Title })
	rqSlug  = monotable.Field(func(t *rqTicket) *string { return &t.Slug })
)

// rqItem is stored by entities that differ in their tag only.
type rqNote struct {
	ID   string `dynamodbav:"noteId"`
	Text string `dynamodbav:"text"`
}

var rqNoteText = monotable.Field(func(n *rqNote) *string { return &n.Text })

// rqMatch is in indexes whose keys are its own attributes.
type rqMatch struct {
	ID         string `dynamodbav:"matchId"`
	Tournament string `dynamodbav:"tournament"`
	Region     string `dynamodbav:"region"`
	Score      int    `dynamodbav:"score"`
}

var (
	rqScore   = monotable.Field(func(m *rqMatch) *int { return &m.Score })
	rqRegion  = monotable.Field(func(m *rqMatch) *string { return &m.Region })
	rqMatchID = monotable.Field(func(m *rqMatch) *string { return &m.ID })
)

// rqThing has an attribute of each type and no rules, so that its requests show the expression alone.
type rqThing struct {
	ID     string         `dynamodbav:"id"`
	N      int            `dynamodbav:"n"`
	F      float64        `dynamodbav:"f"`
	S      string         `dynamodbav:"s"`
	S2     string         `dynamodbav:"s2"`
	SS     []string       `dynamodbav:"ss,stringset"`
	NS     []int          `dynamodbav:"ns,numberset"`
	BS     [][]byte       `dynamodbav:"bs"`
	B      []byte         `dynamodbav:"b"`
	L      []string       `dynamodbav:"l"`
	M      map[string]int `dynamodbav:"m"`
	Prefs  rqPrefs        `dynamodbav:"prefs"`
	PPrefs *rqPrefs       `dynamodbav:"pprefs"`
	Flag   bool           `dynamodbav:"flag"`
	When   time.Time      `dynamodbav:"when"`
	Opt    *string        `dynamodbav:"opt"`
	Note   string         `dynamodbav:"note,omitempty"`
	Big    *big.Int       `dynamodbav:"big"`
	Any    any            `dynamodbav:"any"`
}

var (
	rqN      = monotable.Field(func(t *rqThing) *int { return &t.N })
	rqF      = monotable.Field(func(t *rqThing) *float64 { return &t.F })
	rqS      = monotable.Field(func(t *rqThing) *string { return &t.S })
	rqS2     = monotable.Field(func(t *rqThing) *string { return &t.S2 })
	rqSS     = monotable.Field(func(t *rqThing) *[]string { return &t.SS })
	rqNS     = monotable.Field(func(t *rqThing) *[]int { return &t.NS })
	rqBS     = monotable.Field(func(t *rqThing) *[][]byte { return &t.BS })
	rqB      = monotable.Field(func(t *rqThing) *[]byte { return &t.B })
	rqL      = monotable.Field(func(t *rqThing) *[]string { return &t.L })
	rqM      = monotable.Field(func(t *rqThing) *map[string]int { return &t.M })
	rqP      = monotable.Field(func(t *rqThing) *rqPrefs { return &t.Prefs })
	rqPLang  = monotable.Field(func(t *rqThing) *string { return &t.Prefs.Lang })
	rqPPLang = monotable.Field(func(t *rqThing) *string { return &t.PPrefs.Lang })
	rqPP     = monotable.Field(func(t *rqThing) **rqPrefs { return &t.PPrefs })
	rqFlag   = monotable.Field(func(t *rqThing) *bool { return &t.Flag })
	rqWhen   = monotable.Field(func(t *rqThing) *time.Time { return &t.When })
	rqOpt    = monotable.Field(func(t *rqThing) **string { return &t.Opt })
	rqTNote  = monotable.Field(func(t *rqThing) *string { return &t.Note })
	rqBig    = monotable.Field(func(t *rqThing) **big.Int { return &t.Big })
	rqAny    = monotable.Field(func(t *rqThing) *any { return &t.Any })
)

// rqOdd has names that are reserved, or look like syntax.
type rqOdd struct {
	ID     string         `dynamodbav:"#id"`
	Status string         `dynamodbav:"status"`
	Dotted int            `dynamodbav:"a.b"`
	Plain  map[string]int `dynamodbav:"a"`
	Colon  string         `dynamodbav:":y"`
	Index  string         `dynamodbav:"x[0]"`
	German string         `dynamodbav:"größe in cm"`
}

var (
	rqOddStatus = monotable.Field(func(o *rqOdd) *string { return &o.Status })
	rqOddDotted = monotable.Field(func(o *rqOdd) *int { return &o.Dotted })
	rqOddPlain  = monotable.Field(func(o *rqOdd) *map[string]int { return &o.Plain })
	rqOddColon  = monotable.Field(func(o *rqOdd) *string { return &o.Colon })
	rqOddIndex  = monotable.Field(func(o *rqOdd) *string { return &o.Index })
	rqOddGerman = monotable.Field(func(o *rqOdd) *string { return &o.German })
)

// rqRuled has rules on a struct, a list and a map, and on what is inside.
type rqRuled struct {
	ID     string         `dynamodbav:"id"`
	Frozen rqPrefs        `dynamodbav:"frozen"`
	List   []string       `dynamodbav:"list"`
	Map    map[string]int `dynamodbav:"map"`
	Part   rqPrefs        `dynamodbav:"part"`
	Level  int            `dynamodbav:"level"`
	Bound  string         `dynamodbav:"bound"`
}

var (
	rqFrozen      = monotable.Field(func(r *rqRuled) *rqPrefs { return &r.Frozen })
	rqFrozenTheme = monotable.Field(func(r *rqRuled) *string { return &r.Frozen.Theme })
	rqList        = monotable.Field(func(r *rqRuled) *[]string { return &r.List })
	rqMap         = monotable.Field(func(r *rqRuled) *map[string]int { return &r.Map })
	rqPart        = monotable.Field(func(r *rqRuled) *rqPrefs { return &r.Part })
	rqPartTheme   = monotable.Field(func(r *rqRuled) *string { return &r.Part.Theme })
	rqLevel       = monotable.Field(func(r *rqRuled) *int { return &r.Level })
	rqBound       = monotable.Field(func(r *rqRuled) *string { return &r.Bound })
)

// rqBlob has a number and a binary for its keys.
type rqBlob struct {
	Shard  int    `dynamodbav:"shard"`
	Digest []byte `dynamodbav:"digest"`
	Size   int    `dynamodbav:"size"`
}

var rqDigest = monotable.Field(func(b *rqBlob) *[]byte { return &b.Digest })

// rqProduct is stored in a table without a sort key, by an attribute of its own.
type rqProduct struct {
	SKU   string `dynamodbav:"sku"`
	Price int    `dynamodbav:"price"`
}

var (
	rqSKU   = monotable.Field(func(p *rqProduct) *string { return &p.SKU })
	rqPrice = monotable.Field(func(p *rqProduct) *int { return &p.Price })
)

// rqChapter and rqParagraph have sort keys of which one begins like the other.
type rqChapter struct {
	Book    string `dynamodbav:"book"`
	Chapter int    `dynamodbav:"chapter"`
}

type rqParagraph struct {
	Book      string `dynamodbav:"book"`
	Chapter   int    `dynamodbav:"chapter"`
	Paragraph int    `dynamodbav:"paragraph"`
}

var (
	rqChapterNo     = monotable.Field(func(c *rqChapter) *int { return &c.Chapter })
	rqParagraphNo   = monotable.Field(func(p *rqParagraph) *int { return &p.Paragraph })
	rqParagraphChap = monotable.Field(func(p *rqParagraph) *int { return &p.Chapter })
)

// rqRaw declares its keys as fields too, and has a nested attribute in an index key.
type rqRaw struct {
	PK    string  `dynamodbav:"PK"`
	Index string  `dynamodbav:"GSI1PK"`
	ID    string  `dynamodbav:"id"`
	Prefs rqPrefs `dynamodbav:"prefs"`
}

var (
	rqRawPK    = monotable.Field(func(r *rqRaw) *string { return &r.PK })
	rqRawIndex = monotable.Field(func(r *rqRaw) *string { return &r.Index })
	rqRawPrefs = monotable.Field(func(r *rqRaw) *rqPrefs { return &r.Prefs })
	rqRawTheme = monotable.Field(func(r *rqRaw) *string { return &r.Prefs.Theme })
)
