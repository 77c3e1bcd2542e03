package main

// Members of objects (2.2), times (2.3), hashes, keys and signatures (2.4), trees (2.5).

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"math/bits"
	"regexp"
	"strings"
	"time"

	"filippo.io/edwards25519"
	"golang.org/x/crypto/blake2b"
)

// Fault is what is wrong, and where. It is thrown, since the first decides.
type Fault struct {
	Code  string  `json:"code"`
	At    string  `json:"at"`
	Index *uint64 `json:"index"`
}

// NoVerdict ends a verification without one.
type NoVerdict struct{ code string }

// unreadable is thrown by readers of members.
type unreadable struct{}

func fail(code, at string, index uint64) { panic(Fault{code, at, &index}) }

func failFile(code string) { panic(Fault{code, "file", nil}) }

// reading turns what cannot be read inside into this fault.
func reading(fault func(), read func()) {
	defer func() {
		if problem := recover(); problem != nil {
			if _, is := problem.(unreadable); !is {
				panic(problem)
			}
			fault()
		}
	}()
	read()
}

func wrong() { panic(unreadable{}) }

func demand(holds bool) {
	if !holds {
		wrong()
	}
}

// members are those of an object that has these and no others.
func members(value Value, names ...string) map[string]Value {
	object, is := value.(*Object)
	demand(is && len(object.Names) == len(names))
	for _, name := range names {
		_, has := object.Values[name]
		demand(has)
	}
	return object.Values
}

func text(value Value) string {
	it, is := value.(string)
	demand(is)
	return it
}

func number(value Value) uint64 {
	it, is := value.(Int)
	demand(is)
	n, fits := asNumber(it)
	demand(fits)
	return n
}

func hexOf(value Value, size int) []byte {
	it := text(value)
	demand(len(it) == 2*size && strings.Trim(it, "0123456789abcdef") == "")
	data, err := hex.DecodeString(it)
	demand(err == nil)
	return data
}

// Hash is 32 bytes; a key is, too.
type Hash [32]byte

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

var zero Hash

func hash(value Value) Hash { return Hash(hexOf(value, 32)) }

func hashes(value Value) []Hash {
	items, is := value.([]Value)
	demand(is)
	all := []Hash{}
	for _, item := range items {
		all = append(all, hash(item))
	}
	return all
}

// H is BLAKE2b-256 of the parts together.
func H(parts ...[]byte) Hash {
	state, _ := blake2b.New256(nil)
	for _, part := range parts {
		state.Write(part)
	}
	return Hash(state.Sum(nil))
}

var (
	timeShape = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:(\.\d{1,6})0*)?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)?$`)
	firstYear = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	lastYear  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
)

// anyTime reads every spelling that a logbook may have.
func anyTime(value Value) time.Time {
	part := timeShape.FindStringSubmatch(text(value))
	demand(part != nil && !strings.HasPrefix(part[1], "0000"))
	zone := strings.ToUpper(part[4])
	if zone == "" {
		zone = "Z"
	}
	moment, err := time.Parse(time.RFC3339, part[1]+"T"+part[2]+part[3]+zone)
	demand(err == nil && !moment.Before(firstYear) && moment.Before(lastYear))
	return moment.UTC()
}

func isoformat(moment time.Time) string {
	spelt := moment.Format("2006-01-02T15:04:05")
	if micros := moment.Nanosecond() / 1000; micros != 0 {
		spelt += fmt.Sprintf(".%06d", micros)
	}
	return spelt + "+00:00"
}

func onlyTime(value Value) time.Time {
	moment := anyTime(value)
	demand(isoformat(moment) == value)
	return moment
}

// point decodes strictly: one encoding a point, and none of small order.
func point(encoded []byte) *edwards25519.Point {
	it, err := new(edwards25519.Point).SetBytes(encoded)
	if err != nil || !bytes.Equal(it.Bytes(), encoded) {
		return nil
	}
	if new(edwards25519.Point).MultByCofactor(it).Equal(edwards25519.NewIdentityPoint()) == 1 {
		return nil
	}
	return it
}

// signed says whether the signature holds, strictly.
func signed(key Hash, message, signature []byte) bool {
	a, r := point(key[:]), point(signature[:32])
	s, err := edwards25519.NewScalar().SetCanonicalBytes(signature[32:])
	if a == nil || r == nil || err != nil {
		return false
	}
	digest := sha512.New()
	digest.Write(signature[:32])
	digest.Write(key[:])
	digest.Write(message)
	k, _ := edwards25519.NewScalar().SetUniformBytes(digest.Sum(nil))
	minus := new(edwards25519.Point).Negate(a)
	is := new(edwards25519.Point).VarTimeDoubleScalarBaseMult(k, minus, s)
	return bytes.Equal(is.Bytes(), signature[:32])
}

func node(left, right Hash) Hash { return H([]byte{1}, left[:], right[:]) }

// subtree is the root of 2^level leaves.
type subtree struct {
	level int
	root  Hash
}

// subtreeLevels are those of the complete subtrees of [at, end).
func subtreeLevels(at, end uint64) []int {
	found := []int{}
	for at < end {
		level := bits.Len64(end-at) - 1
		if at != 0 {
			level = min(level, bits.TrailingZeros64(at))
		}
		found = append(found, level)
		at += 1 << level
	}
	return found
}

func leavesOf(tree []subtree) uint64 {
	total := uint64(0)
	for _, one := range tree {
		total += 1 << one.level
	}
	return total
}

// push adds a subtree at the right and joins what is whole.
func push(tree []subtree, one subtree) []subtree {
	for len(tree) > 0 && tree[len(tree)-1].level == one.level {
		one = subtree{one.level + 1, node(tree[len(tree)-1].root, one.root)}
		tree = tree[:len(tree)-1]
	}
	return append(tree, one)
}

func rootOf(tree []subtree) Hash {
	if len(tree) == 0 {
		return zero
	}
	root := tree[len(tree)-1].root
	for at := len(tree) - 2; at >= 0; at-- {
		root = node(tree[at].root, root)
	}
	return root
}

// climb follows a path to the root, if it is as long as it must be.
func climb(leaf Hash, index, size uint64, path []Hash) (Hash, bool) {
	sides := []bool{}
	for at, n := index, size; n > 1; at, n = at/2, n/2+n%2 {
		if at%2 == 1 || at+1 < n {
			sides = append(sides, at%2 == 1)
		}
	}
	if len(sides) != len(path) {
		return zero, false
	}
	for at, left := range sides {
		if left {
			leaf = node(path[at], leaf)
		} else {
			leaf = node(leaf, path[at])
		}
	}
	return leaf, true
}
