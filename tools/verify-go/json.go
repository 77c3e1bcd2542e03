package main

// JSON by the document's 2.1: read strictly, written canonically.

import (
	"errors"
	"math"
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

type reader struct {
	text string
	at   int
}

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
	if !utf8.Valid(line) {
		return nil, errJSON
	}
	r := &reader{text: string(line)}
	r.space()
	value = r.value(1)
	r.space()
	if r.at != len(r.text) {
		panic(errJSON)
	}
	return value, nil
}

func (r *reader) peek() byte {
	if r.at >= len(r.text) {
		panic(errJSON)
	}
	return r.text[r.at]
}

func (r *reader) space() {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
}

func (r *reader) eat(char byte) bool {
	if r.at < len(r.text) && r.text[r.at] == char {
		r.at++
		return true
	}
	return false
}

func (r *reader) must(text string) {
	if !strings.HasPrefix(r.text[r.at:], text) {
		panic(errJSON)
	}
	r.at += len(text)
}

func (r *reader) value(level int) Value {
	if level > deepest {
		panic(errJSON)
	}
	switch char := r.peek(); {
	case char == '{':
		return r.object(level)
	case char == '[':
		return r.list(level)
	case char == '"':
		return r.str()
	case char == 't':
		r.must("true")
		return true
	case char == 'f':
		r.must("false")
		return false
	case char == 'n':
		r.must("null")
		return nil
	default:
		return r.number()
	}
}

func (r *reader) list(level int) Value {
	r.must("[")
	r.space()
	items := []Value{}
	if r.eat(']') {
		return items
	}
	for {
		r.space()
		items = append(items, r.value(level+1))
		r.space()
		if r.eat(']') {
			return items
		}
		r.must(",")
	}
}

func (r *reader) object(level int) Value {
	r.must("{")
	r.space()
	object := &Object{Values: map[string]Value{}}
	if r.eat('}') {
		return object
	}
	for {
		r.space()
		name := r.str()
		if _, twice := object.Values[name]; twice {
			panic(errJSON)
		}
		r.space()
		r.must(":")
		r.space()
		object.Values[name] = r.value(level + 1)
		object.Names = append(object.Names, name)
		r.space()
		if r.eat('}') {
			sort.Strings(object.Names)
			return object
		}
		r.must(",")
	}
}

func (r *reader) str() string {
	r.must("\"")
	var out strings.Builder
	for {
		char := r.peek()
		switch {
		case char == '"':
			r.at++
			return out.String()
		case char < 0x20:
			panic(errJSON)
		case char != '\\':
			out.WriteByte(char)
			r.at++
		default:
			r.at++
			out.WriteString(r.escape())
		}
	}
}

func (r *reader) escape() string {
	char := r.peek()
	r.at++
	if at := strings.IndexByte(`"\/bfnrt`, char); at >= 0 {
		return "\"\\/\b\f\n\r\t"[at : at+1]
	}
	if char != 'u' {
		panic(errJSON)
	}
	first := r.unit()
	switch {
	case first >= 0xdc00 && first < 0xe000:
		panic(errJSON)
	case first >= 0xd800 && first < 0xdc00:
		r.must(`\u`)
		second := r.unit()
		if second < 0xdc00 || second >= 0xe000 {
			panic(errJSON)
		}
		return string(rune(0x10000 + (first-0xd800)<<10 + second - 0xdc00))
	}
	return string(rune(first))
}

func (r *reader) unit() int {
	if r.at+4 > len(r.text) {
		panic(errJSON)
	}
	unit := 0
	for _, char := range []byte(r.text[r.at : r.at+4]) {
		digit := strings.IndexByte("0123456789abcdef", char|0x20)
		if digit < 0 || char < '0' {
			panic(errJSON)
		}
		unit = unit<<4 | digit
	}
	r.at += 4
	return unit
}

func (r *reader) digits() int {
	from := r.at
	for r.at < len(r.text) && r.text[r.at] >= '0' && r.text[r.at] <= '9' {
		r.at++
	}
	if r.at == from {
		panic(errJSON)
	}
	return r.at - from
}

func (r *reader) number() Value {
	from := r.at
	r.eat('-')
	if !r.eat('0') {
		r.digits()
	}
	whole := r.text[from:r.at]
	double := false
	if r.eat('.') {
		double = true
		r.digits()
	}
	if r.at < len(r.text) && (r.text[r.at] == 'e' || r.text[r.at] == 'E') {
		double = true
		r.at++
		if !r.eat('+') {
			r.eat('-')
		}
		r.digits()
	}
	if double {
		value, _ := strconv.ParseFloat(r.text[from:r.at], 64)
		if math.IsInf(value, 0) {
			panic(errJSON)
		}
		return value
	}
	if len(strings.TrimPrefix(whole, "-")) > digitsMost {
		panic(errJSON)
	}
	if whole == "-0" {
		whole = "0"
	}
	return Int(whole)
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
