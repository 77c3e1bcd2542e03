package main

// JSON by the document's 2.1: read strictly, written canonically.

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Value is nil, bool, string, Int, float64, []Value or *Object.
type Value any

// Int is an integer of any size, as its digits.
type Int string

// Object has its members in the order of their names.
type Object struct {
	Names  []string
	Values map[string]Value
}

const digitsMost, levelsMost, deepest = 4300, 128, 160

var errJSON = errors.New("no JSON as it must be")

// parseJSON reads one value and nothing after it.
func parseJSON(line []byte) (value Value, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			if problem != errJSON {
				panic(problem)
			}
			err = errJSON
		}
	}()
	if !utf8.Valid(line) || !json.Valid(line) || !paired(line) {
		return nil, errJSON
	}
	r := json.NewDecoder(bytes.NewReader(line))
	r.UseNumber()
	return read(r, 1), nil
}

var escaped = regexp.MustCompile(`\\(?:u(....)|.)`)

// paired says whether every half of a character stands with its other half.
func paired(line []byte) bool {
	first, end := false, 0
	for _, at := range escaped.FindAllSubmatchIndex(line, -1) {
		unit := uint64(0)
		if at[2] >= 0 {
			unit, _ = strconv.ParseUint(string(line[at[2]:at[3]]), 16, 16)
		}
		second := unit >= 0xdc00 && unit < 0xe000
		if second != (first && at[0] == end) || first && !second {
			return false
		}
		first, end = unit >= 0xd800 && unit < 0xdc00, at[1]
	}
	return !first
}

// next is the next token of what is valid JSON.
func next(r *json.Decoder) json.Token {
	token, err := r.Token()
	if err != nil {
		panic(errJSON)
	}
	return token
}

func read(r *json.Decoder, level int) Value {
	if level > deepest {
		panic(errJSON)
	}
	switch token := next(r).(type) {
	case json.Number:
		return readNumber(string(token))
	case json.Delim:
		if token == '[' {
			items := []Value{}
			for r.More() {
				items = append(items, read(r, level+1))
			}
			next(r)
			return items
		}
		object := &Object{Values: map[string]Value{}}
		for r.More() {
			name := next(r).(string)
			if _, twice := object.Values[name]; twice {
				panic(errJSON)
			}
			object.Values[name] = read(r, level+1)
			object.Names = append(object.Names, name)
		}
		next(r)
		sort.Strings(object.Names)
		return object
	default:
		return token
	}
}

func readNumber(digits string) Value {
	if strings.ContainsAny(digits, ".eE") {
		value, _ := strconv.ParseFloat(digits, 64)
		if math.IsInf(value, 0) {
			panic(errJSON)
		}
		return value
	}
	if len(strings.TrimPrefix(digits, "-")) > digitsMost {
		panic(errJSON)
	}
	if digits == "-0" {
		digits = "0"
	}
	return Int(digits)
}

// canonical is the one spelling of a value.
func canonical(value Value) []byte {
	return appendValue(nil, value)
}

func appendValue(out []byte, value Value) []byte {
	switch value := value.(type) {
	case nil:
		return append(out, "null"...)
	case bool:
		return strconv.AppendBool(out, value)
	case Int:
		return append(out, value...)
	case float64:
		return append(out, double(value)...)
	case string:
		return appendString(out, value)
	case []Value:
		out = append(out, '[')
		for at, item := range value {
			if at > 0 {
				out = append(out, ',')
			}
			out = appendValue(out, item)
		}
		return append(out, ']')
	case *Object:
		out = append(out, '{')
		for at, name := range value.Names {
			if at > 0 {
				out = append(out, ',')
			}
			out = append(appendString(out, name), ':')
			out = appendValue(out, value.Values[name])
		}
		return append(out, '}')
	}
	panic("no value")
}

func appendString(out []byte, text string) []byte {
	const short = "\b\t\n\f\r\"\\"
	out = append(out, '"')
	for _, char := range []byte(text) {
		switch at := strings.IndexByte(short, char); {
		case at >= 0:
			out = append(out, '\\', "btnfr\"\\"[at])
		case char < 0x20:
			out = append(out, `\u00`...)
			out = append(out, "0123456789abcdef"[char>>4], "0123456789abcdef"[char&15])
		default:
			out = append(out, char)
		}
	}
	return append(out, '"')
}

// double writes the fewest digits that read back to the same.
func double(value float64) string {
	text := strconv.FormatFloat(value, 'e', -1, 64)
	exponent, _ := strconv.Atoi(text[strings.IndexByte(text, 'e')+1:])
	if value != 0 && (exponent < -4 || exponent > 15) {
		return text // Its exponent has a sign and at least two digits.
	}
	text = strconv.FormatFloat(value, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// levels counts arrays and objects within each other.
func levels(value Value) int {
	deepest := 0
	switch value := value.(type) {
	case []Value:
		for _, item := range value {
			deepest = max(deepest, levels(item))
		}
	case *Object:
		for _, item := range value.Values {
			deepest = max(deepest, levels(item))
		}
	default:
		return 0
	}
	return deepest + 1
}
