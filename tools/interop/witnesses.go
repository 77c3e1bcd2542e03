package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// A witness is a litewitness process with a key and a database of its own.
type witness struct {
	name, url, vkey string
	program, folder string
	fingerprint     string
	verifier        note.Verifier
	process         *exec.Cmd
	// key is the file of omniwitness's key; it is empty of litewitness.
	key string
}

// startOmniwitness makes a key of ML-DSA-44, and starts omniwitness with it, which knows
// this one log of its own.
func (p *place) startOmniwitness(folder, name, origin, vkey string) (*witness, error) {
	w := &witness{name: name, program: p.omniwitness, folder: folder, key: filepath.Join(folder, "key")}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	public := filepath.Join(folder, "key.pub")
	made := exec.Command(p.omniwitnessKeys, "-mldsa", "-origin", name, "-out_priv", w.key, "-out_pub", public)
	if said, err := made.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	verifier, err := os.ReadFile(public)
	if err != nil {
		return nil, err
	}
	w.vkey = string(bytes.TrimSpace(verifier))
	logs := fmt.Sprintf("Logs:\n  - Origin: %s\n    PublicKey: %s\n    URL: %s\n", origin, vkey, p.server.URL)
	if err := os.WriteFile(w.logs(), []byte(logs), 0o600); err != nil {
		return nil, err
	}
	p.witnesses = append(p.witnesses, w)
	return w, w.start()
}

// startWitness makes a key, which an agent in this process holds, and starts
// litewitness with it.
func startWitness(program, folder, name string) (*witness, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	signer, err := torchwood.NewCosignatureSigner(name, private)
	if err != nil {
		return nil, err
	}
	fingerprint := sha256.Sum256(public)
	w := &witness{name: name, verifier: signer.Verifier(), vkey: signer.Verifier().String(), program: program, folder: folder,
		fingerprint: hex.EncodeToString(fingerprint[:])}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", w.socket())
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go agent.ServeAgent(keys, connection)
		}
	}()
	return w, w.start()
}

// arguments are those that it is started with, to listen there.
func (w *witness) arguments(address string) []string {
	if w.key != "" {
		return []string{"--private_key_path", w.key, "--additional_logs", w.logs(), "--db_file", w.database(),
			"--listen", address, "--metrics_listen", "", "--logtostderr"}
	}
	return []string{"-name", w.name, "-key", w.fingerprint, "-db", w.database(), "-ssh-agent", w.socket(), "-listen", address}
}

func (w *witness) logs() string     { return filepath.Join(w.folder, "logs.yaml") }
func (w *witness) socket() string   { return filepath.Join(w.folder, "agent") }
func (w *witness) database() string { return filepath.Join(w.folder, "witness.db") }

// start starts the process on a free port and waits until it answers.
func (w *witness) start() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	listener.Close()
	log, err := os.OpenFile(filepath.Join(w.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w.url = "http://" + address
	w.process = exec.Command(w.program, w.arguments(address)...)
	w.process.Stdout, w.process.Stderr = log, log
	if err := w.process.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if response, err := http.Get(w.url + "/"); err == nil {
			response.Body.Close()
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.stop()
	return fmt.Errorf("%s does not answer: see %s", w.name, log.Name())
}

func (w *witness) stop() {
	if w.process != nil {
		w.process.Process.Kill()
		w.process.Wait()
		w.process = nil
	}
}

// know tells the witness of a log, as its operator does with witnessctl.
func (w *witness) know(origin, vkey string) error {
	database, err := sqlite.OpenConn(w.database(), sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	defer database.Close()
	nothing, err := tlog.TreeHash(0, nil)
	if err != nil {
		return err
	}
	log := &sqlitex.ExecOptions{Args: []any{origin, nothing.String()}}
	if err := sqlitex.Execute(database, "INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)", log); err != nil {
		return err
	}
	key := &sqlitex.ExecOptions{Args: []any{origin, vkey}}
	return sqlitex.Execute(database, "INSERT INTO key (origin, key) VALUES (?, ?)", key)
}

// A liar stands before a real witness and answers as it is told to.
type liar struct {
	server *httptest.Server
	mu     sync.Mutex
	lie    http.HandlerFunc
}

// startLiar passes everything on to a witness until it is given a lie.
func startLiar(w *witness) *liar {
	l := new(liar)
	l.server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		l.mu.Lock()
		lie := l.lie
		l.mu.Unlock()
		if lie != nil {
			lie(out, in)
			return
		}
		pass(w.url, out, in)
	}))
	return l
}

func (l *liar) tell(lie http.HandlerFunc) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lie = lie
}

func pass(url string, out http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadGateway)
		return
	}
	request, err := http.NewRequest(in.Method, url+in.URL.Path, bytes.NewReader(body))
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadGateway)
		return
	}
	request.Header = in.Header.Clone()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	out.Header().Set("Content-Type", response.Header.Get("Content-Type"))
	out.WriteHeader(response.StatusCode)
	io.Copy(out, response.Body)
}

// saysItHas claims another size than the witness has.
func saysItHas(size string) http.HandlerFunc {
	return func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Type", "text/x.tlog.size")
		out.WriteHeader(http.StatusConflict)
		io.WriteString(out, size+"\n")
	}
}

func saysPage(out http.ResponseWriter, _ *http.Request) {
	out.Header().Set("Content-Type", "text/html")
	io.WriteString(out, "<!doctype html><title>maintenance</title>")
}

func saysStatus(status int) http.HandlerFunc {
	return func(out http.ResponseWriter, _ *http.Request) { out.WriteHeader(status) }
}

// saysAs answers with the cosignature of another witness.
func (p *place) saysAs(witness int) http.HandlerFunc {
	return func(out http.ResponseWriter, in *http.Request) { pass(p.witnesses[witness].url, out, in) }
}

// saysNothing answers when nobody waits any more.
func saysNothing(_ http.ResponseWriter, in *http.Request) { <-in.Context().Done() }

// hangsUp closes the connection without a word.
func hangsUp(out http.ResponseWriter, _ *http.Request) {
	if connection, _, err := out.(http.Hijacker).Hijack(); err == nil {
		connection.Close()
	}
}
