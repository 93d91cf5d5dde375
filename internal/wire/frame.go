package wire

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"unicode/utf8"
)

// Opcodes of WebSocket frames (RFC 6455, 5.2).
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xa
)

// Close codes (RFC 6455, 7.4.1).
const (
	codeNormal      = 1000
	codeProtocol    = 1002
	codeNone        = 1005 // never sent: the close frame had no code
	codeInvalidText = 1007
	codeTooBig      = 1009
)

// maxFrameHeader is the longest header of a frame that a client sends.
const maxFrameHeader = 2 + 8 + 4

// frameHeader is the beginning of a frame from the server.
type frameHeader struct {
	opcode byte
	fin    bool
	size   int // of the header itself
	length int // of the payload
}

// parseFrameHeader reads the header at the beginning of b. A size of 0 means that b does
// not hold all of it. Frames of more than limit bytes are refused.
func parseFrameHeader(b []byte, limit int) (frameHeader, error) {
	if len(b) < 2 {
		return frameHeader{}, nil
	}
	h := frameHeader{opcode: b[0] & 0x0f, fin: b[0]&0x80 != 0, size: 2, length: int(b[1] & 0x7f)}
	if b[0]&0x70 != 0 || b[1]&0x80 != 0 {
		return h, fmt.Errorf("%w: reserved bits or a mask", ErrBadFrame)
	}
	if h.opcode >= opClose {
		if h.opcode > opPong || !h.fin || h.length > 125 {
			return h, fmt.Errorf("%w: control frame %#x of length %d", ErrBadFrame, b[0], h.length)
		}
		return h, nil
	}
	if h.opcode > opBinary {
		return h, fmt.Errorf("%w: opcode %#x", ErrBadFrame, h.opcode)
	}
	length := uint64(h.length)
	switch length {
	case 126:
		if len(b) < 4 {
			return frameHeader{}, nil
		}
		h.size, length = 4, uint64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		if len(b) < 10 {
			return frameHeader{}, nil
		}
		h.size, length = 10, binary.BigEndian.Uint64(b[2:])
	}
	if length > uint64(limit) {
		return h, fmt.Errorf("%w: frame of %d bytes", ErrTooBig, length)
	}
	h.length = int(length)
	return h, nil
}

// beginFrame appends room for the longest header, after which the payload is to be
// appended. endFrame makes a frame of it.
func beginFrame(dst []byte) (frame []byte, start int) {
	return append(dst, make([]byte, maxFrameHeader)...), len(dst)
}

// endFrame closes the frame that was begun at start: it writes header and mask, and moves
// the payload to where it belongs.
func endFrame(b []byte, start int, opcode byte) []byte {
	payload := b[start+maxFrameHeader:]
	n := len(payload)
	h := b[start:start]
	switch {
	case n < 126:
		h = append(h, 0x80|opcode, 0x80|byte(n))
	case n < 1<<16:
		h = append(h, 0x80|opcode, 0x80|126)
		h = binary.BigEndian.AppendUint16(h, uint16(n))
	default:
		h = append(h, 0x80|opcode, 0x80|127)
		h = binary.BigEndian.AppendUint64(h, uint64(n))
	}
	key := rand.Uint32()
	h = binary.LittleEndian.AppendUint32(h, key)
	mask(payload, key)
	copy(b[start+len(h):], payload)
	return b[:start+len(h)+n]
}

// appendFrame appends a masked frame with a copy of the payload.
func appendFrame(dst []byte, opcode byte, payload []byte) []byte {
	dst, start := beginFrame(dst)
	return endFrame(append(dst, payload...), start, opcode)
}

// appendClose appends a close frame; codeNone leaves the code out.
func appendClose(dst []byte, code int) []byte {
	if code == codeNone {
		return appendFrame(dst, opClose, nil)
	}
	return appendFrame(dst, opClose, binary.BigEndian.AppendUint16(nil, uint16(code)))
}

// mask applies the key, whose first byte is its lowest, to b (RFC 6455, 5.3).
func mask(b []byte, key uint32) {
	wide := uint64(key)<<32 | uint64(key)
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= byte(key)
		key = key>>8 | key<<24
	}
}

// parseClose reads the payload of a close frame. An error means that it is malformed
// (RFC 6455, 5.5.1 and 7.4).
func parseClose(p []byte) (*CloseError, error) {
	if len(p) == 0 {
		return &CloseError{Code: codeNone}, nil
	}
	if len(p) == 1 {
		return nil, fmt.Errorf("%w: close frame of one byte", ErrBadFrame)
	}
	code := int(binary.BigEndian.Uint16(p))
	valid := code >= 1000 && code <= 1014 && (code < 1004 || code > 1006) || code >= 3000 && code < 5000
	if !valid || !utf8.Valid(p[2:]) {
		return nil, fmt.Errorf("%w: close code %d", ErrBadFrame, code)
	}
	return &CloseError{Code: code, Reason: string(p[2:])}, nil
}
