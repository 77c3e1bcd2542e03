package main

// The walk over entries, headers and heads (4.4 to 4.8), and its end.

import (
	"slices"
	"sort"
	"time"
)

// holdsIn throws a fault of the whole file where something does not hold.
func holdsIn(code string, holds bool) {
	if !holds {
		failFile(code)
	}
}

// check throws a fault of one place where something does not hold.
func check(at string, index uint64) func(string, bool) {
	return func(code string, holds bool) {
		if !holds {
			fail(code, at, index)
		}
	}
}

// Options are what a verifier is given besides the bytes (4.1).
type Options struct {
	Keys           []Hash
	As             string
	ExpectHead     *Hash
	Asked          map[string]string
	AllowUnsigned  bool
	AllowUnapplied bool
	LedgerRules    bool
	Contains       []*Kept
	Receipts       *Receipts
	Revocations    []*Revocation
	tornKept       bool
}

// Coded is a warning.
type Coded struct {
	Code string `json:"code"`
}

// Report is 4.2.
type Report struct {
	Verdict    string   `json:"verdict"`
	Entries    uint64   `json:"entries"`
	Epochs     uint64   `json:"epochs"`
	Faults     []Fault  `json:"faults"`
	Warnings   []Coded  `json:"warnings"`
	NotChecked []string `json:"not_checked"`
}

// The kinds of walk.
const (
	logbook = iota
	aRange
	selection
	proof
)

type wanted struct {
	digest string
	index  uint64
}

type documentLine struct {
	digest string
	line   uint64
}

// Walk is what is known so far.
type Walk struct {
	*Options
	report *Report
	kind   int
	own    bool
	log    Hash
	// The genesis, once it is known.
	genesis *Hash
	first   uint64
	last    uint64
	before  *Entry
	header  *Header
	// Whether the entries that follow are the header's.
	open     bool
	given    bool
	tree     []subtree
	gap      bool
	head     *Head
	opening  *Opening
	closing  *Hash
	closedAt *uint64
	lines    []documentLine
	among    map[string]bool
	wants    []wanted
	seen     map[string]bool
	filter   Value
	// The entries of a selection.
	all  []*Entry
	kept *keptWalk
}

func newWalk(options *Options, report *Report, kind int) *Walk {
	return &Walk{Options: options, report: report, kind: kind, own: kind != logbook || options.LedgerRules, among: map[string]bool{}, seen: map[string]bool{}}
}

func (w *Walk) warn(code string) { w.report.Warnings = append(w.report.Warnings, Coded{code}) }

func (w *Walk) unchecked(what string) { w.report.NotChecked = append(w.report.NotChecked, what) }

// trusts is F3 and P3; then what was kept is judged by itself.
func (w *Walk) trusts(log Hash) {
	w.log = log
	holdsIn("untrusted_key", slices.Contains(w.Keys, log))
	w.kept = newKept(w.Contains)
}

// next is the number that a range's next entry must have.
func (w *Walk) next() uint64 {
	if w.before != nil {
		return w.before.seq + 1
	}
	return w.first
}

// entry is 4.4 from E2 on.
func (w *Walk) entry(entry *Entry, path []Hash, hasPath bool) {
	index := w.report.Entries
	w.report.Entries++
	here := check("entry", index)
	switch w.kind {
	case logbook:
		entry.seq = index
	case aRange:
		here("sequence_gap", entry.seq == w.next())
	case selection:
		here("sequence_gap", w.before == nil || entry.seq > w.before.seq)
	}
	linked := w.kind == logbook || w.kind == aRange
	switch {
	case entry.seq == 0:
		here("prev_hash_mismatch", entry.prev == zero)
	case linked && w.before != nil:
		here("prev_hash_mismatch", entry.prev == w.before.hash)
	}
	here("signature_invalid", signed(w.log, entry.message, entry.signature))
	if w.own {
		w.rules(entry, index, here)
	} else {
		if index == 0 {
			w.genesis = &entry.hash
		}
		if w.before != nil && entry.ts.Before(w.before.ts) {
			w.warn("timestamp_regression")
		}
	}
	if key, closes := entry.successor(); closes {
		at := entry.seq
		w.closing, w.closedAt = &key, &at
	}
	if w.kind != logbook {
		w.under(entry, path, hasPath, index, here)
	}
	if w.own && entry.isDocument() {
		w.among[entry.digest("entry", index)] = true
	}
	if w.own {
		for _, digest := range entry.refers() {
			if !w.seen[digest] {
				w.seen[digest] = true
				w.wants = append(w.wants, wanted{digest, index})
			}
		}
	}
	for _, one := range w.Revocations {
		one.entry(entry, index)
	}
	w.kept.entry(entry)
	w.Receipts.entry(w, entry)
	w.before = entry
	if w.kind == selection {
		w.all = append(w.all, entry)
	}
}

// rules are E5 to E9.
func (w *Walk) rules(entry *Entry, index uint64, here func(string, bool)) {
	if entry.kind == "sealbook:rollback" {
		w.warn("acknowledged_rollback")
	}
	if entry.seq == 0 {
		reading(func() { here("schema_violation", false) }, func() {
			opening := readOpening(entry, true)
			w.opening = &opening
		})
		here("log_key_mismatch", w.opening.log == w.log)
		here("genesis_mismatch", w.genesis == nil || *w.genesis == entry.hash)
		w.genesis = &entry.hash
	}
	here("schema_violation", w.closedAt == nil || *w.closedAt+1 != entry.seq)
	here("timestamp_regression", w.before == nil || !entry.ts.Before(w.before.ts))
}

// under are E10 to E14.
func (w *Walk) under(entry *Entry, path []Hash, hasPath bool, index uint64, here func(string, bool)) {
	if w.kind == aRange {
		if w.open && entry.seq > w.header.last {
			w.endEpoch()
		}
		here("bundle_corrupt", !hasPath)
	}
	if !w.open {
		here("proof_invalid", w.head != nil)
		return
	}
	header := w.header
	within := !entry.ts.Before(header.hour) && entry.ts.Before(header.hour.Add(time.Hour)) && !entry.ts.After(header.sealed)
	here("epoch_invariant", within)
	w.given = true
	if entry.seq == header.last && entry.hash != header.head {
		fail("head_mismatch", "epoch", header.epoch)
	}
	if w.kind == aRange {
		w.tree = push(w.tree, subtree{0, entry.leaf})
		return
	}
	here("proof_invalid", hasPath && entry.seq >= header.first && entry.seq <= header.last)
	root, fits := climb(entry.leaf, entry.seq-header.first, header.size, path)
	here("proof_invalid", fits && root == header.root)
}

// endEpoch is R6 and S5.
func (w *Walk) endEpoch() {
	if !w.open {
		return
	}
	tree, here := w.tree, check("epoch", w.header.epoch)
	w.open, w.tree = false, nil
	switch w.kind {
	case aRange:
		here("epoch_root_mismatch", leavesOf(tree) == w.header.size && rootOf(tree) == w.header.root)
	case selection:
		here("bundle_corrupt", w.given)
	}
}

// takeHeader is 4.5 from H2 on.
func (w *Walk) takeHeader(header *Header) {
	w.endEpoch()
	here := check("epoch", header.epoch)
	w.report.Epochs++
	before := w.header
	here("epoch_signature_invalid", header.byItsLog())
	here("log_key_mismatch", header.log == w.log)
	here("genesis_mismatch", header.genesis == *w.genesis)
	here("epoch_invariant", header.alone())
	switch {
	case before == nil:
		here("epoch_invariant", (header.epoch == 0) == (header.first == 0))
		here("epoch_chain_broken", header.epoch != 0 || header.prev == zero)
	case w.kind == selection && header.epoch > before.epoch && header.epoch-before.epoch > 1:
		w.gap = true
		w.warn("epoch_gap")
		here("epoch_invariant", header.first > before.last)
	default:
		here("epoch_invariant", header.follows(before))
		here("epoch_chain_broken", header.prev == before.identity())
	}
	here("bundle_corrupt", w.head == nil)
	w.header, w.open, w.given, w.tree = header, true, false, nil
	w.kept.header(header)
	for _, one := range w.Revocations {
		one.says(header.last, header.head)
	}
}

// takeHead is 4.6 from A2 on.
func (w *Walk) takeHead(head *Head) {
	w.endEpoch()
	holdsIn("bundle_corrupt", w.kind == aRange && w.head == nil && w.next() <= w.last)
	holdsIn("signature_invalid", head.byItsLog())
	holdsIn("log_key_mismatch", head.log == w.log)
	holdsIn("genesis_mismatch", head.genesis == *w.genesis)
	holdsIn("epoch_chain_broken", head.standsOn(w.header))
	w.head = head
	for _, one := range w.Revocations {
		one.says(head.seq, head.hash)
	}
}

// takeDocument is 4.7 from D2 on.
func (w *Walk) takeDocument(entry *Entry, line uint64) {
	here := check("document", line)
	here("bundle_corrupt", w.header == nil && w.head == nil && w.report.Entries == 0)
	here("signature_invalid", signed(w.log, entry.message, entry.signature))
	here("bundle_corrupt", entry.isDocument())
	digest := entry.digest("document", line)
	here("bundle_corrupt", len(w.lines) == 0 || w.lines[len(w.lines)-1].digest < digest)
	w.lines = append(w.lines, documentLine{digest, line})
}

// takeOpening is 4.8 from O2 on.
func (w *Walk) takeOpening(entry *Entry, line uint64) {
	here := check("document", line)
	here("prev_hash_mismatch", entry.prev == zero)
	here("signature_invalid", signed(w.log, entry.message, entry.signature))
	reading(func() { here("schema_violation", false) }, func() {
		opening := readOpening(entry, true)
		w.opening = &opening
	})
	here("log_key_mismatch", w.opening.log == w.log)
	here("genesis_mismatch", entry.hash == *w.genesis)
}

// end is what is judged when all was read (L8, L9, R6 to R9, S5 to S7, P8).
func (w *Walk) end() {
	w.endEpoch()
	var last *uint64
	var newest Hash
	if w.before != nil {
		last, newest = &w.before.seq, w.before.hash
	}
	holdsIn("truncated", w.kind != aRange || last != nil && *last == w.last)
	holdsIn("head_mismatch", w.head == nil || last != nil && *last == w.head.seq && newest == w.head.hash)
	holdsIn("head_mismatch", w.ExpectHead == nil || *w.ExpectHead == newest)
	w.answer()
	w.answered()
	for _, one := range w.Revocations {
		one.judge(w)
	}
	covered := w.kept.close(w)
	covered = later(covered, w.Receipts.close(w, last))
	if w.ExpectHead != nil {
		covered = later(covered, last)
	}
	w.truncation(covered, last)
	for _, line := range w.lines {
		check("document", line.line)("bundle_corrupt", w.seen[line.digest] && !w.among[line.digest])
	}
	w.missing()
	if w.report.Entries == 0 {
		w.warn("empty")
	}
	if !w.own {
		w.unchecked("ledger_rules")
	}
}

func later(one, other *uint64) *uint64 {
	if one == nil || other != nil && *other > *one {
		return other
	}
	return one
}

// truncation is not checked unless something reaches the last entry.
func (w *Walk) truncation(covered, last *uint64) {
	if w.kind != logbook {
		return
	}
	if covered != nil && (last == nil || *last <= *covered) {
		return
	}
	w.unchecked("truncation")
	if covered != nil {
		w.warn("not_covered")
	}
}

// missing are documents that are referred to and not here.
func (w *Walk) missing() {
	here := map[string]bool{}
	for _, line := range w.lines {
		here[line.digest] = true
	}
	sort.SliceStable(w.wants, func(a, b int) bool { return w.wants[a].index < w.wants[b].index })
	for _, want := range w.wants {
		if here[want.digest] || w.among[want.digest] {
			continue
		}
		if w.kind == proof {
			w.unchecked("documents")
			return
		}
		fail("document_missing", "entry", want.index)
	}
}

// answer is S6.
func (w *Walk) answer() {
	if len(w.Asked) == 0 {
		return
	}
	filter, is := w.filter.(*Object)
	holdsIn("filter_mismatch", is)
	others := 0
	for _, name := range filter.Names {
		if name != "attestations" {
			others++
		}
	}
	same := others == len(w.Asked)
	for name, value := range w.Asked {
		same = same && filter.Values[name] == Value(value)
	}
	holdsIn("filter_mismatch", same)
}
