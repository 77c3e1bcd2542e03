package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A reader reads a whole log at a URL under its verifier key, and says what is
// wrong with it.
type reader struct {
	name string
	read func(url, vkey string) error
}

func readers(fsck string) []reader {
	return []reader{
		{"x/mod sumdb", func(url, vkey string) error { return readWithMod(url, vkey, 20) }},
		{"torchwood", readWithTorchwood},
		{"tessera fsck", func(url, vkey string) error { return readWithFsck(fsck, url, vkey) }},
	}
}

// open fetches the checkpoint and opens it with x/mod's note package.
func open(url, vkey string) (torchwood.Checkpoint, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return torchwood.Checkpoint{}, err
	}
	text, err := get(url + "/checkpoint")
	if err != nil {
		return torchwood.Checkpoint{}, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return torchwood.Checkpoint{}, err
	}
	checkpoint, err := torchwood.ParseCheckpoint(opened.Text)
	if err != nil {
		return torchwood.Checkpoint{}, err
	}
	if checkpoint.Origin != verifier.Name() {
		return torchwood.Checkpoint{}, fmt.Errorf("the checkpoint's origin is %q", checkpoint.Origin)
	}
	return checkpoint, nil
}

func get(url string) ([]byte, error) {
	response, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	return io.ReadAll(response.Body)
}

// tiles gives x/mod's tree code the tiles of a log, by the paths of tlog-tiles.
type tiles struct{ url string }

func (t tiles) Height() int { return torchwood.TileHeight }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for i, tile := range wanted {
		data, err := get(t.url + "/" + torchwood.TilePath(tile))
		if err != nil {
			return nil, err
		}
		found[i] = data
	}
	return found, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// readWithMod authenticates every entry by x/mod's tile reader, compares the
// tree that it builds of the entries itself with the published one, and proves
// inclusion and consistency at so many random sizes.
func readWithMod(url, vkey string, sizes int) error {
	checkpoint, err := open(url, vkey)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(checkpoint.Tree, tiles{url})
	var own memory
	for start := int64(0); start < checkpoint.N; start += torchwood.TileWidth {
		width := min(torchwood.TileWidth, checkpoint.N-start)
		tile := tlog.Tile{H: torchwood.TileHeight, L: -1, N: start / torchwood.TileWidth, W: int(width)}
		bundle, err := get(url + "/" + torchwood.TilePath(tile))
		if err != nil {
			return err
		}
		indexes := make([]int64, width)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, start+int64(i))
		}
		leaves, err := hashes.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i := range width {
			var entry []byte
			if entry, bundle, err = torchwood.ReadTileEntry(bundle); err != nil {
				return fmt.Errorf("entry %d: %w", start+i, err)
			}
			if leaves[i] != tlog.RecordHash(entry) {
				return fmt.Errorf("entry %d is not that of the tree", start+i)
			}
			stored, err := tlog.StoredHashes(start+i, entry, &own)
			if err != nil {
				return err
			}
			own = append(own, stored...)
		}
		if len(bundle) != 0 {
			return fmt.Errorf("%d bytes after the last entry of bundle %d", len(bundle), tile.N)
		}
	}
	root, err := tlog.TreeHash(checkpoint.N, &own)
	if err != nil {
		return err
	}
	if root != checkpoint.Hash {
		return errors.New("the entries make another root than the checkpoint's")
	}
	if err := readEveryTile(url, checkpoint.N, &own); err != nil {
		return err
	}
	for range sizes {
		size := 1 + below(checkpoint.N)
		if err := proveAt(checkpoint, size, below(size), hashes, &own); err != nil {
			return fmt.Errorf("size %d: %w", size, err)
		}
	}
	return nil
}

// readEveryTile compares each tile of the published tree with the tree of the
// entries: what no proof needs could be wrong unseen.
func readEveryTile(url string, size int64, own *memory) error {
	for _, tile := range tlog.NewTiles(torchwood.TileHeight, 0, size) {
		want, err := tlog.ReadTileData(tile, own)
		if err != nil {
			return err
		}
		got, err := get(url + "/" + torchwood.TilePath(tile))
		if err != nil {
			return err
		}
		if !bytes.Equal(want, got) {
			return fmt.Errorf("%s is not the tile of the entries", torchwood.TilePath(tile))
		}
	}
	return nil
}

// proveAt proves from the published tiles that the log of size is a beginning of
// the checkpoint's and holds the entry at index; own has the tree of the entries.
func proveAt(checkpoint torchwood.Checkpoint, size, index int64, published tlog.HashReader, own *memory) error {
	root, err := tlog.TreeHash(size, own)
	if err != nil {
		return err
	}
	consistent, err := tlog.ProveTree(checkpoint.N, size, published)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(consistent, checkpoint.N, checkpoint.Hash, size, root); err != nil {
		return err
	}
	leaf, err := own.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
	if err != nil {
		return err
	}
	held, err := tlog.ProveRecord(checkpoint.N, index, published)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(held, checkpoint.N, checkpoint.Hash, index, leaf[0])
}

// readWithTorchwood iterates over every entry with torchwood's client, then
// fetches some by their index.
func readWithTorchwood(url, vkey string) error {
	checkpoint, err := open(url, vkey)
	if err != nil {
		return err
	}
	fetcher, err := torchwood.NewTileFetcher(url, torchwood.WithConcurrencyLimit(8))
	if err != nil {
		return err
	}
	client, err := torchwood.NewClient(fetcher)
	if err != nil {
		return err
	}
	ctx := context.Background()
	count := int64(0)
	// The first round may leave out the last bundle, which is not full.
	for range 2 {
		for index, entry := range client.Entries(ctx, checkpoint.Tree, count) {
			if index != count || len(entry) != 32 {
				return fmt.Errorf("entry %d has index %d and %d bytes", count, index, len(entry))
			}
			count++
		}
		if err := client.Err(); err != nil {
			return err
		}
	}
	if count != checkpoint.N {
		return fmt.Errorf("%d entries of %d", count, checkpoint.N)
	}
	for range 20 {
		if _, _, err := client.Entry(ctx, checkpoint.Tree, below(checkpoint.N)); err != nil {
			return err
		}
	}
	return nil
}

// readWithFsck runs tessera's fsck. It ends with 0 whatever it finds: what it
// says is its answer.
func readWithFsck(program, url, vkey string) error {
	folder, err := os.MkdirTemp("", "fsck")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	key := filepath.Join(folder, "vkey")
	if err := os.WriteFile(key, []byte(vkey), 0o600); err != nil {
		return err
	}
	command := exec.Command(program, "--ui=false", "--logtostderr", "-v=1", "--N=4",
		"--storage_url="+url+"/", "--public_key="+key)
	said, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	if !strings.Contains(string(said), "Completed ranges") || strings.Contains(string(said), "fsck failed") {
		return fmt.Errorf("%s", said)
	}
	return nil
}

// memory holds the hashes of a tree as x/mod stores them.
type memory []tlog.Hash

func (m *memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(*m)) {
			return nil, fmt.Errorf("no hash %d", index)
		}
		found[i] = (*m)[index]
	}
	return found, nil
}

func below(n int64) int64 {
	number, err := rand.Int(rand.Reader, big.NewInt(n))
	if err != nil {
		panic(err)
	}
	return number.Int64()
}
