// A verifier of the log's files, written from the format document and the inputs of its
// suite.
//
//	verify-go [--key HEX]... [--as logbook|bundle|proof] [--contains FILE]...
//	          [--receipts FILE] [--revoked FILE]... [--expect-head HEX]
//	          [--correlation ID] [--tenant ID] [--worker ID] [--allow-unsigned]
//	          [--allow-revocation-not-applicable] [--ledger-rules] FILE
//	verify-go --profile     what it does
//	verify-go --lines       cases from standard input, a line each
//
// Prints a JSON report; exits with 0 for pass, 1 for fail, 2 without a verdict.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

var supports = []string{"logbook", "range", "selection", "proof", "zstd", "gzip", "u64", "as", "contains", "receipts", "revoked", "expect_head", "correlation", "tenant", "worker",
	"allow_unsigned", "allow_revocation_not_applicable", "ledger_rules"}

// Case is a line of the suite, without what it expects.
type Case struct {
	File    string         `json:"file"`
	Key     any            `json:"key"`
	Options map[string]any `json:"options"`
}

func main() {
	arguments := os.Args[1:]
	switch {
	case len(arguments) == 1 && arguments[0] == "--profile":
		print(map[string]any{"name": "verify-go", "supports": supports, "lines": true})
	case len(arguments) == 1 && arguments[0] == "--lines":
		answerLines()
	default:
		os.Exit(one(arguments))
	}
}

func print(value any) {
	text, _ := json.Marshal(value)
	fmt.Println(string(text))
}

func answerLines() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 256<<20)
	for lines.Scan() {
		var asked Case
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			print(map[string]any{"error": Coded{"usage"}})
			continue
		}
		data, _ := base64.StdEncoding.DecodeString(asked.File)
		options := map[string][][]byte{}
		for name, value := range asked.Options {
			switch text := value.(type) {
			case string:
				given := []byte(text)
				if isFile(name) {
					given, _ = base64.StdEncoding.DecodeString(text)
				}
				options[name] = append(options[name], given)
			default:
				options[name] = append(options[name], nil)
			}
		}
		switch key := asked.Key.(type) {
		case string:
			options["key"] = append(options["key"], []byte(key))
		case []any:
			for _, one := range key {
				options["key"] = append(options["key"], []byte(fmt.Sprint(one)))
			}
		}
		print(judge(data, "", options))
	}
}

// isFile says whether an option's value is a file.
func isFile(name string) bool { return name == "contains" || name == "receipts" || name == "revoked" }

func one(arguments []string) int {
	options, file := map[string][][]byte{}, ""
	for at := 0; at < len(arguments); at++ {
		name, is := strings.CutPrefix(arguments[at], "--")
		name = strings.ReplaceAll(name, "-", "_")
		switch {
		case !is:
			file = arguments[at]
		case name == "allow_unsigned" || name == "ledger_rules" || name == "allow_revocation_not_applicable":
			options[name] = append(options[name], nil)
		case at+1 < len(arguments):
			at++
			given := []byte(arguments[at])
			if isFile(name) {
				given = readFile(arguments[at])
			}
			options[name] = append(options[name], given)
		}
	}
	answer := judge(readFile(file), file, options)
	print(answer)
	if report, is := answer.(*Report); is {
		return len(report.Faults)
	}
	return 2
}

func readFile(path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return data
}

// judge gives the report, or an error where there is no verdict.
func judge(data []byte, name string, given map[string][][]byte) (answer any) {
	report := &Report{Verdict: "pass", Faults: []Fault{}, Warnings: []Coded{}, NotChecked: []string{}}
	defer func() {
		switch problem := recover().(type) {
		case nil:
		case Fault:
			report.Verdict, report.Faults = "fail", []Fault{problem}
			answer = report
		case NoVerdict:
			answer = map[string]any{"error": Coded{problem.code}}
		default:
			panic(problem)
		}
	}()
	options := optionsOf(given)
	if options.tornKept {
		report.Warnings = append(report.Warnings, Coded{"torn_last_line"})
	}
	as := options.As
	inside := strings.TrimSuffix(strings.TrimSuffix(name, ".zst"), ".gz")
	for _, ending := range []string{"bundle", "proof"} {
		if as == "" && strings.HasSuffix(inside, "."+ending) {
			as = ending
		}
	}
	says := ""
	if plain := open(data, false); plain.damage == "" || len(plain.data) > 0 {
		says = recognise(plain.data)
	}
	switch {
	case as != "" && says != "" && as != says:
		failFile("format_mismatch")
	case as == "" && says == "":
		panic(NoVerdict{"not_recognised"})
	case as == "":
		as = says
	}
	switch as {
	case "logbook":
		readLogbook(open(data, false), options, report)
	case "bundle":
		readBundle(open(data, true), options, report)
	case "proof":
		readProof(open(data, true), options, report)
	default:
		panic(NoVerdict{"not_recognised"})
	}
	return report
}

// recognise is N1 and N4.
func recognise(data []byte) string {
	data = bytes.TrimPrefix(data[:min(len(data), 1<<20)], byteOrderMark)
	if isBlank(data) {
		return "logbook"
	}
	lines := bytes.SplitN(data, []byte("\n"), 17)
	for _, line := range lines[:min(16, len(lines))] {
		value, err := parseJSON(line)
		object, is := value.(*Object)
		if err != nil || !is {
			continue
		}
		has := func(names ...string) bool {
			for _, name := range names {
				if _, is := object.Values[name]; !is {
					return false
				}
			}
			return true
		}
		switch {
		case has("entry", "epoch", "path"):
			return "proof"
		case has("sealbook"), has("bundle"), has("entry"), has("epoch", "signature"):
			return "bundle"
		case has("prev_hash", "signature"):
			return "logbook"
		}
	}
	return ""
}

func optionsOf(given map[string][][]byte) *Options {
	options := &Options{Asked: map[string]string{}}
	key := func(digits []byte) Hash {
		data, err := hex.DecodeString(string(digits))
		if err != nil || len(data) != 32 {
			panic(NoVerdict{"usage"})
		}
		return Hash(data)
	}
	for name, values := range given {
		for _, value := range values {
			switch name {
			case "key":
				options.Keys = append(options.Keys, key(value))
			case "as":
				options.As = string(value)
			case "expect_head":
				head := key(value)
				options.ExpectHead = &head
			case "correlation", "tenant", "worker":
				options.Asked[name] = string(value)
			case "allow_unsigned":
				options.AllowUnsigned = true
			case "allow_revocation_not_applicable":
				options.AllowUnapplied = true
			case "ledger_rules":
				options.LedgerRules = true
			case "contains":
				options.Contains = append(options.Contains, readKept(value, &options.tornKept)...)
			case "receipts":
				options.Receipts = readReceipts(value, &options.tornKept)
			case "revoked":
				options.Revocations = append(options.Revocations, readRevocation(value))
			}
		}
	}
	return options
}
