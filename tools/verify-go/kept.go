package main

// What was kept of a log (8): headers and heads, receipts, revocations.

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"sort"
)

// Kept is a header or a head.
type Kept struct {
	statement *Statement
	header    *Header
	seq       uint64
	hash      Hash
	signed    bool
}

type keptWalk struct {
	// In the order of their entries; the headers in the order of their numbers.
	all     []*Kept
	met     map[*Kept]bool
	headers []*Kept
	// Those that can stand, and whose epochs the file does not have.
	standing []*Kept
	leaves   map[uint64]Hash
}

// readKept is K8.
func readKept(data []byte, torn *bool) (all []*Kept) {
	defer func() {
		if problem := recover(); problem != nil {
			if _, is := problem.(unreadable); !is {
				panic(problem)
			}
			panic(NoVerdict{"not_recognised"})
		}
	}()
	if value, err := parseJSON(data); err == nil {
		return []*Kept{keptOf(value)}
	}
	lines := bytes.Split(data, []byte("\n"))
	if last := len(lines) - 1; len(lines[last]) > 0 {
		lines = lines[:last]
		*torn = true
	}
	for _, line := range lines {
		if isBlank(line) {
			continue
		}
		value, err := parseJSON(line)
		if err != nil {
			panic(NoVerdict{"bad_json"})
		}
		one := keptOf(value)
		if !bytes.Equal(canonical(value), line) {
			panic(NoVerdict{"bad_input"})
		}
		all = append(all, one)
	}
	return all
}

func keptOf(value Value) *Kept {
	object, is := value.(*Object)
	demand(is)
	if _, is := object.Values["epoch"]; is {
		header := readHeader(value)
		return &Kept{header.Statement, header, header.last, header.head, header.byItsLog()}
	}
	head := readHead(value)
	return &Kept{head.Statement, nil, head.seq, head.hash, head.byItsLog()}
}

func (k *Kept) sameLog(other *Kept) bool {
	return k.statement.log == other.statement.log && k.statement.genesis == other.statement.genesis
}

// newKept is K1 to K3.
func newKept(all []*Kept) *keptWalk {
	w := &keptWalk{all: append([]*Kept{}, all...), met: map[*Kept]bool{}, leaves: map[uint64]Hash{}}
	sort.SliceStable(w.all, func(a, b int) bool { return w.all[a].seq < w.all[b].seq })
	for _, one := range w.all {
		if one.header != nil {
			w.headers = append(w.headers, one)
		}
	}
	sort.SliceStable(w.headers, func(a, b int) bool { return w.headers[a].header.epoch < w.headers[b].header.epoch })
	var before *Kept
	for _, one := range w.headers {
		if !one.signed {
			continue
		}
		same := before
		if same != nil && !same.sameLog(one) {
			same = nil
		}
		if same != nil && bytes.Equal(same.statement.signedBytes, one.statement.signedBytes) {
			continue
		}
		header := one.header
		here := check("epoch", header.epoch)
		here("epoch_invariant", header.alone())
		here("equivocation", !contradicts(same, header))
		w.standing = append(w.standing, one)
		before = one
	}
	before = nil
	for _, one := range w.all {
		if !one.signed {
			continue
		}
		if before != nil && before.seq == one.seq && before.sameLog(one) && before.hash != one.hash {
			failFile("equivocation")
		}
		before = one
	}
	return w
}

func contradicts(before *Kept, header *Header) bool {
	switch {
	case before == nil:
		first := header.epoch == 0 || header.first == 0
		return first && (header.epoch != 0 || header.first != 0 || header.prev != zero)
	case before.header.epoch == header.epoch:
		return true
	case header.epoch-before.header.epoch == 1:
		return !header.follows(before.header) || header.prev != before.header.identity()
	}
	return header.first <= before.header.last
}

func (w *keptWalk) header(header *Header) {
	w.standing = slices.DeleteFunc(w.standing, func(one *Kept) bool { return one.header.epoch == header.epoch })
	for _, one := range w.headers {
		if one.header.epoch != header.epoch || !one.signed || one.statement.log != header.log || one.statement.genesis != header.genesis {
			continue
		}
		holdsIn("equivocation", bytes.Equal(one.statement.signedBytes, header.signedBytes))
		w.met[one] = true
	}
}

func (w *keptWalk) entry(entry *Entry) {
	for _, one := range w.all {
		if one.seq == entry.seq && one.hash == entry.hash {
			w.met[one] = true
		}
	}
	if len(w.standing) == 0 {
		return
	}
	w.leaves[entry.seq] = entry.leaf
	for _, one := range w.standing {
		if one.header.last == entry.seq {
			w.root(one.header)
		}
	}
}

// root is K7.
func (w *keptWalk) root(header *Header) {
	tree := []subtree{}
	for seq := header.first; seq <= header.last; seq++ {
		leaf, is := w.leaves[seq]
		if !is {
			return
		}
		tree = push(tree, subtree{0, leaf})
	}
	check("epoch", header.epoch)("epoch_root_mismatch", rootOf(tree) == header.root)
}

func (w *Walk) covers(seq uint64) bool {
	return w.kind == logbook || w.kind == aRange && w.first <= seq && seq <= w.last
}

// close is K5 and K6; it answers the newest entry that was met.
func (k *keptWalk) close(w *Walk) *uint64 {
	var newest *uint64
	for _, one := range k.all {
		if k.met[one] {
			seq := one.seq
			newest = &seq
		}
	}
	outside := false
	for _, one := range k.all {
		other := one.statement.log != w.log || w.genesis != nil && one.statement.genesis != *w.genesis
		switch {
		case !one.signed || other:
			failFile("head_not_contained")
		case k.met[one]:
		case newest != nil && !w.covers(one.seq):
			outside = true
		default:
			failFile("head_not_contained")
		}
	}
	if outside {
		w.unchecked("heads")
		w.warn("not_covered")
	}
	return newest
}

// lead says whether this header is kept, or kept ones follow it, up to that place.
func (k *keptWalk) lead(header *Header, seq uint64, hash Hash) bool {
	kept := false
	for _, one := range k.headers {
		next := one.header
		follows := next.log == header.log && next.epoch-1 == header.epoch && next.follows(header) && next.prev == header.identity()
		if one.signed && (follows || next.identity() == header.identity()) {
			header, kept = next, true
		}
		if kept && header.last == seq && header.head == hash {
			return true
		}
	}
	return false
}

// Receipt is one line.
type Receipt struct {
	line         uint64
	seq          uint64
	hash, prev   Hash
	log, genesis Hash
	ts, kind     string
	signature    []byte
	seen         bool
}

// Receipts are a file.
type Receipts struct{ all []*Receipt }

// readReceipts is C1.
func readReceipts(data []byte, torn *bool) *Receipts {
	receipts := &Receipts{}
	lines := bytes.Split(data, []byte("\n"))
	for at, line := range lines {
		if isBlank(line) {
			continue
		}
		reading(func() {
			if at != len(lines)-1 {
				panic(NoVerdict{"bad_input"})
			}
			*torn = true
		}, func() {
			value, err := parseJSON(line)
			demand(err == nil)
			it := members(value, "genesis", "hash", "kind", "log", "prev_hash", "seq", "signature", "ts")
			receipts.all = append(receipts.all, &Receipt{line: uint64(at), seq: number(it["seq"]), hash: hash(it["hash"]), prev: hash(it["prev_hash"]), log: hash(it["log"]),
				genesis: hash(it["genesis"]), ts: isoformat(onlyTime(it["ts"])), kind: text(it["kind"]), signature: hexOf(it["signature"], 64)})
		})
	}
	sort.SliceStable(receipts.all, func(a, b int) bool { return receipts.all[a].seq < receipts.all[b].seq })
	return receipts
}

func (r *Receipt) foreign(w *Walk) bool {
	return r.log != w.log || w.genesis != nil && r.genesis != *w.genesis
}

// entry is C3.
func (r *Receipts) entry(w *Walk, entry *Entry) {
	if r == nil {
		return
	}
	for _, one := range r.all {
		if one.seq != entry.seq {
			continue
		}
		one.seen = true
		same := one.hash == entry.hash && one.prev == entry.prev && one.ts == isoformat(entry.ts) && one.kind == entry.kind && bytes.Equal(one.signature, entry.signature)
		check("document", one.line)("receipt_mismatch", same || one.foreign(w))
	}
}

// close is C2 and C4; it answers the newest entry that was met.
func (r *Receipts) close(w *Walk, last *uint64) *uint64 {
	if r == nil {
		return nil
	}
	byLine := append([]*Receipt{}, r.all...)
	sort.SliceStable(byLine, func(a, b int) bool { return byLine[a].line < byLine[b].line })
	for _, one := range byLine {
		here := check("document", one.line)
		here("log_key_mismatch", one.log == w.log)
		here("genesis_mismatch", !one.foreign(w))
	}
	var newest *uint64
	outside := len(r.all) == 0
	for _, one := range r.all {
		seq := one.seq
		switch {
		case one.seen:
			newest = &seq
		case !w.covers(seq):
			outside = true
		case last == nil || seq > *last:
			fail("truncated", "document", one.line)
		default:
			fail("receipt_mismatch", "document", one.line)
		}
	}
	if outside {
		w.unchecked("receipts")
		w.warn("not_covered")
	}
	return newest
}

// Revocation is 3.8 with what was seen of its place.
type Revocation struct {
	statement *Statement
	seq       uint64
	hash      Hash
	successor *Hash
	here      *Hash
	beyond    *uint64
	// The entry of its place is there.
	met bool
}

// readRevocation is V8.
func readRevocation(data []byte) *Revocation {
	it := &Revocation{}
	reading(func() { panic(NoVerdict{"bad_input"}) }, func() {
		lines := bytes.Split(bytes.TrimRight(data, " \t\r\n"), []byte("\n"))
		value, err := parseJSON(lines[0])
		demand(err == nil && len(lines) <= 2)
		it.statement = readStatement(value, "revoke")
		said := members(it.statement.content, "genesis", "hash", "log", "reason", "seq")
		it.hash, it.seq = hash(said["hash"]), number(said["seq"])
		text(said["reason"])
		demand(it.statement.holds())
		if len(lines) == 2 {
			value, err := parseJSON(lines[1])
			demand(err == nil)
			entry := readEntry(members(value, "closing")["closing"], false, false)
			key, closes := entry.successor()
			demand(closes && key == it.statement.key && signed(it.statement.log, entry.message, entry.signature))
			it.successor = &key
		}
	})
	return it
}

func (r *Revocation) says(seq uint64, hash Hash) {
	if seq == r.seq && (r.here == nil || *r.here == r.hash) {
		r.here = &hash
	}
}

func (r *Revocation) entry(entry *Entry, index uint64) {
	r.says(entry.seq, entry.hash)
	r.met = r.met || entry.seq == r.seq && entry.hash == r.hash
	if entry.seq > r.seq && r.beyond == nil {
		r.beyond = &index
	}
}

// judge is V1 to V6.
func (r *Revocation) judge(w *Walk) {
	cannot := func() {
		if !w.AllowUnapplied {
			failFile("revocation_not_applicable")
		}
		w.unchecked("revocation_not_applicable")
		w.warn("revocation_ignored")
	}
	if r.statement.log != w.log {
		w.warn("revocation_of_another_log")
		return
	}
	if w.genesis == nil || r.statement.genesis != *w.genesis {
		cannot()
		return
	}
	by := r.statement.key
	digest := sha256.Sum256(by[:])
	named := func(key *Hash) bool { return key != nil && *key == by }
	switch {
	case by == w.log:
		w.warn("revocation_ignored")
		return
	case w.opening != nil && bytes.Equal(w.opening.recovery, digest[:]), named(w.closing), named(r.successor):
	case w.opening != nil && w.closing != nil:
		w.warn("revocation_ignored")
		return
	default:
		cannot()
		return
	}
	holdsIn("head_not_contained", r.here == nil || *r.here == r.hash)
	if r.beyond != nil {
		fail("untrusted_key", "entry", *r.beyond)
	}
	chained := w.kind == logbook || w.kind == aRange || w.report.Entries == 1
	connected := w.kind != selection || !w.gap
	if !(chained && r.met) && !(connected && w.header != nil && w.kept.lead(w.header, r.seq, r.hash)) {
		cannot()
		return
	}
	w.warn("revoked")
}
