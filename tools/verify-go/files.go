package main

// Logbooks (5), bundles (6) and proofs (7), as bytes.

import "bytes"

// Content is a file's bytes, decompressed, and what is wrong behind them.
type Content struct {
	data   []byte
	damage string
}

// lines are those that a newline ends, and what is behind the last one.
func (c *Content) lines() ([][]byte, []byte) {
	parts := bytes.Split(c.data, []byte("\n"))
	return parts[:len(parts)-1], parts[len(parts)-1]
}

func isBlank(line []byte) bool { return len(bytes.Trim(line, " \t\r\f\n")) == 0 }

const blankMost = 1 << 20

// readLogbook is 5.
func readLogbook(content *Content, options *Options, report *Report) {
	w := newWalk(options, report, logbook)
	holdsIn("untrusted_key", len(options.Keys) > 0)
	w.log = options.Keys[0]
	w.kept = newKept(options.Contains)
	lines, rest := content.lines()
	if content.damage == "" && !isBlank(rest) {
		lines = append(lines, rest)
		w.warn("missing_final_newline")
	}
	returns, blank := false, 0
	for at, line := range lines {
		if at == 0 && bytes.HasPrefix(line, byteOrderMark) {
			line = line[len(byteOrderMark):]
			w.warn("byte_order_mark")
		}
		returns = returns || at < bytes.Count(content.data, []byte("\n")) && bytes.HasSuffix(line, []byte("\r"))
		if len(line) <= lineMost && isBlank(line) {
			if blank++; blank > blankMost {
				failFile("schema_violation")
			}
			continue
		}
		var entry *Entry
		reading(func() { fail("schema_violation", "entry", report.Entries) }, func() {
			demand(len(line) <= lineMost)
			value, err := parseJSON(line)
			demand(err == nil)
			entry = readEntry(value, false, false)
		})
		if report.Entries == 0 {
			w.chooseKey(entry)
			w.own = w.own || entry.kind == "sealbook:open"
		}
		w.entry(entry, nil, false)
	}
	if content.damage != "" {
		failFile(content.damage)
	}
	if len(rest) > 0 && isBlank(rest) && len(lines) == 0 && bytes.HasPrefix(rest, byteOrderMark) {
		w.warn("byte_order_mark")
	}
	if returns {
		w.warn("line_ends")
	}
	w.end()
}

// chooseKey is L3.
func (w *Walk) chooseKey(entry *Entry) {
	for _, key := range w.Keys {
		if signed(key, entry.message, entry.signature) {
			w.log = key
			return
		}
	}
}

// supported is U2 and U3.
func supported(value Value) {
	object, is := value.(*Object)
	if !is {
		return
	}
	format, is := object.Values["format"].(Int)
	if !is {
		return
	}
	n, fits := asNumber(format)
	if fits && n > 2 {
		panic(NoVerdict{"format_unsupported"})
	}
	uses, _ := object.Values["uses"].([]Value)
	for _, use := range uses {
		if _, named := use.(string); named && n == 2 {
			panic(NoVerdict{"format_unsupported"})
		}
	}
}

// Bundle is a walk with what its lines say.
type Bundle struct {
	*Walk
	version  uint64
	opened   bool
	closed   bool
	unsigned bool
	bytes    uint64
	counts   map[string]uint64
}

// spelt reads a line in its one spelling.
func spelt(line []byte) Value {
	demand(len(line) <= lineMost)
	value, err := parseJSON(line)
	demand(err == nil && bytes.Equal(canonical(value), line))
	return value
}

// readBundle is 6.
func readBundle(content *Content, options *Options, report *Report) {
	b := &Bundle{Walk: newWalk(options, report, aRange), counts: map[string]uint64{}}
	lines, rest := content.lines()
	for at, line := range lines {
		index := uint64(at)
		if b.closed {
			fail("bundle_corrupt", "document", index)
		}
		if at == 0 {
			b.firstLine(line)
		} else {
			b.line(line, index, content.data[:b.bytes])
		}
		b.bytes += uint64(len(line)) + 1
	}
	end := uint64(len(lines))
	switch {
	case content.damage != "":
		fail(content.damage, "document", end)
	case b.closed && len(rest) > 0:
		fail("bundle_corrupt", "document", end)
	case !b.closed:
		fail("truncated", "document", end)
	}
	if b.unsigned {
		b.unchecked("bundle_unsigned")
	}
	if b.kind == selection {
		b.unchecked("completeness")
		b.unchecked("chain")
	}
	b.end()
}

// firstLine is F2 and F3.
func (b *Bundle) firstLine(line []byte) {
	var log Hash
	reading(func() { fail("bundle_corrupt", "document", 0) }, func() {
		value := spelt(line)
		object, is := value.(*Object)
		demand(is)
		supported(object.Values["sealbook"])
		said, is := members(value, "sealbook")["sealbook"].(*Object)
		demand(is)
		names := []string{"contents", "format", "genesis", "log"}
		switch said.Values["contents"] {
		case "range":
			names = append(names, "first_seq", "last_seq")
		case "selection":
			b.kind = selection
		default:
			wrong()
		}
		b.version = number(said.Values["format"])
		demand(b.version == 1 || b.version == 2)
		if b.version == 2 {
			names = append(names, "uses")
			uses, is := said.Values["uses"].([]Value)
			demand(is && len(uses) == 0)
		}
		it := members(said, names...)
		genesis := hash(it["genesis"])
		log, b.genesis = hash(it["log"]), &genesis
		if b.kind == aRange {
			b.first, b.last = number(it["first_seq"]), number(it["last_seq"])
		}
	})
	b.trusts(log)
}

func begins(line []byte, name string) bool { return bytes.HasPrefix(line, []byte(`{"`+name+`":`)) }

// line is any but the first.
func (b *Bundle) line(line []byte, index uint64, before []byte) {
	corrupt := func() { fail("bundle_corrupt", "document", index) }
	if len(line) > lineMost {
		corrupt()
	}
	if begins(line, "bundle") {
		b.close(line, index, before)
		return
	}
	if b.opened {
		corrupt()
	}
	for _, name := range []string{"document", "entry", "epoch"} {
		if begins(line, name) {
			b.counts[name]++
		}
	}
	switch {
	case b.version == 2 && begins(line, "opening"):
		b.opened = true
		b.takeOpening(b.beside(line, "opening", index), index)
	case begins(line, "document"):
		b.takeDocument(b.beside(line, "document", index), index)
	case begins(line, "entry"):
		b.entryLine(line)
	case begins(line, "epoch"):
		var header *Header
		reading(corrupt, func() { header = readHeader(spelt(line)) })
		b.takeHeader(header)
	case begins(line, "head"):
		var head *Head
		reading(corrupt, func() { head = readHead(spelt(line)) })
		b.takeHead(head)
	case begins(line, "before"), begins(line, "after"):
		name := "after"
		if begins(line, "before") {
			name = "before"
		}
		var given []Hash
		reading(corrupt, func() { given = hashes(members(spelt(line), name)[name]) })
		b.subtrees(name, given)
	default:
		corrupt()
	}
}

func (b *Bundle) beside(line []byte, name string, index uint64) (entry *Entry) {
	reading(func() { fail("schema_violation", "document", index) }, func() {
		entry = readEntry(members(spelt(line), name)[name], false, true)
	})
	return entry
}

func (b *Bundle) entryLine(line []byte) {
	var entry *Entry
	var path []Hash
	hasPath := false
	reading(func() { fail("schema_violation", "entry", b.report.Entries) }, func() {
		value := spelt(line)
		if _, hasPath = value.(*Object).Values["path"]; hasPath {
			it := members(value, "entry", "path")
			entry, path = readEntry(it["entry"], true, true), hashes(it["path"])
		} else {
			entry = readEntry(members(value, "entry")["entry"], true, true)
		}
	})
	b.entry(entry, path, hasPath)
}

// subtrees is B2 and B3.
func (b *Bundle) subtrees(name string, given []Hash) {
	holdsIn("bundle_corrupt", b.kind == aRange && b.open)
	at, end := leavesOf(b.tree), b.header.size
	if name == "before" {
		begun := at > 0
		at, end = 0, 0
		if next := b.next(); next > b.header.first {
			end = next - b.header.first
		}
		if begun {
			end = 0
		}
	}
	needed := subtreeLevels(at, end)
	if len(given) == 0 || len(given) != len(needed) || end > b.header.size {
		fail("bundle_corrupt", "epoch", b.header.epoch)
	}
	for at, level := range needed {
		b.tree = push(b.tree, subtree{level, given[at]})
	}
}

// close is Z1 to Z5.
func (b *Bundle) close(line []byte, index uint64, before []byte) {
	b.closed = true
	here := check("document", index)
	here("bundle_corrupt", b.version == 1 || b.opened)
	var said map[string]Value
	var statement *Statement
	right := true
	reading(func() { here("bundle_corrupt", false) }, func() {
		value := spelt(line)
		if _, is := value.(*Object).Values["signature"]; is {
			statement = readStatement(value, "bundle")
			said = statement.content.Values
		} else {
			bare, is := members(value, "bundle")["bundle"].(*Object)
			demand(is)
			said = bare.Values
		}
		names := []string{"bytes", "documents", "entries", "epochs", "format", "genesis", "hash", "log"}
		format := number(said["format"])
		demand(format == 1 || format == 2)
		if format == 2 {
			names = append(names, "filter")
			_, is := said["filter"].(*Object)
			demand(is || said["filter"] == nil)
		}
		content := value.(*Object).Values["bundle"]
		members(content, names...)
		for name, counted := range map[string]uint64{"bytes": b.bytes, "documents": b.counts["document"], "entries": b.counts["entry"], "epochs": b.counts["epoch"], "format": b.version} {
			said := number(said[name])
			right = right && said == counted
		}
		right = hash(said["hash"]) == H(before) && right
		right = hash(said["log"]) == b.log && right
		right = hash(said["genesis"]) == *b.genesis && right
	})
	here("bundle_corrupt", right)
	if statement != nil {
		here("signature_invalid", statement.byItsLog())
		b.filter = said["filter"]
		return
	}
	here("bundle_unsigned", b.AllowUnsigned)
	b.unsigned = true
}

// readProof is 7.
func readProof(content *Content, options *Options, report *Report) {
	w := newWalk(options, report, proof)
	var entry, opening *Entry
	var header *Header
	var path []Hash
	reading(func() { failFile("proof_invalid") }, func() {
		demand(content.damage == "" && len(content.data) <= lineMost)
		value, err := parseJSON(content.data)
		demand(err == nil)
		supported(value)
		demand(bytes.Equal(append(canonical(value), '\n'), content.data))
		object, is := value.(*Object)
		demand(is)
		names := []string{"entry", "epoch", "path"}
		if _, second := object.Values["format"]; second {
			names = append(names, "format", "opening", "uses")
			uses, is := object.Values["uses"].([]Value)
			demand(is && len(uses) == 0 && number(object.Values["format"]) == 2)
		}
		it := members(value, names...)
		entry, header, path = readEntry(it["entry"], true, true), readHeader(it["epoch"]), hashes(it["path"])
		if len(names) > 3 {
			opening = readEntry(it["opening"], false, true)
		}
	})
	w.genesis = &header.genesis
	w.trusts(header.log)
	w.unchecked("chain")
	if opening != nil {
		w.takeOpening(opening, 0)
	}
	w.takeHeader(header)
	w.entry(entry, path, true)
	w.end()
}
