package audit

import "testing"

func TestSmoke(t *testing.T) {
	a := New(Config{})
	r := a.Room("tea")
	w := NewWindow(4)
	p := a.Publisher(7, w)
	s := a.Subscriber(1)
	s.Joining(r)
	s.Joined(r)
	st := p.Stream(r)
	for i := range 10 {
		<-w.Free()
		b, _ := st.Next(nil, 128, 0)
		if i == 3 {
			continue
		}
		if i == 5 {
			b[80] ^= 1
		}
		if i == 7 {
			b[10] ^= 1
		}
		t.Log(s.Received(b))
	}
	s.Finish()
	t.Logf("%+v", a.Sums())
}
