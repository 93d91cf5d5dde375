package drive

import "time"

const (
	// inVain is after how many waits in vain, one after the other, a closed loop is given up.
	inVain = 3
	// lonely is how often it is looked whether there is somebody to publish to.
	lonely = 10 * time.Millisecond
)

// byWindow publishes whenever fewer than the window's messages are on their way. What has
// not reached everybody within the ack timeout is not waited for any more. When that
// happens time and again, or there is nobody to publish to, the publishing ends.
func (s *sender) byWindow() {
	timer := newTimer()
	defer timer.Stop()
	stalls := 0
	somebody := s.clock() // when there was somebody to publish to the last time
	for n := int64(0); !s.enough(n) && s.traffic.pass(s.sending); {
		timer.Reset(s.whole.AckTimeout)
		select {
		case <-s.sending.Done():
			return
		case <-s.window.Free():
			switch members := s.send(n, s.clock()); {
			case members > 0:
				n++
				somebody = s.clock()
				stalls = 0
			case s.clock()-somebody > inVain*s.whole.AckTimeout:
				s.warn("%s: there was nobody to publish to for %v: publishing was given up", s.plan.Name, inVain*s.whole.AckTimeout)
				return
			default:
				s.nap(lonely, timer)
			}
		case <-timer.C:
			s.window.Expire(s.audit.Now() - int64(s.whole.AckTimeout))
			s.rec.Error("window: a message did not reach everybody in time", nil)
			if stalls++; stalls == inVain {
				s.warn("%s: %d times one after the other no message reached everybody within %v: publishing was given up",
					s.plan.Name, stalls, s.whole.AckTimeout)
				return
			}
			somebody = s.clock()
		}
	}
}

// nap passes some time, or less when the traffic ends.
func (s *sender) nap(d time.Duration, timer *time.Timer) {
	timer.Reset(d)
	select {
	case <-timer.C:
	case <-s.sending.Done():
	}
}
