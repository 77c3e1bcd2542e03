package main

// The objects of section 3.

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const lineMost, payloadMost, kindMost, epochMost = 20 << 20, 16 << 20, 256, 1 << 24

// Entry is 3.1.
type Entry struct {
	kind      string
	payload   *Object
	prev      Hash
	signature []byte
	ts        time.Time
	seq       uint64
	message   []byte
	hash      Hash
	leaf      Hash
}

func readEntry(value Value, numbered, spelt bool) *Entry {
	names := []string{"kind", "payload", "prev_hash", "signature", "ts"}
	if numbered {
		names = append(names, "seq")
	}
	it := members(value, names...)
	entry := &Entry{kind: kindOf(it["kind"]), prev: hash(it["prev_hash"]), signature: hexOf(it["signature"], 64)}
	payload, is := it["payload"].(*Object)
	demand(is && levels(payload) <= levelsMost)
	entry.payload = payload
	if spelt {
		entry.ts = onlyTime(it["ts"])
	} else {
		entry.ts = anyTime(it["ts"])
	}
	if numbered {
		entry.seq = number(it["seq"])
	}
	entry.message = bytes.Join([][]byte{[]byte(entry.kind), []byte(isoformat(entry.ts)), canonical(payload), entry.prev[:]}, []byte{0x1f})
	demand(len(entry.message) <= payloadMost)
	entry.hash = H(entry.message)
	entry.leaf = H([]byte{0}, entry.hash[:], entry.signature)
	return entry
}

func kindOf(value Value) string {
	kind := text(value)
	demand(len(kind) <= kindMost && strings.TrimFunc(kind, unicode.IsSpace) != "")
	for _, char := range kind {
		demand(char >= 0x20 && (char < 0x7f || char > 0x9f))
	}
	return kind
}

// Opening is 3.2, as far as it is compared.
type Opening struct {
	log      Hash
	recovery []byte
}

// readOpening reads entry 0's payload. What a later version says, under the log's
// signature, gets no verdict (U4).
func readOpening(entry *Entry, believed bool) Opening {
	if believed && entry.kind == "sealbook:open" {
		if format, is := entry.payload.Values["format"].(Int); is {
			if n, fits := asNumber(format); fits && n > 1 {
				panic(NoVerdict{"format_unsupported"})
			}
		}
	}
	demand(entry.kind == "sealbook:open")
	it := members(entry.payload, "format", "log", "nonce", "origin", "predecessor", "recovery_key_sha256")
	demand(number(it["format"]) == 1)
	opening := Opening{log: hash(it["log"])}
	hexOf(it["nonce"], 16)
	text(it["origin"])
	if it["predecessor"] != nil {
		before := members(it["predecessor"], "hash", "log", "seq")
		hash(before["hash"])
		hash(before["log"])
		number(before["seq"])
	}
	if it["recovery_key_sha256"] != nil {
		opening.recovery = hexOf(it["recovery_key_sha256"], 32)
	}
	return opening
}

func asNumber(value Int) (uint64, bool) {
	n, err := strconv.ParseUint(string(value), 10, 64)
	return n, err == nil
}

// successor is what a closing entry names (3.3).
func (e *Entry) successor() (key Hash, closes bool) {
	defer func() {
		if problem := recover(); problem != nil {
			closes = false
		}
	}()
	demand(e.kind == "sealbook:close")
	return hash(members(e.payload, "successor")["successor"]), true
}

func (e *Entry) isDocument() bool { return e.kind == "wcp.document" }

// digest judges a document (E15 and E16, D5 and D6).
func (e *Entry) digest(at string, index uint64) string {
	var claimed string
	reading(func() { fail("schema_violation", at, index) }, func() {
		names := []string{"content", "digest", "media_type"}
		if _, has := e.payload.Values["_actor"]; has {
			names = append(names, "_actor")
		}
		it := members(e.payload, names...)
		claimed = text(it["digest"])
		text(it["media_type"])
	})
	data := canonical(e.payload.Values["content"])
	if content, is := e.payload.Values["content"].(string); is {
		data = []byte(content)
	}
	if claimed != prefix+H(data).String() {
		fail("document_mismatch", at, index)
	}
	return claimed
}

const prefix = "blake2b-256:"

// refers are the documents that an entry of a reserved kind names.
func (e *Entry) refers() []string {
	found := []string{}
	if e.isDocument() {
		return found
	}
	for _, reserved := range []string{"wcp.", "manifest.", "vacant.", "hall."} {
		if strings.HasPrefix(e.kind, reserved) {
			named(e.payload.Values["context"], &found)
			break
		}
	}
	return found
}

func named(value Value, found *[]string) {
	switch value := value.(type) {
	case string:
		digits := strings.TrimPrefix(value, prefix)
		if len(digits) == 64 && len(value) == 64+len(prefix) && strings.Trim(digits, "0123456789abcdef") == "" {
			*found = append(*found, value)
		}
	case []Value:
		for _, item := range value {
			named(item, found)
		}
	case *Object:
		for _, item := range value.Values {
			named(item, found)
		}
	}
}

// Statement is 3.5.
type Statement struct {
	content     *Object
	key         Hash
	log         Hash
	genesis     Hash
	signature   []byte
	signedBytes []byte
}

func readStatement(value Value, what string) *Statement {
	it := members(value, what, "key", "signature")
	content, is := it[what].(*Object)
	demand(is)
	statement := &Statement{content: content, key: hash(it["key"]), signature: hexOf(it["signature"], 64)}
	statement.log = hash(content.Values["log"])
	statement.genesis = hash(content.Values["genesis"])
	version := "1"
	if format, has := content.Values["format"]; has {
		version = string(canonical(format))
	}
	statement.signedBytes = append([]byte("sealbook:"+what+":v"+version+"\x1f"), canonical(content)...)
	return statement
}

// holds says whether the signature is that of the key that it names.
func (s *Statement) holds() bool { return signed(s.key, s.signedBytes, s.signature) }

func (s *Statement) byItsLog() bool { return s.key == s.log && s.holds() }

func (s *Statement) identity() Hash { return H(s.signedBytes) }

// Header is 3.6.
type Header struct {
	*Statement
	epoch, first, last, size uint64
	root, head, prev         Hash
	hour, sealed             time.Time
}

func readHeader(value Value) *Header {
	statement := readStatement(value, "epoch")
	it := members(statement.content, "epoch", "first_seq", "genesis", "head", "hour", "last_seq", "log", "prev", "root", "sealed_at", "tree_size")
	return &Header{Statement: statement, epoch: number(it["epoch"]), first: number(it["first_seq"]), last: number(it["last_seq"]), size: number(it["tree_size"]),
		root: hash(it["root"]), head: hash(it["head"]), prev: hash(it["prev"]), hour: onlyTime(it["hour"]), sealed: onlyTime(it["sealed_at"])}
}

// alone is H5.
func (h *Header) alone() bool {
	return h.last >= h.first && h.last-h.first < epochMost && h.size == h.last-h.first+1 &&
		h.hour.Equal(h.hour.Truncate(time.Hour)) && !h.sealed.Before(h.hour)
}

// follows is H6 after another header.
func (h *Header) follows(before *Header) bool {
	return h.epoch != 0 && h.epoch-1 == before.epoch && h.first != 0 && h.first-1 == before.last && !h.hour.Before(before.hour) && !h.sealed.Before(before.sealed)
}

// Head is 3.7.
type Head struct {
	*Statement
	seq    uint64
	hash   Hash
	second bool
	tie    *Object
}

func readHead(value Value) *Head {
	statement := readStatement(value, "head")
	names := []string{"genesis", "hash", "log", "seq", "ts"}
	head := &Head{Statement: statement}
	if _, has := statement.content.Values["format"]; has {
		head.second = true
		names = append(names, "epoch", "format", "tree")
	}
	it := members(statement.content, names...)
	head.hash, head.seq = hash(it["hash"]), number(it["seq"])
	onlyTime(it["ts"])
	if head.second {
		demand(number(it["format"]) == 2)
		if it["epoch"] != nil {
			tie := members(it["epoch"], "epoch", "hash")
			number(tie["epoch"])
			hash(tie["hash"])
			head.tie = it["epoch"].(*Object)
		}
		if it["tree"] != nil {
			tree := members(it["tree"], "root", "size")
			hash(tree["root"])
			number(tree["size"])
		}
	}
	return head
}

// standsOn is A6.
func (h *Head) standsOn(header *Header) bool {
	if !h.second || header == nil {
		return true
	}
	return h.tie != nil && number(h.tie.Values["epoch"]) == header.epoch && hash(h.tie.Values["hash"]) == header.identity()
}

var byteOrderMark = []byte("\xef\xbb\xbf")
