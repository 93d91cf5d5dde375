package redis

import (
	"iter"
	"strings"
)

// slotCount is the number of slots of a Redis Cluster, among which names are divided.
const slotCount = 16384

// slotOf is the slot of a channel: that of what stands in its first braces, if there is
// something, as the Redis Cluster specification has it.
func slotOf(channel string) int {
	if _, rest, found := strings.Cut(channel, "{"); found {
		if tag, _, found := strings.Cut(rest, "}"); found && tag != "" {
			channel = tag
		}
	}
	var crc uint16
	for i := range len(channel) {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^channel[i]]
	}
	return int(crc) % slotCount
}

// crcTable is that of CRC-16/XMODEM.
var crcTable = func() (table [256]uint16) {
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
		table[i] = crc
	}
	return table
}()

// bySlot divides channels into those of one slot: a cluster refuses commands with
// channels of several.
func bySlot(channels []string) iter.Seq[[]string] {
	groups := make(map[int][]string, len(channels))
	for _, channel := range channels {
		slot := slotOf(channel)
		groups[slot] = append(groups[slot], channel)
	}
	return func(yield func([]string) bool) {
		for _, group := range groups {
			if !yield(group) {
				return
			}
		}
	}
}
