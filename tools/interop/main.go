// Interop reads a log of sealbook with the clients that others use, and has it
// witnessed by the witnesses that others run: nothing here knows more of sealbook
// than its commands and the files that it publishes.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

// A scene is one thing that must hold between sealbook and the others.
type scene struct {
	name string
	play func(*place) error
}

func scenes() []scene {
	return []scene{
		{"every client reads every entry, and goes on reading as the log grows", everyClientReads},
		{"a thousand random sizes of a large log have the same proofs and roots", randomSizes},
		{"one changed byte of any published file is refused by each client", everyByteCounts},
		{"a quorum of real witnesses cosigns, with one of them killed and one lying", aQuorumCosigns},
		{"what a witness answers is judged, whatever it is", answersAreJudged},
		{"a witness that knows the log by its ML-DSA key alone cosigns", aSecondKeyIsTaken},
		{"a witness that signs by ML-DSA is the quorum, and what it signed protects the log", anotherAlgorithmCosigns},
		{"a forked log gets no quorum, and two of its notes convict", aForkGetsNoQuorum},
		{"a monitor follows the log, and keeps the evidence of a fork", aMonitorFollows},
	}
}

func main() {
	sealbook := flag.String("sealbook", "sealbook", "the program")
	fsck := flag.String("fsck", "fsck", "tessera's fsck")
	litewitness := flag.String("litewitness", "litewitness", "torchwood's witness")
	omniwitness := flag.String("omniwitness", "omniwitness", "transparency.dev's witness")
	keys := flag.String("omniwitness-keys", "generate_keys", "what makes its keys")
	entries := flag.Int("entries", 70000, "entries of the large log")
	only := flag.String("only", "", "the one scene to play, by a part of its name")
	flag.Parse()
	failed := 0
	for _, scene := range scenes() {
		if !contains(scene.name, *only) {
			continue
		}
		started := time.Now()
		err := inPlace(programs{*sealbook, *fsck, *litewitness, *omniwitness, *keys}, *entries, scene.play)
		if err != nil {
			failed++
			fmt.Printf("FAIL  %s: %v\n", scene.name, err)
			continue
		}
		fmt.Printf("ok    %s (%.1f s)\n", scene.name, time.Since(started).Seconds())
	}
	if failed > 0 {
		os.Exit(1)
	}
}
