package main

// Compression (2.6): frames and members one by one, so that nothing stands between them.

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

var (
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
	gzipMagic = []byte{0x1f, 0x8b}
)

const expandedMost = 1 << 30

// open is the content of a file; `one` where it must be one frame.
func open(data []byte, one bool) *Content {
	switch {
	case bytes.HasPrefix(data, zstdMagic):
		return frames(data, one)
	case bytes.HasPrefix(data, gzipMagic):
		return gzipMembers(data, one)
	}
	return &Content{data: data}
}

func (c *Content) spoilt(damage string) *Content {
	c.damage = damage
	return c
}

func frames(data []byte, one bool) *Content {
	content := &Content{}
	for len(data) > 0 {
		if content.data != nil && one || !bytes.HasPrefix(data, zstdMagic) {
			return content.spoilt("bundle_corrupt")
		}
		size, whole := frameSize(data)
		decoder, err := zstd.NewReader(bytes.NewReader(data[:size]), zstd.WithDecoderMaxWindow(1<<27), zstd.WithDecoderConcurrency(1))
		if err == nil {
			before := len(content.data)
			var inside []byte
			inside, err = io.ReadAll(io.LimitReader(decoder, expandedMost))
			decoder.Close()
			content.data = append(content.data, inside...)
			if content.data == nil {
				content.data = []byte{}
			}
			if err == nil && len(content.data) == before {
				err = errors.New("a frame has nothing in it")
			}
		}
		switch {
		case !whole && (err == nil || errors.Is(err, io.ErrUnexpectedEOF)):
			return content.spoilt("truncated")
		case err != nil:
			return content.spoilt("bundle_corrupt")
		}
		data = data[size:]
	}
	return content
}

// frameSize is how many bytes the first frame has (RFC 8878, 3.1.1), and whether they
// are all there.
func frameSize(data []byte) (int, bool) {
	var frame zstd.Header
	if frame.Decode(data) != nil {
		return len(data), false
	}
	at := frame.HeaderSize
	for {
		if at+3 > len(data) {
			return len(data), false
		}
		header := int(binary.LittleEndian.Uint32(append(append([]byte{}, data[at:at+3]...), 0)))
		at += 3
		if header>>1&3 == 1 {
			at++
		} else {
			at += header >> 3
		}
		if header&1 == 1 {
			break
		}
	}
	if frame.HasCheckSum {
		at += 4
	}
	if at > len(data) {
		return len(data), false
	}
	return at, true
}

func gzipMembers(data []byte, one bool) *Content {
	content := &Content{}
	source := bytes.NewReader(data)
	for source.Len() > 0 {
		if content.data != nil && one {
			return content.spoilt("bundle_corrupt")
		}
		reader, err := gzip.NewReader(source)
		if err == nil {
			reader.Multistream(false)
			var inside []byte
			inside, err = io.ReadAll(io.LimitReader(reader, expandedMost))
			content.data = append(content.data, inside...)
			if err == nil && len(inside) == 0 {
				err = errors.New("a member has nothing in it")
			}
		}
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			return content.spoilt("truncated")
		case err != nil:
			return content.spoilt("bundle_corrupt")
		}
	}
	return content
}
