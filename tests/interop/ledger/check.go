// SPDX-License-Identifier: Apache-2.0

// check WORK: Go's sumdb/note and sumdb/tlog on our ledger WORK/log and on proof files WORK/proof-N, WORK/growth.
package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var failures int

func check(ok bool, what string, arguments ...interface{}) {
	word := "ok  "
	if !ok {
		word = "FAIL"
		failures++
	}
	fmt.Println(word, "Go's sumdb", fmt.Sprintf(what, arguments...))
}

func must(err error) {
	if err != nil {
		fmt.Println("FAIL", err)
		os.Exit(1)
	}
}

func read(parts ...string) []byte {
	data, err := os.ReadFile(filepath.Join(parts...))
	must(err)
	return data
}

// Opens a checkpoint by the published key and takes its tree from it.
func openCheckpoint(data []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	must(err)
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	hash, err := tlog.ParseHash(lines[2])
	must(err)
	if lines[0] != verifier.Name() || len(lines) != 4 {
		must(fmt.Errorf("unexpected text %q", opened.Text))
	}
	return tlog.Tree{N: size, Hash: hash}, nil
}

// The tiles on disk: Go's paths name the tiles' height, tlog-tiles' do not.
type folder string

func (f folder) Height() int { return 8 }
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}
func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

// A proof file: its number, leaf (nil for growth), hashes and checkpoint.
func parseProof(data []byte) (int64, []byte, []tlog.Hash, []byte) {
	head, checkpoint, found := bytes.Cut(data, []byte("\n\n"))
	if !found {
		must(fmt.Errorf("no empty line in the proof"))
	}
	lines := strings.Split(string(head), "\n")[1:]
	var leaf []byte
	var err error
	if strings.HasPrefix(lines[0], "extra ") {
		leaf, err = base64.StdEncoding.DecodeString(lines[0][len("extra "):])
		must(err)
		lines = lines[1:]
	}
	number, err := strconv.ParseInt(strings.Fields(lines[0])[1], 10, 64)
	must(err)
	var hashes []tlog.Hash
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		must(err)
		hashes = append(hashes, hash)
	}
	return number, leaf, hashes, checkpoint
}

func main() {
	work := os.Args[1]
	log := filepath.Join(work, "log")
	vkey := strings.TrimSpace(string(read(log, "vkey")))
	text := read(log, "checkpoint")
	tree, err := openCheckpoint(text, vkey)
	check(err == nil, "note opens the checkpoint of %d leaves", tree.N)
	text[len(text)-10] ^= 1
	_, err = openCheckpoint(text, vkey)
	check(err != nil, "note refuses a changed signature")
	text[len(text)-10] ^= 1
	text[bytes.IndexByte(text, '\n')+1] ^= 1
	_, err = openCheckpoint(text, vkey)
	check(err != nil, "note refuses a changed size")

	reader := tlog.TileHashReader(tree, folder(log))
	for i := int64(0); i < tree.N; i++ {
		if _, err := tlog.ProveRecord(tree.N, i, reader); err != nil {
			check(false, "tlog proves record %d from our tiles: %v", i, err)
		}
	}
	check(true, "tlog reads every tile, each under the checkpoint's hash")

	files, _ := filepath.Glob(filepath.Join(work, "proof-*"))
	for _, file := range files {
		index, leaf, hashes, checkpoint := parseProof(read(file))
		tree, err := openCheckpoint(checkpoint, vkey)
		must(err)
		proof := tlog.RecordProof(hashes)
		check(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf)) == nil, "tlog accepts the proof of leaf %d", index)
		check(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(append(leaf, 'x'))) != nil, "tlog refuses another leaf %d", index)
		own, err := tlog.ProveRecord(tree.N, index, reader)
		must(err)
		check(fmt.Sprint(own) == fmt.Sprint(proof), "tlog's own proof of leaf %d is the same", index)
	}
	check(len(files) >= 3, "tlog had %d proofs", len(files))

	older, err := openCheckpoint(read(work, "older"), vkey)
	must(err)
	from, _, hashes, _ := parseProof(read(work, "growth"))
	check(from == older.N && tlog.CheckTree(tlog.TreeProof(hashes), tree.N, tree.Hash, older.N, older.Hash) == nil,
		"tlog accepts the growth from %d leaves", from)
	older.Hash[0] ^= 1
	check(tlog.CheckTree(tlog.TreeProof(hashes), tree.N, tree.Hash, older.N, older.Hash) != nil, "tlog refuses it from another tree")
	if failures > 0 {
		os.Exit(1)
	}
}
