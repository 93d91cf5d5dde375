// Package redis carries broadcasts and questions between nodes through Redis Pub/Sub, in the wire
// format of the official classic adapter, @socket.io/redis-adapter 8, and its emitter
// (protocol.md 4.1 and 4.4). Nodes of both kinds can serve the same rooms.
//
// Sharded is another adapter with another format: that of the official sharded adapter,
// for Redis 7 and above all for a Redis Cluster (protocol.md 4.2). It is made of the same
// parts: one Adapter for each server, which is told what to hear and to publish there. When
// a replica takes over, or slots move, what belongs to them goes along.
//
// # Delivery
//
// Each event is delivered to each connected socket of the target at most once; events
// published one after the other by one node arrive in that order; while Redis is
// unreachable an emit reaches only the sockets of the publishing node, and the node says
// so: in the error of Broadcast, in Stats and in its log.
//
// # What a node listens to
//
// Node.js subscribes to everything in a namespace and throws away what it has no socket
// for. Here a node subscribes to what it has a socket for: the namespace's channel, one
// channel per room with a local member, its own sockets' private rooms through one
// pattern on its tag or each by its own channel (Config.PrivateRooms), and the
// namespace's request channel, exactly once because peers count those subscriptions to
// know how many nodes there are.
//
// A room that another node makes sockets join is therefore heard a moment later, when
// Redis has confirmed: what is published to it right behind the join may be missed here.
//
// # Questions
//
// A node that asks counts the others, publishes a request, and waits for as many answers:
// until its context ends, and then it gets what has come with a socketio.PartialError. A
// node that is asked always answers, also with nothing. What it is asked for is carried
// out in the order of the broadcasts, but for what may take long: lists of sockets, and
// events for the program. Those wait for a goroutine of their own, and are refused and
// counted if too many wait.
//
// # Faults
//
// A node notices within 10 s that Redis is away, silent, or no longer brings what is
// published: it publishes a probe to a channel of its own, P-probe#<node>#, every
// Config.ProbeInterval, and hears it by the connection that is subscribed. A user of Redis
// that is limited to some channels needs that one as well. When Redis is back, everything
// is heard and published again within 3 s.
//
// Whatever is lost, somebody counts it. The publisher counts what it could not publish:
// refused at once (RefusedAway, RefusedFull, RefusedBad), certainly not published
// (PublishFailed), or never answered, so that it may have been published or not
// (PublishUnknown); it is not sent again, because twice is worse than late. The receiver
// counts the time in which it may not have heard what others published (Gaps, GapTotal):
// from the sending of the last probe that came back to the confirmation of the new
// subscriptions, which is rather too long than too short. How many messages fell into that
// time it can't know: the wire format numbers nothing. So a message of one node is heard
// by the other members, or it is in the first node's counters, or it falls into a gap of
// those that miss it.
//
// # Histories
//
// For a namespace whose socketio.Recovery has a Window, with a Node that is a socketio.HistoryNode,
// both adapters keep what is recorded in a stream, and the sessions of clients that may come
// back; docs/redis-wire-format.md has the keys. One script appends an event and publishes it, in the
// order of everything else that the node publishes, so that the order of the bus is that of the
// stream. After every loss of the subscribed connection the node is given from the stream what it
// has missed, before what comes by the bus counts again. While that can't be read the node is not
// Healthy, and tries again with each probe.
//
// Each probe brings the heads of the histories, by which a node that hears nothing moves on, and
// has Redis look whether the last event that it accepted from this node, and the last that this node
// was given, are still there. If not, it has lost accepted events, as after a failover or a
// restart without its data: it marks the history, nobody reads over a mark, and every node that
// finds a new one tells its clients (Missed). So it is with what was trimmed before a node
// could read it. A Redis Cluster has no histories: ErrNoHistory.
//
// # A life
//
// New checks the configuration and connects to nothing. Run connects, subscribes to what
// the node says it needs, and then five goroutines work until its context ends: one
// receives, one subscribes, one publishes, and two answer other nodes. With histories a sixth
// trims them. When a connection breaks or falls silent it
// is replaced, everything is subscribed anew, and the length of the gap is logged and
// counted; if Redis still has the former connection, it is told to end it, because other
// nodes would count it as one that never answers. Close frees what New made, after Run has returned.
//
// Join, Leave, Broadcast, Stats and Healthy may be called from any goroutine, at any
// time. None of them waits for Redis, except Join, which waits to be heard. Questions
// wait for their answers.
package redis
