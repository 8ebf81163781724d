// Verify our checkpoints, proofs and tiles with Go's own golang.org/x/mod/sumdb, which knows nothing of us.
//
//	verify CASES.json
//
// Each case says what is to be verified and whether it should be found good. Ends with 1 when one is judged otherwise.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type testCase struct {
	Name, Kind, Vkey, Origin, Note, Older, Proof, Folder string
	Path                                                 []string
	Good                                                 bool
}

func main() {
	content, err := os.ReadFile(os.Args[1])
	var cases []testCase
	if err == nil {
		err = json.Unmarshal(content, &cases)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	good, rejected, wrong := 0, 0, 0
	for _, each := range cases {
		err := verify(each)
		switch {
		case (err == nil) != each.Good:
			wrong++
			fmt.Printf("WRONG %s %s: %v\n", each.Kind, each.Name, err)
		case each.Good:
			good++
		default:
			rejected++
			fmt.Printf("rejected %s, %s: %v\n", each.Kind, each.Name, err)
		}
	}
	fmt.Printf("%d found good, %d rejected as they should be, %d judged wrongly\n", good, rejected, wrong)
	if wrong > 0 || good == 0 || rejected == 0 {
		os.Exit(1)
	}
}

func verify(c testCase) error {
	switch c.Kind {
	case "checkpoint":
		_, err := open(c, c.Note)
		return err
	case "inclusion":
		return inclusion(c)
	case "consistency":
		return consistency(c)
	case "files":
		return files(c)
	}
	return errors.New("no such kind of case")
}

// open checks a checkpoint's signature and its origin, and reads it.
func open(c testCase, signed string) (tlog.Tree, error) {
	var tree tlog.Tree
	verifier, err := note.NewVerifier(c.Vkey)
	if err != nil {
		return tree, err
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return tree, errors.New("not three lines")
	}
	if lines[0] != c.Origin {
		return tree, fmt.Errorf("it is of %s", lines[0])
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	if strconv.FormatInt(tree.N, 10) != lines[1] {
		return tree, errors.New("a size in another writing")
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

// inclusion checks a C2SP tlog-proof that carries its entry.
func inclusion(c testCase) error {
	above, signed, found := strings.Cut(c.Proof, "\n\n")
	lines := strings.Split(above, "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a proof")
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	path, err := hashes(lines[3:])
	if err != nil {
		return err
	}
	tree, err := open(c, signed)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

func consistency(c testCase) error {
	older, err := open(c, c.Older)
	if err != nil {
		return err
	}
	newer, err := open(c, c.Note)
	if err != nil {
		return err
	}
	path, err := hashes(c.Path)
	if err != nil {
		return err
	}
	return tlog.CheckTree(path, newer.N, newer.Hash, older.N, older.Hash)
}

func hashes(lines []string) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		found = append(found, hash)
	}
	return found, nil
}

// files reads a whole log from the static files: every entry against its tile, the tiles as Go reads them, and the
// checkpoint against the tree that Go makes of the entries alone (TileHashReader of 0.7.0 leaves some tiles unchecked).
func files(c testCase) error {
	signed, err := os.ReadFile(filepath.Join(c.Folder, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := open(c, string(signed))
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, folder(c.Folder))
	own := stored{}
	for first := int64(0); first < tree.N; first += 256 {
		entries, err := bundle(c.Folder, first, tree.N)
		if err != nil {
			return err
		}
		for n, entry := range entries {
			number := first + int64(n)
			in, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, number)})
			if err != nil {
				return err
			}
			if in[0] != tlog.RecordHash(entry) {
				return fmt.Errorf("entry %d isn't what its tile says", number)
			}
			more, err := tlog.StoredHashes(number, entry, own)
			if err != nil {
				return err
			}
			for _, hash := range more {
				own[int64(len(own))] = hash
			}
		}
	}
	root, err := tlog.TreeHash(tree.N, own)
	if err == nil && root != tree.Hash {
		err = errors.New("the entries have another root than the checkpoint")
	}
	return err
}

// bundle reads the entries of one bundle, each after its length.
func bundle(folder string, first, size int64) ([][]byte, error) {
	count := size - first
	if count > 256 {
		count = 256
	}
	content, err := os.ReadFile(filepath.Join(folder, place("entries", first/256, int(count))))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(content) > 0 {
		if len(content) < 2 || len(content) < 2+int(binary.BigEndian.Uint16(content)) {
			return nil, errors.New("a bundle of entries ends inside of one")
		}
		end := 2 + int(binary.BigEndian.Uint16(content))
		entries = append(entries, content[2:end])
		content = content[end:]
	}
	if int64(len(entries)) != count {
		return nil, fmt.Errorf("a bundle of %d entries, not %d", len(entries), count)
	}
	return entries, nil
}

// stored keeps hashes in Go's own order.
type stored map[int64]tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, index := range indexes {
		found = append(found, s[index])
	}
	return found, nil
}

// folder reads tiles in the layout of C2SP tlog-tiles.
type folder string

func (f folder) Height() int { return 8 }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		content, err := os.ReadFile(filepath.Join(string(f), place(strconv.Itoa(tile.L), tile.N, tile.W)))
		if err != nil {
			return nil, err
		}
		found = append(found, content)
	}
	return found, nil
}

func place(level string, n int64, width int) string {
	name := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		name = fmt.Sprintf("x%03d/%s", n%1000, name)
	}
	if width < 256 {
		name += fmt.Sprintf(".p/%d", width)
	}
	return "tile/" + level + "/" + name
}
