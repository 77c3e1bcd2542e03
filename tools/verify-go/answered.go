package main

// What a selection says that it answers (S8), and the terms of an entry (13.1, I.3).

import "time"

// Attestations that wait for a decision at once, at most; kinds that are asked for.
const waitingMost, kindsMost = 10_000, 1_000

type fact struct{ field, value string }

type facts map[fact]bool

var namedBy = map[string]string{"tenant_id": "tenant", "correlation_id": "correlation", "decision_id": "decision",
	"selected_worker_species_id": "worker", "worker_species_id": "worker", "worker_id": "worker"}

var denies = map[string][2]string{"wcp.attestation": {"ok", "false"}, "hall.enrolment": {"enrolled", "false"},
	"manifest.verify": {"outcome", `"fail"`}, "vacant.card": {"verdict", `"fail"`}, "vacant.resident": {"verified", "false"}}

func word(yes bool) string {
	if yes {
		return "true"
	}
	return "false"
}

func (f facts) of(object *Object) {
	for name, field := range namedBy {
		if text, is := object.Values[name].(string); is {
			f[fact{field, text}] = true
		} else if tenant := object.Values[name]; name == "tenant_id" && tenant != nil {
			f[fact{"tenant_json", string(canonical(tenant))}] = true
		}
	}
	if denied, is := object.Values["denied"].(bool); is {
		f[fact{"denied", word(denied)}] = true
	}
}

func (e *Entry) facts() facts {
	found := facts{}
	found.of(e.payload)
	for _, name := range []string{"decision", "input", "body"} {
		if inner, is := e.payload.Values[name].(*Object); is {
			found.of(inner)
			if reason, is := inner.Values["deny_reason_if_denied"].(*Object); is {
				found.of(reason)
			}
		}
	}
	if rule, is := denies[e.kind]; is {
		if said := e.payload.Values[rule[0]]; said != nil {
			found[fact{"denied", word(string(canonical(said)) == rule[1])}] = true
		}
	}
	if receipt, is := e.payload.Values["receipt"].(*Object); is && e.kind == "wcp.decision" {
		if worker, is := receipt.Values["worker_id"].(string); is {
			found[fact{"worker", worker}] = true
		}
	}
	if digest, is := e.payload.Values["digest"].(string); is && e.isDocument() {
		found[fact{"document", digest}] = true
	}
	return found
}

// asked is what a filter asks for.
type asked struct {
	facts                       []fact
	kinds                       map[string]bool
	fromSeq, untilSeq, limit    *uint64
	since, until                *time.Time
	attestations, beside, case_ bool
}

func readAsked(filter *Object) (a asked) {
	for _, name := range filter.Names {
		value := filter.Values[name]
		switch name {
		case "correlation", "decision", "denied", "document", "tenant", "tenant_json", "worker":
			if value == nil {
				continue
			}
			if name == "denied" {
				denied, is := value.(bool)
				demand(is)
				a.facts = append(a.facts, fact{name, word(denied)})
			} else {
				a.facts = append(a.facts, fact{name, text(value)})
			}
		case "kinds", "from_seq", "until_seq", "limit", "since", "until", "attestations", "reverse":
			if value == nil {
				continue
			}
		default:
			wrong()
		}
		switch name {
		case "kinds":
			kinds, is := value.([]Value)
			demand(is && len(kinds) <= kindsMost)
			a.kinds = map[string]bool{}
			for _, kind := range kinds {
				a.kinds[text(kind)] = true
			}
		case "from_seq", "until_seq", "limit":
			n := number(value)
			*map[string]**uint64{"from_seq": &a.fromSeq, "until_seq": &a.untilSeq, "limit": &a.limit}[name] = &n
		case "since", "until":
			ts := onlyTime(value)
			*map[string]**time.Time{"since": &a.since, "until": &a.until}[name] = &ts
		case "attestations", "reverse":
			flag, is := value.(bool)
			demand(is)
			a.attestations = a.attestations || name == "attestations" && flag
		}
		a.case_ = a.case_ || name == "correlation"
		a.beside = a.beside || name != "correlation" && name != "attestations"
	}
	return a
}

func (a *asked) wants(entry *Entry, found facts) bool {
	for _, one := range a.facts {
		if !found[one] {
			return false
		}
	}
	return (len(a.kinds) == 0 || a.kinds[entry.kind]) &&
		(a.fromSeq == nil || entry.seq >= *a.fromSeq) && (a.untilSeq == nil || entry.seq <= *a.untilSeq) &&
		(a.since == nil || !entry.ts.Before(*a.since)) && (a.until == nil || !entry.ts.After(*a.until))
}

// waits is an attestation that no decision has named yet.
type waits struct {
	itself  bool
	workers map[string]bool
}

func (f facts) workers() map[string]bool {
	found := map[string]bool{}
	for one := range f {
		if one.field == "worker" {
			found[one.value] = true
		}
	}
	return found
}

// answered is S8.
func (w *Walk) answered() {
	filter, is := w.filter.(*Object)
	if !is {
		return
	}
	here := func(holds bool) { holdsIn("filter_mismatch", holds) }
	here(w.kind == selection)
	var a asked
	reading(func() { here(false) }, func() { a = readAsked(filter) })
	here(!a.attestations || a.case_ && !a.beside)
	here(a.limit == nil || uint64(len(w.all)) <= *a.limit)
	var waiting []waits
	for _, entry := range w.all {
		found := entry.facts()
		itself, workers := a.wants(entry, found), found.workers()
		if a.attestations && entry.kind == "wcp.attestation" && len(waiting) < waitingMost {
			waiting = append(waiting, waits{itself, workers})
			continue
		}
		here(itself)
		if entry.kind != "wcp.decision" {
			continue
		}
		left := waiting[:0]
		for _, one := range waiting {
			named := false
			for worker := range one.workers {
				named = named || workers[worker]
			}
			if !named {
				left = append(left, one)
			}
		}
		waiting = left
	}
	for _, one := range waiting {
		here(one.itself)
	}
}
