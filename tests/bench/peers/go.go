// go: a goroutine a task in the engine's workloads (measure.h), on one processor.
package main

import (
	"context"
	"fmt"
	"math/rand"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

var (
	start    = time.Now()
	workload string
	options  = map[string]string{}
)

func now() int64 { return int64(time.Since(start)) }

func arg(key string, otherwise int) int {
	if n, err := strconv.Atoi(options[key]); err == nil {
		return n
	}
	return otherwise
}

func random(low, high time.Duration) time.Duration {
	return low + time.Duration(rand.Int63n(int64(high-low)))
}

// By the microsecond up to 0.1 s, then by the millisecond up to 200 s.
var late struct {
	byUsec                  [100000]uint32
	byMsec                  [200000]uint32
	n, early, max, earlyMax int64
}

// Written to once, so that it is resident from the start.
func lateBegin() {
	for i := range late.byUsec {
		late.byUsec[i] = 1
	}
	for i := range late.byMsec {
		late.byMsec[i] = 1
	}
	late.byUsec, late.byMsec = [100000]uint32{}, [200000]uint32{}
}

func lateAdd(due int64) {
	nsec := now() - due
	late.n++
	if nsec < 0 {
		late.early++
		if -nsec > late.earlyMax {
			late.earlyMax = -nsec
		}
		nsec = 0
	}
	if nsec > late.max {
		late.max = nsec
	}
	if usec := nsec / 1000; usec < int64(len(late.byUsec)) {
		late.byUsec[usec]++
	} else if msec := usec / 1000; msec < int64(len(late.byMsec)) {
		late.byMsec[msec]++
	}
}

func lateShare(share float64) int64 {
	want, seen := share*float64(late.n), 0.0
	for i, n := range late.byUsec {
		if seen += float64(n); seen > want {
			return int64(i)
		}
	}
	for i, n := range late.byMsec {
		if seen += float64(n); seen > want {
			return int64(i) * 1000
		}
	}
	return late.max / 1000
}

func status(key string) int {
	text, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, key+":") {
			n, _ := strconv.Atoi(strings.Fields(line)[1])
			return n
		}
	}
	return -1
}

type snapshot struct {
	nsec          int64
	user, sys     float64
	nvcsw, nivcsw int64
}

func snap() snapshot {
	var r syscall.Rusage
	syscall.Getrusage(0, &r)
	return snapshot{now(), float64(r.Utime.Nano()) / 1e9, float64(r.Stime.Nano()) / 1e9, r.Nvcsw, r.Nivcsw}
}

func emit(n int, a, b snapshot, extra string) {
	fmt.Printf(`{"peer":"go","w":"%s","n":%d,"wall":%.6f,"user":%.6f,"sys":%.6f,"nvcsw":%d,"nivcsw":%d,`+
		`"threads":%d,"hwm_kb":%d,"rss_kb":%d`, workload, n, float64(b.nsec-a.nsec)/1e9, b.user-a.user, b.sys-a.sys,
		b.nvcsw-a.nvcsw, b.nivcsw-a.nivcsw, status("Threads"), status("VmHWM"), status("VmRSS"))
	if late.n > 0 {
		fmt.Printf(`,"p50":%d,"p99":%d,"p999":%d,"max":%d,"early":%d,"early_max":%.1f,"woke":%d`, lateShare(.5),
			lateShare(.99), lateShare(.999), late.max/1000, late.early, float64(late.earlyMax)/1e3, late.n)
	}
	fmt.Printf("%s}\n", extra)
}

func sleep(d time.Duration) {
	due := now() + int64(d)
	time.Sleep(d)
	lateAdd(due)
}

func sleepOnce(n int) {
	var all sync.WaitGroup
	lateBegin()
	before := snap()
	all.Add(n)
	for i := 0; i < n; i++ {
		d := random(time.Second, 5*time.Second)
		if workload == "w1" {
			d = time.Duration(i+1) * time.Second
		}
		go func() { sleep(d); all.Done() }()
	}
	spawned := float64(now()-before.nsec) / 1e9
	all.Wait()
	emit(n, before, snap(), fmt.Sprintf(`,"spawn_s":%.6f,"left":%d`, spawned, int64(n)-late.n))
}

func ops(a, b snapshot, ops float64) string {
	return fmt.Sprintf(`,"ops":%.0f,"ns_op":%.3f`, ops, float64(b.nsec-a.nsec)/ops)
}

func yieldOnly(n, yields int) {
	var all sync.WaitGroup
	before := snap()
	all.Add(n)
	for i := 0; i < n; i++ {
		go func() {
			for k := 0; k < yields; k++ {
				runtime.Gosched()
			}
			all.Done()
		}()
	}
	all.Wait()
	after := snap()
	emit(n, before, after, ops(before, after, float64(n)*float64(yields)))
}

func sleepAgain(n, secs int) {
	lateBegin()
	before := snap()
	for i := 0; i < n; i++ {
		go func() {
			for {
				sleep(random(10*time.Millisecond, time.Second))
			}
		}()
	}
	time.Sleep(time.Duration(secs) * time.Second)
	emit(n, before, snap(), fmt.Sprintf(`,"ops":%d`, late.n))
}

func sleepLong(n, settle, secs int) {
	for i := 0; i < n; i++ {
		go time.Sleep(random(time.Hour, time.Hour+time.Second))
	}
	time.Sleep(time.Duration(settle) * time.Second)
	before := snap()
	time.Sleep(time.Duration(secs) * time.Second)
	emit(n, before, snap(), "")
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func socketPair() (pair [2]net.Conn) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
	must(err)
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "")
		pair[i], err = net.FileConn(f)
		must(err)
		f.Close()
	}
	return pair
}

func read(c net.Conn, message []byte) {
	for n := 0; n < len(message); {
		k, err := c.Read(message[n:])
		must(err)
		n += k
	}
}

func thereAndBack(n, rounds int) {
	var all sync.WaitGroup
	pairs := make([][2]net.Conn, n)
	for i := range pairs {
		pairs[i] = socketPair()
	}
	all.Add(n)
	before := snap()
	for _, pair := range pairs {
		client, server := pair[0], pair[1]
		go func() {
			message := make([]byte, 64)
			for k := 0; k < rounds; k++ {
				read(server, message)
				server.Write(message)
			}
		}()
		go func() {
			message := make([]byte, 64)
			for k := 0; k < rounds; k++ {
				client.Write(message)
				read(client, message)
			}
			all.Done()
		}()
	}
	all.Wait()
	after := snap()
	emit(n, before, after, ops(before, after, float64(n)*float64(rounds)))
}

var cleaned int

func victim(ctx context.Context, d time.Duration, asleep, gone *sync.WaitGroup) {
	defer gone.Done()
	defer func() { cleaned++ }()
	timer := time.NewTimer(d)
	defer timer.Stop()
	asleep.Done()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func cancelScope(n, cycles int) {
	var sum, best int64
	var rss int
	goroutines := runtime.NumGoroutine()
	before := snap()
	for c := 0; c < cycles; c++ {
		var asleep, gone sync.WaitGroup
		ctx, cancel := context.WithCancel(context.Background())
		asleep.Add(n)
		gone.Add(n)
		for i := 0; i < n; i++ {
			go victim(ctx, random(time.Hour, time.Hour+time.Second), &asleep, &gone)
		}
		asleep.Wait()
		runtime.Gosched()
		begin := now()
		cancel()
		gone.Wait()
		took := now() - begin
		sum += took
		if c == 0 || took < best {
			best = took
		}
		if c == 0 {
			rss = status("VmRSS")
		}
	}
	after := snap()
	runtime.Gosched()
	emit(n, before, after, fmt.Sprintf(`,"ns_op":%.1f,"best_ns":%.1f,"cleaned":%d,"want":%d,"rss_first_kb":%d,"leak":%d`,
		float64(sum)/float64(n*cycles), float64(best)/float64(n), cleaned, n*cycles, rss,
		runtime.NumGoroutine()-goroutines))
}

func main() {
	runtime.GOMAXPROCS(1)
	workload = os.Args[1]
	for _, a := range os.Args[2:] {
		if key, value, found := strings.Cut(a, "="); found {
			options[key] = value
		}
	}
	switch workload {
	case "w1":
		sleepOnce(3)
	case "w2":
		sleepOnce(arg("n", 10000))
	case "w3":
		yieldOnly(arg("tasks", 2), arg("yields", 2500000))
	case "w4":
		sleepAgain(arg("n", 100000), arg("secs", 10))
	case "w5":
		sleepLong(arg("n", 100000), arg("settle", 1), arg("secs", 10))
	case "w6":
		thereAndBack(arg("pairs", 1000), arg("rounds", 1000))
	case "w7":
		cancelScope(arg("n", 100000), arg("cycles", 5))
	default:
		os.Exit(2)
	}
}
