// Tessera's POSIX driver, measured as tools/bench-peers/run measures all peers.
//
//	tessera one|many|bulk FOLDER ENTRIES SECONDS   append; ENTRIES is JSON Lines
//	tessera audit|cold|warm|open FOLDER            of what bulk left there
//	tessera serve FOLDER PORT                      POST /add
//
// Each prints `case TAB value`. An Add is answered when its bundle, its tiles and the
// state of the tree are on the disk; the signed checkpoint follows.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// keys are made once a folder, beside the log.
func keys(folder string) (note.Signer, note.Verifier) {
	path := filepath.Clean(folder) + ".key"
	if _, err := os.Stat(path); err != nil {
		private, public, err := note.GenerateKey(rand.Reader, "bench")
		check(err)
		check(os.WriteFile(path, []byte(private+"\n"+public), 0o600))
	}
	private, public, _ := bytes.Cut(must(os.ReadFile(path)), []byte("\n"))
	return must(note.NewSigner(string(private))), must(note.NewVerifier(string(public)))
}

// open begins to append in batches of at most size, none older than age.
func open(folder string, size uint, age time.Duration) (*tessera.Appender, func()) {
	ctx := context.Background()
	signer, _ := keys(folder)
	driver := must(posix.New(ctx, posix.Config{Path: folder}))
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCheckpointInterval(100*time.Millisecond).
		WithBatching(size, age).
		WithPushback(1 << 20)
	appender, shutdown, _, err := tessera.NewAppender(ctx, driver, options)
	check(err)
	return appender, func() { check(shutdown(ctx)) }
}

func add(appender *tessera.Appender, entry []byte) {
	must(appender.Add(context.Background(), tessera.NewEntry(entry))())
}

func lines(path string) (entries [][]byte) {
	file := must(os.Open(path))
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		entries = append(entries, bytes.Clone(scanner.Bytes()))
	}
	check(scanner.Err())
	return entries
}

func say(name string, value float64) { fmt.Printf("%s\t%g\n", name, value) }

// callers append one entry at a time each, for so many seconds.
func callers(name, folder, path string, seconds float64, count int) {
	entries := lines(path)
	// One caller waits for nobody: a batch of one goes at once.
	appender, shutdown := open(folder, uint(count), time.Millisecond)
	var next atomic.Int64
	var group sync.WaitGroup
	begun := time.Now()
	for range count {
		group.Go(func() {
			for time.Since(begun).Seconds() < seconds {
				add(appender, entries[int(next.Add(1))%len(entries)])
			}
		})
	}
	group.Wait()
	say(name, float64(next.Load())/time.Since(begun).Seconds())
	say("appended", float64(next.Load()))
	shutdown()
}

func bulk(folder, path string) {
	entries := lines(path)
	appender, shutdown := open(folder, 4096, 100*time.Millisecond)
	begun := time.Now()
	futures := make([]tessera.IndexFuture, len(entries))
	for at, entry := range entries {
		futures[at] = appender.Add(context.Background(), tessera.NewEntry(entry))
	}
	for _, future := range futures {
		must(future())
	}
	say("bulk", float64(len(entries))/time.Since(begun).Seconds())
	say("appended", float64(len(entries)))
	shutdown()
}

func hashes(bundle []byte) ([][]byte, error) {
	var entries api.EntryBundle
	if err := entries.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	leaves := make([][]byte, len(entries.Entries))
	for at, entry := range entries.Entries {
		leaves[at] = rfc6962.DefaultHasher.HashLeaf(entry)
	}
	return leaves, nil
}

func size(folder string) uint64 {
	_, verifier := keys(folder)
	files := client.FileFetcher{Root: folder}
	checkpoint, _, _, err := client.FetchCheckpoint(context.Background(), files.ReadCheckpoint, verifier, "bench")
	check(err)
	return checkpoint.Size
}

// proofs of places that lie far apart; each by a builder of its own, if that is asked.
func proofs(folder string, count uint64, fresh bool) float64 {
	ctx, all := context.Background(), size(folder)
	files := client.FileFetcher{Root: folder}
	builder := must(client.NewProofBuilder(ctx, all, files.ReadTile))
	prove := func() {
		for n := range count {
			if fresh {
				size(folder)
				builder = must(client.NewProofBuilder(ctx, all, files.ReadTile))
			}
			must(builder.InclusionProof(ctx, (1+n*7919)%all))
		}
	}
	if !fresh {
		prove()
	}
	begun := time.Now()
	prove()
	return time.Since(begun).Seconds() / float64(count)
}

func serve(folder, port string) {
	appender, _ := open(folder, 64, time.Millisecond)
	http.HandleFunc("POST /add", func(answer http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			http.Error(answer, err.Error(), http.StatusBadRequest)
			return
		}
		index, err := appender.Add(request.Context(), tessera.NewEntry(body))()
		if err != nil {
			http.Error(answer, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(answer, "%d", index.Index)
	})
	check(http.ListenAndServe("127.0.0.1:"+port, nil))
}

func main() {
	args := os.Args[1:]
	if len(args) < 2 {
		check(fmt.Errorf("usage: tessera CASE FOLDER [ENTRIES SECONDS | PORT]"))
	}
	folder := args[1]
	seconds := func() float64 { return must(strconv.ParseFloat(args[3], 64)) }
	switch args[0] {
	case "one":
		callers("one", folder, args[2], seconds(), 1)
	case "many":
		callers("many", folder, args[2], seconds(), 64)
	case "bulk":
		bulk(folder, args[2])
	case "audit":
		_, verifier := keys(folder)
		entries, begun := size(folder), time.Now()
		options := fsck.Opts{N: uint(runtime.NumCPU())}
		files := client.FileFetcher{Root: folder}
		check(fsck.New("bench", verifier, files, hashes, options).Check(context.Background()))
		say("audit", float64(entries)/time.Since(begun).Seconds())
	case "cold":
		say("cold", proofs(folder, 1, true)*1e3)
	case "warm":
		say("warm", proofs(folder, 500, false)*1e6)
	case "open":
		begun := time.Now()
		_, shutdown := open(folder, 1, time.Millisecond)
		say("open", time.Since(begun).Seconds()*1e3)
		shutdown()
	case "serve":
		serve(folder, args[2])
	default:
		check(fmt.Errorf("no case %s", args[0]))
	}
}
