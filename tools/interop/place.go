package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// name is what every log here is called.
const name = "log.example/interop"

// The programs that a scene runs.
type programs struct{ sealbook, fsck, litewitness, omniwitness, omniwitnessKeys string }

// A place is a folder of its own with a ledger, what it publishes, a plain file
// server before that, and the others' programs.
type place struct {
	programs
	folder    string
	entries   int
	server    *httptest.Server
	witnesses []*witness
	// original is the ledger that this is a copy of. A copy is not written to while its
	// original is there, so that is put aside meanwhile.
	original string
}

func inPlace(programs programs, entries int, play func(*place) error) error {
	folder, err := os.MkdirTemp("", "interop")
	if err != nil {
		return err
	}
	p := &place{programs: programs, folder: folder, entries: entries}
	p.server = httptest.NewServer(http.FileServer(http.Dir(p.path("log"))))
	defer func() {
		p.server.Close()
		for _, witness := range p.witnesses {
			witness.stop()
		}
		os.RemoveAll(folder)
	}()
	if _, err := p.run("init"); err != nil {
		return err
	}
	return play(p)
}

func (p *place) path(name string) string { return filepath.Join(p.folder, name) }

// An ended is a run of sealbook that ended with another status than 0.
type ended struct {
	status         int
	stdout, stderr string
}

func (e *ended) Error() string {
	return fmt.Sprintf("status %d: %s%s", e.status, e.stdout, e.stderr)
}

// run runs sealbook on the ledger, and returns what it printed.
func (p *place) run(arguments ...string) (string, error) { return p.feed("", arguments...) }

func (p *place) feed(input string, arguments ...string) (string, error) {
	if p.original != "" {
		if err := os.Rename(p.original, p.original+".aside"); err != nil {
			return "", err
		}
		defer os.Rename(p.original+".aside", p.original)
	}
	command := exec.Command(p.sealbook, arguments...)
	command.Dir = p.folder
	command.Stdin = strings.NewReader(input)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return stdout.String(), &ended{exit.ExitCode(), stdout.String(), stderr.String()}
	}
	return stdout.String(), err
}

// append records so many entries.
func (p *place) append(count int) error {
	var lines strings.Builder
	for i := range count {
		fmt.Fprintf(&lines, `{"kind":"note","payload":{"n":%d,"text":"entry"}}`+"\n", i)
	}
	_, err := p.feed(lines.String(), "append", "--jsonl", "-")
	return err
}

// publish seals and publishes, with a policy of witnesses if there is one.
func (p *place) publish(arguments ...string) (string, error) {
	arguments = append([]string{"publish", "--to", "log", "--name", name}, arguments...)
	return p.run(arguments...)
}

// vkey is the log's verifier key.
func (p *place) vkey() (string, error) {
	vkey, err := p.run("key", "--vkey")
	return strings.TrimSpace(vkey), err
}

// witness starts a witness that knows the log.
func (p *place) witness(number int) (*witness, error) {
	vkey, err := p.vkey()
	if err != nil {
		return nil, err
	}
	folder := p.path(fmt.Sprintf("w%d", number))
	started, err := startWitness(p.litewitness, folder, fmt.Sprintf("witness.example/%d", number))
	if err != nil {
		return nil, err
	}
	p.witnesses = append(p.witnesses, started)
	return started, started.know(name, vkey)
}

// fork copies the ledger with its key, as whoever holds them can.
func (p *place) fork() (*place, error) {
	folder, err := os.MkdirTemp("", "interop-fork")
	if err != nil {
		return nil, err
	}
	fork := *p
	fork.folder, fork.original = folder, p.path("ledger")
	if err := os.CopyFS(fork.path("ledger"), os.DirFS(p.path("ledger"))); err != nil {
		return nil, err
	}
	for _, name := range []string{"ledger.key.pem", "ledger.mark", "policy"} {
		bytes, err := os.ReadFile(p.path(name))
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(fork.path(name), bytes, 0o600); err != nil {
			return nil, err
		}
	}
	return &fork, nil
}

// policy writes the policy file of two of the witnesses at these URLs.
func (p *place) policy(urls []string) (string, error) {
	vkey, err := p.vkey()
	if err != nil {
		return "", err
	}
	text := "log " + vkey + " " + p.server.URL + "\n"
	group := "group all-of-them 2"
	for i, witness := range p.witnesses {
		text += fmt.Sprintf("witness w%d %s %s\n", i+1, witness.vkey, urls[i])
		group += fmt.Sprintf(" w%d", i+1)
	}
	text += group + "\nquorum all-of-them\n"
	return text, os.WriteFile(p.path("policy"), []byte(text), 0o600)
}

// decode reads what sealbook printed with --json.
func decode[T any](text string) (T, error) {
	var value T
	err := json.Unmarshal([]byte(text), &value)
	return value, err
}

func contains(text, part string) bool { return strings.Contains(text, part) }
