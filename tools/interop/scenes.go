package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

func (p *place) everyReader() error {
	vkey, err := p.vkey()
	if err != nil {
		return err
	}
	for _, reader := range readers(p.fsck) {
		if err := reader.read(p.server.URL, vkey); err != nil {
			return fmt.Errorf("%s: %w", reader.name, err)
		}
	}
	return nil
}

func everyClientReads(p *place) error {
	for _, more := range []int{1, 200, 54, 1, 255, 3000} {
		if err := p.append(more); err != nil {
			return err
		}
		if _, err := p.publish(); err != nil {
			return err
		}
		if err := p.everyReader(); err != nil {
			return fmt.Errorf("after %d more: %w", more, err)
		}
	}
	return nil
}

func randomSizes(p *place) error {
	if err := p.append(p.entries); err != nil {
		return err
	}
	if _, err := p.publish(); err != nil {
		return err
	}
	vkey, err := p.vkey()
	if err != nil {
		return err
	}
	return readWithMod(p.server.URL, vkey, 1000)
}

func everyByteCounts(p *place) error {
	if err := p.append(600); err != nil {
		return err
	}
	if _, err := p.publish(); err != nil {
		return err
	}
	if err := p.everyReader(); err != nil {
		return err
	}
	vkey, err := p.vkey()
	if err != nil {
		return err
	}
	tried := 0
	err = filepath.WalkDir(p.path("log"), func(path string, file fs.DirEntry, err error) error {
		inLog, _ := filepath.Rel(p.path("log"), path)
		if err != nil || file.IsDir() || !(inLog == "checkpoint" || strings.HasPrefix(inLog, "tile/")) {
			return err
		}
		before, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		changed := append([]byte(nil), before...)
		changed[below(int64(len(changed)))] ^= 1
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			return err
		}
		for _, reader := range readers(p.fsck) {
			if reader.read(p.server.URL, vkey) == nil {
				return fmt.Errorf("%s reads %s with a changed byte", reader.name, inLog)
			}
			tried++
		}
		return os.WriteFile(path, before, 0o600)
	})
	if err == nil && tried < 9 {
		err = fmt.Errorf("only %d changes were tried", tried)
	}
	return errors.Join(err, p.everyReader())
}

// urls are those of the witnesses themselves.
func (p *place) urls() []string {
	var urls []string
	for _, witness := range p.witnesses {
		urls = append(urls, witness.url)
	}
	return urls
}

// A published is what publishing prints of its witnesses.
type published struct {
	Size      int64
	Published bool
	Witnessed *int64
	Witnesses struct {
		Quorum    bool
		Witnesses []struct {
			Name            string
			Cosigned, Fault *string
		}
	}
}

// ask publishes under the policy, and says what the witnesses did.
func (p *place) ask(fail string) (published, error) {
	printed, err := p.publish("--witness-policy", "policy", "--witness-fail", fail,
		"--witness-every", "1", "--json")
	// Status 1: the checkpoint before stays.
	var withheld *ended
	if err != nil && !(errors.As(err, &withheld) && withheld.status == 1) {
		return published{}, err
	}
	return decode[published](printed)
}

// cosigners are the witnesses under the published checkpoint, by the word of x/mod.
func (p *place) cosigners() (int, error) {
	vkey, err := p.vkey()
	if err != nil {
		return 0, err
	}
	log, err := note.NewVerifier(vkey)
	if err != nil {
		return 0, err
	}
	verifiers := []note.Verifier{log}
	for _, witness := range p.witnesses {
		verifiers = append(verifiers, witness.verifier)
	}
	text, err := get(p.server.URL + "/checkpoint")
	if err != nil {
		return 0, err
	}
	opened, err := note.Open(text, note.VerifierList(verifiers...))
	if err != nil {
		return 0, err
	}
	return len(opened.Sigs) - 1, nil
}

// threeWitnesses publishes a log, and has three witnesses that know it, the last of
// them behind a liar that tells the truth as yet.
func (p *place) threeWitnesses() (*liar, error) {
	if err := p.append(5); err != nil {
		return nil, err
	}
	if _, err := p.publish(); err != nil {
		return nil, err
	}
	for number := 1; number <= 3; number++ {
		if _, err := p.witness(number); err != nil {
			return nil, err
		}
	}
	liar := startLiar(p.witnesses[2])
	urls := p.urls()
	urls[2] = liar.server.URL
	_, err := p.policy(urls)
	return liar, err
}

// expect appends an entry, publishes, and compares who cosigned.
func (p *place) expect(fail string, quorum, publishes bool, cosigned ...bool) (published, error) {
	if err := p.append(1); err != nil {
		return published{}, err
	}
	done, err := p.ask(fail)
	if err != nil {
		return done, err
	}
	if done.Witnesses.Quorum != quorum || done.Published != publishes {
		return done, fmt.Errorf("quorum %v, published %v", done.Witnesses.Quorum, done.Published)
	}
	count := 0
	for i, witness := range done.Witnesses.Witnesses {
		if (witness.Cosigned != nil) != cosigned[i] {
			return done, fmt.Errorf("%s: cosigned %v, fault %v", witness.Name, witness.Cosigned, witness.Fault)
		}
		if cosigned[i] {
			count++
		}
	}
	found, err := p.cosigners()
	if err == nil && publishes && found != count {
		err = fmt.Errorf("the checkpoint has %d cosignatures, not %d", found, count)
	}
	return done, err
}

func aQuorumCosigns(p *place) error {
	liar, err := p.threeWitnesses()
	if err != nil {
		return err
	}
	if _, err := p.expect("closed", true, true, true, true, true); err != nil {
		return fmt.Errorf("all three: %w", err)
	}
	p.witnesses[1].stop()
	if _, err := p.expect("closed", true, true, true, false, true); err != nil {
		return fmt.Errorf("one killed: %w", err)
	}
	liar.tell(saysItHas("1000000"))
	if _, err := p.expect("closed", false, false, true, false, false); err != nil {
		return fmt.Errorf("one killed, one lying, closed: %w", err)
	}
	if _, err := p.expect("open", false, true, true, false, false); err != nil {
		return fmt.Errorf("one killed, one lying, open: %w", err)
	}
	if err := p.witnesses[1].start(); err != nil {
		return err
	}
	urls := p.urls()
	urls[2] = liar.server.URL
	if _, err := p.policy(urls); err != nil {
		return err
	}
	if _, err := p.expect("closed", true, true, true, true, false); err != nil {
		return fmt.Errorf("one lying: %w", err)
	}
	liar.tell(nil)
	if _, err := p.expect("closed", true, true, true, true, true); err != nil {
		return fmt.Errorf("all three again: %w", err)
	}
	if err := p.everyReader(); err != nil {
		return err
	}
	if _, err := p.run("verify", "--policy", "policy"); err != nil {
		return err
	}
	_, err = p.run("monitor", p.server.URL, "--policy", "policy", "--state", "watched")
	return err
}

func answersAreJudged(p *place) error {
	liar, err := p.threeWitnesses()
	if err != nil {
		return err
	}
	for fault, lie := range map[string]http.HandlerFunc{
		"not a note's signatures":  saysPage,
		"claims to have cosigned":  saysItHas("9223372036854775807"),
		"409 without a size":       saysItHas("many"),
		"one size after the other": saysItHas("0"),
		"answered 500":             saysStatus(500),
		"does not know this log":   saysStatus(404),
		"claims another history":   saysStatus(422),
		"no signature by its key":  p.saysAs(0),
		"did not answer in time":   saysNothing,
		"cannot be reached":        hangsUp,
	} {
		liar.tell(lie)
		done, err := p.expect("closed", true, true, true, true, false)
		if err != nil {
			return fmt.Errorf("%s: %w", fault, err)
		}
		if said := done.Witnesses.Witnesses[2].Fault; said == nil || !strings.Contains(*said, fault) {
			return fmt.Errorf("%s: it is called %v", fault, said)
		}
	}
	return aStatusHaltsNothing(p, liar)
}

// aStatusHaltsNothing has the liar as the only witness: its status alone leaves the
// checkpoint without a quorum, and the log goes on when it answers as it should.
func aStatusHaltsNothing(p *place, liar *liar) error {
	only := fmt.Sprintf("witness w %s %s\nquorum w\n", p.witnesses[2].vkey, liar.server.URL)
	if err := os.WriteFile(p.path("policy"), []byte(only), 0o600); err != nil {
		return err
	}
	for name, lie := range map[string]http.HandlerFunc{
		"409": saysItHas("9223372036854775807"),
		"422": saysStatus(422),
	} {
		liar.tell(lie)
		if _, err := p.expect("closed", false, false, false); err != nil {
			return fmt.Errorf("the only witness says %s: %w", name, err)
		}
		liar.tell(nil)
		if _, err := p.expect("closed", true, true, true); err != nil {
			return fmt.Errorf("the only witness after %s: %w", name, err)
		}
	}
	return nil
}

// aSecondKeyIsTaken has a witness know the log by its key of ML-DSA-44 alone: what it
// cosigns, that key has signed in its eyes.
func aSecondKeyIsTaken(p *place) error {
	if strings.Contains(p.litewitness, "0.6.1") {
		fmt.Println("interop: litewitness 0.6.1 knows no ML-DSA: NOT ASKED")
		return nil
	}
	if _, err := p.run("key", "add"); err != nil {
		return err
	}
	if err := p.append(5); err != nil {
		return err
	}
	if _, err := p.publish(); err != nil {
		return err
	}
	vkey, err := p.run("key", "--vkey", "--post-quantum")
	if err != nil {
		return err
	}
	witness, err := startWitness(p.litewitness, p.path("w1"), "witness.example/1")
	if err != nil {
		return err
	}
	p.witnesses = append(p.witnesses, witness)
	if err := witness.know(name, strings.TrimSpace(vkey)); err != nil {
		return err
	}
	policy := fmt.Sprintf("witness w %s %s\nwitness pq %sgroup both all w pq\nquorum both\n", witness.vkey, witness.url, vkey)
	if err := os.WriteFile(p.path("policy"), []byte(policy), 0o600); err != nil {
		return err
	}
	for range 3 {
		if err := p.append(100); err != nil {
			return err
		}
		done, err := p.ask("open")
		if err != nil {
			return err
		}
		if done.Witnesses.Witnesses[0].Cosigned == nil {
			return fmt.Errorf("it did not cosign: %s", *done.Witnesses.Witnesses[0].Fault)
		}
	}
	return nil
}

// anotherAlgorithmCosigns has omniwitness, whose key is of ML-DSA-44, as the only witness:
// its word is the quorum, bounds times, and protects what it holds.
func anotherAlgorithmCosigns(p *place) error {
	if err := p.append(5); err != nil {
		return err
	}
	if _, err := p.publish(); err != nil {
		return err
	}
	vkey, err := p.vkey()
	if err != nil {
		return err
	}
	witness, err := p.startOmniwitness(p.path("omni"), "witness.example/omni", name, vkey)
	if err != nil {
		return err
	}
	asks := func(key, url string) error {
		text := fmt.Sprintf("log %s\nwitness omni %s %s\nquorum omni\n", vkey, key, url)
		return os.WriteFile(p.path("policy"), []byte(text), 0o600)
	}
	if err := asks(witness.vkey, witness.url); err != nil {
		return err
	}
	var kept int64
	for range 3 {
		if err := p.append(100); err != nil {
			return err
		}
		done, err := p.ask("closed")
		if err != nil {
			return err
		}
		if !done.Witnesses.Quorum || !done.Published {
			return fmt.Errorf("it did not cosign: %s", *done.Witnesses.Witnesses[0].Fault)
		}
		if done.Witnessed != nil {
			kept = *done.Witnessed
		}
	}
	if kept == 0 {
		return errors.New("what it signed did not come back into the log")
	}
	printed, err := p.run("verify", "--policy", "policy", "--json")
	if err != nil {
		return err
	}
	type verified struct {
		Witnessed struct {
			Entries     int64
			PostQuantum struct {
				Entries   int64
				Witnesses []string
			} `json:"post_quantum"`
		}
	}
	said, err := decode[verified](printed)
	if err != nil {
		return err
	}
	protected := said.Witnessed.PostQuantum
	if protected.Entries != kept || said.Witnessed.Entries != kept || len(protected.Witnesses) != 1 || protected.Witnesses[0] != "omni" {
		return fmt.Errorf("kept by entry %d: %s", kept, printed)
	}
	shown, err := p.run("show", "1", "--policy", "policy")
	if err != nil || !strings.Contains(shown, "by omni") {
		return fmt.Errorf("no time of entry 1: %s, %w", shown, err)
	}
	if err := p.everyReader(); err != nil {
		return err
	}
	// Under the key of another its word is nobody's.
	other, err := p.startOmniwitness(p.path("other"), "witness.example/omni", name, vkey)
	if err != nil {
		return err
	}
	if err := asks(other.vkey, witness.url); err != nil {
		return err
	}
	done, err := p.ask("closed")
	if err != nil {
		return err
	}
	fault := done.Witnesses.Witnesses[0].Fault
	if done.Published || fault == nil || !strings.Contains(*fault, "no signature by its key") {
		return fmt.Errorf("under another key: published %v, %v", done.Published, fault)
	}
	return nil
}

// aForkGetsNoQuorum copies a log with its key, lets both go on, and asks the same
// witnesses for both.
func aForkGetsNoQuorum(p *place) error {
	if _, err := p.threeWitnesses(); err != nil {
		return err
	}
	if _, err := p.expect("closed", true, true, true, true, true); err != nil {
		return err
	}
	fork, err := p.fork()
	if err != nil {
		return err
	}
	defer os.RemoveAll(fork.folder)
	for _, side := range []*place{p, fork} {
		if _, err := side.feed(`{"kind":"note","payload":{"side":"`+side.folder+`"}}`+"\n", "append", "--jsonl", "-"); err != nil {
			return err
		}
	}
	if _, err := p.ask("closed"); err != nil {
		return err
	}
	_, err = fork.ask("closed")
	var refused *ended
	if !errors.As(err, &refused) || refused.status != 2 || !strings.Contains(refused.stderr, "rollback_detected") {
		return fmt.Errorf("the fork was not stopped: %v", err)
	}
	if _, err := os.Stat(fork.path("log/checkpoint")); err == nil {
		return errors.New("the fork's checkpoint was published")
	}
	return nil
}

// aMonitorFollows shows a monitor a log as it grows, and then its fork.
func aMonitorFollows(p *place) error {
	if err := p.append(300); err != nil {
		return err
	}
	if _, err := p.publish(); err != nil {
		return err
	}
	vkey, err := p.vkey()
	if err != nil {
		return err
	}
	policy := "log " + vkey + "\nquorum none\n"
	if err := os.WriteFile(p.path("policy"), []byte(policy), 0o600); err != nil {
		return err
	}
	fork, err := p.fork()
	if err != nil {
		return err
	}
	defer os.RemoveAll(fork.folder)
	watch := func(url string) error {
		_, err := p.run("monitor", url, "--policy", "policy", "--state", "watched", "--json")
		return err
	}
	for range 3 {
		if err := p.append(100); err != nil {
			return err
		}
		if _, err := p.publish(); err != nil {
			return err
		}
		if err := watch(p.server.URL); err != nil {
			return err
		}
	}
	if err := fork.append(700); err != nil {
		return err
	}
	if _, err := fork.publish(); err != nil {
		return err
	}
	server := httptest.NewServer(http.FileServer(http.Dir(fork.path("log"))))
	defer server.Close()
	var found *ended
	if err := watch(server.URL); !errors.As(err, &found) || found.status != 1 || !strings.Contains(found.stdout, `"forked"`) {
		return fmt.Errorf("the fork was not named: %v", err)
	}
	kept, err := filepath.Glob(p.path("watched/*/evidence/*"))
	if err != nil || len(kept) != 3 {
		return fmt.Errorf("the evidence is %v, %v", kept, err)
	}
	return watch(p.server.URL)
}
