package sfsim

// estate is the state of what surrounds the tenant secrets: deployments, settings without a rule of
// their own, root keys, data encryption keys, callouts and events. It hangs off the world, so that
// Reset drops it too.
type estate struct {
	deployments []*deployment
	retrievals  []*retrieval
	switches    map[string]bool // settings that nothing here depends on, by metadata name
	rootKeys    []*rootKey
	dataKeys    []*dataKey
	callouts    []*callout
	retries     map[string]*retry // by tenant secret id
	events      []keyEvent
	known       map[string]string // status of each tenant secret after the last request, by id
	requests    int
}

func (w *world) estate() *estate {
	if w.extra == nil {
		w.extra = map[string]any{}
	}
	e, ok := w.extra["estate"].(*estate)
	if !ok {
		e = &estate{switches: map[string]bool{}, retries: map[string]*retry{}}
		w.extra["estate"] = e
	}
	return e
}

// catchUp lets happen what is due by now: deployments end, cache-only keys are asked for again,
// event log files appear. Salesforce does these by itself; the simulator does them when the next
// request comes in.
func (c *call) catchUp() {
	for _, d := range c.s.world.estate().deployments {
		d.finishWhenDue(c)
	}
	c.retryCallouts()
}
