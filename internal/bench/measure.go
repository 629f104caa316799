package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const (
	// planSize is the number of versions of the plan that is compared with the peer's.
	planSize = 300
	// roundTrip is the latency that is added to each request for a second look.
	roundTrip = 100 * time.Millisecond
	// roundTrips is how many round trips a plan may take longer than the peer's, which asks nobody.
	roundTrips = 5
)

// overview compares size, start-up, and a plan over a long key history with the peer's.
func (b *bench) overview(ctx context.Context) error {
	b.say("| | this provider | terraform-provider-tls | ratio |\n|---|---|---|---|")
	ours, err := size(b.Provider)
	if err != nil {
		return err
	}
	peer, err := size(b.Peer)
	if err != nil {
		return err
	}
	b.say("| size of the binary | %s | %s | %s |", megabytes(ours), megabytes(peer), ratio(ours, peer))
	if err := b.startUp(ctx); err != nil {
		return err
	}

	p, err := b.plans(ctx, planSize)
	if err != nil {
		return err
	}
	b.say("| plan of %d resources | %s | %s | %s |", p.resources(), milliseconds(p.plan.wall), milliseconds(p.peer.wall),
		ratio(p.plan.wall, p.peer.wall))
	b.say("| processor time of CLI and provider in it | %s | %s | %s |", milliseconds(p.plan.cpu),
		milliseconds(p.peer.cpu), ratio(p.plan.cpu, p.peer.cpu))
	b.say("| peak resident memory of the provider in it | %s | %s | %s |", megabytes(p.plan.memory),
		megabytes(p.peer.memory), ratio(p.plan.memory, p.peer.memory))
	b.say("| API calls in it, a token being given | %d | 0 | |", p.calls)
	allowed := time.Duration(0)
	if p.peer.wall > 0 {
		allowed = p.peer.wall + roundTrips*roundTrip
	}
	b.say("| the plan at %s a round trip; beside it tls and %d round trips | %s | %s | %s |\n", milliseconds(roundTrip),
		roundTrips, milliseconds(p.slow.wall), milliseconds(allowed),
		ratio(p.slow.wall, allowed))

	return nil
}

// size returns the size of a file in bytes, 0 for no path.
func size(path string) (int64, error) {
	if path == "" {
		return 0, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}

	return info.Size(), nil
}

// startUp compares what a CLI does first with a provider: to start it and to ask for its schemas.
func (b *bench) startUp(ctx context.Context) error {
	mine := &world{dir: filepath.Join(b.folder, "schema-ours")}
	if err := b.layOut(mine, ourSource, b.Provider, required("salesforcebyok", ourSource)); err != nil {
		return err
	}
	things := []func() (sample, error){func() (sample, error) { return b.schema(ctx, mine, b.Provider) }, nil}
	if b.Peer != "" {
		theirs := &world{dir: filepath.Join(b.folder, "schema-peer")}
		if err := b.layOut(theirs, peerSource, b.Peer, required("tls", peerSource)); err != nil {
			return err
		}
		things[1] = func() (sample, error) { return b.schema(ctx, theirs, b.Peer) }
	}
	medians, err := b.inTurns(things...)
	if err != nil {
		return err
	}
	b.say("| start-up: `terraform providers schema -json` | %s | %s | %s |", milliseconds(medians[0].wall),
		milliseconds(medians[1].wall), ratio(medians[0].wall, medians[1].wall))

	return nil
}

// point is the cost of a plan over one number of versions.
type point struct {
	versions, calls int
	// plan and peer are without latency, slow at roundTrip. peer is zero if there is none.
	plan, slow, peer sample
}

// resources is how many resources the plan is over.
func (p point) resources() int { return p.versions + lineages + certificates }

// plans measures a plan over a key history, without and with latency, and the peer's plan of as
// many resources.
func (b *bench) plans(ctx context.Context, versions int) (_ point, err error) {
	p := point{versions: versions}
	w, err := b.org(ctx, versions)
	if err != nil {
		return p, err
	}
	defer w.close()
	before := len(w.sim.Requests())
	if _, err := b.plan(ctx, w, b.Provider); err != nil {
		return p, err
	}
	p.calls = len(w.sim.Requests()) - before

	at := func(latency time.Duration) func() (sample, error) {
		return func() (sample, error) {
			w.latency.Store(int64(latency))

			return b.plan(ctx, w, b.Provider)
		}
	}
	things := []func() (sample, error){at(0), at(roundTrip), nil}
	if b.Peer != "" {
		theirs, err := b.peerWorld(ctx, p.resources())
		if err != nil {
			return p, err
		}
		things[2] = func() (sample, error) { return b.plan(ctx, theirs, b.Peer) }
	}
	medians, err := b.inTurns(things...)
	if err != nil {
		return p, err
	}
	p.plan, p.slow, p.peer = medians[0], medians[1], medians[2]

	return p, nil
}

// growth shows how the cost of a plan grows with the number of records.
func (b *bench) growth(ctx context.Context) error {
	b.say("| key versions in state | API calls | plan | plan at %s | memory | tls: plan of as many | tls: memory | "+
		"ratio of the plans |\n|---|---|---|---|---|---|---|---|", milliseconds(roundTrip))
	var points []point
	for _, n := range b.Sizes {
		p, err := b.plans(ctx, n)
		if err != nil {
			return err
		}
		b.say("| %d | %d | %s | %s | %s | %s | %s | %s |", p.versions, p.calls, milliseconds(p.plan.wall),
			milliseconds(p.slow.wall), megabytes(p.plan.memory), milliseconds(p.peer.wall),
			megabytes(p.peer.memory), ratio(p.plan.wall, p.peer.wall))
		points = append(points, p)
	}
	b.say("")
	if b.Plot == "" {
		return nil
	}

	return os.WriteFile(b.Plot, []byte(plot(points, machine())), 0o600)
}

// rotationRuns is how many rotations are timed together.
const rotationRuns = 20

// rotations times applies that each rotate one key.
func (b *bench) rotations(ctx context.Context) error {
	w, err := b.org(ctx, 1)
	if err != nil {
		return err
	}
	defer w.close()
	before, start := len(w.sim.Requests()), time.Now()
	for i := range rotationRuns {
		if err := b.terraform(ctx, w.dir, append(w.env, fmt.Sprintf("TF_VAR_trigger=%d", i+1)), "apply", "-auto-approve",
			"-input=false"); err != nil {
			return err
		}
	}
	took, calls := time.Since(start), len(w.sim.Requests())-before
	b.say("%d applies that rotate one key each, with the refresh and the plan in each of them: %s together, %s and %d "+
		"API calls each.\n", rotationRuns, milliseconds(took),
		milliseconds(took/rotationRuns), calls/rotationRuns)

	return nil
}

// ratio prints ours against the peer's.
func ratio[T ~int64](ours, peer T) string {
	if peer == 0 {
		return "-"
	}

	return strconv.FormatFloat(float64(ours)/float64(peer), 'f', 2, 64)
}

func milliseconds(d time.Duration) string {
	if d == 0 {
		return "-"
	}

	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 0, 64) + " ms"
}

func megabytes(n int64) string {
	if n == 0 {
		return "-"
	}

	return strconv.FormatFloat(float64(n)/1e6, 'f', 1, 64) + " MB"
}
