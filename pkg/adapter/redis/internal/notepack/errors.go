package notepack

import "errors"

// Errors of reading and writing. They are returned as they are or wrapped; compare
// with errors.Is.
var (
	// ErrTruncated says that the bytes end inside a value, or that a length was
	// announced that the rest of the bytes can't hold.
	ErrTruncated = errors.New("truncated")
	// ErrType says that there is a value of another type than the one asked for,
	// or a byte that begins no value.
	ErrType = errors.New("unexpected type")
	// ErrTrailing says that something follows the last value.
	ErrTrailing = errors.New("trailing bytes")
	// ErrDepth says that arrays and maps are nested deeper than MaxDepth.
	ErrDepth = errors.New("nested too deeply")
	// ErrTooLarge says that the result would be larger than the limit given.
	ErrTooLarge = errors.New("too large")
	// ErrAttachments says that there are more than MaxAttachments attachments.
	ErrAttachments = errors.New("too many attachments")
	// ErrPlaceholder says that placeholders and attachments do not match: a
	// placeholder out of order, one without an attachment, an attachment without
	// one, or a map that would be taken for a placeholder by a client.
	ErrPlaceholder = errors.New("placeholders do not match the attachments")
	// ErrJSON says that the text is not one JSON value.
	ErrJSON = errors.New("not valid JSON")
)

const (
	// MaxDepth is how deep arrays and maps may be nested in a value.
	MaxDepth = 128
	// MaxAttachments is how many attachments a value may have. Clients accept far
	// fewer; this bounds what a few bytes of MessagePack can make us allocate.
	MaxAttachments = 256
)
