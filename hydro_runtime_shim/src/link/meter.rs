//! What is counted: written by the program's thread alone, read by whoever asks at any time, even while a tick runs.
//!
//! Knows no connections; whoever does something counts it, per frame or per flush, never per item.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::PeerChange;
use super::peer::Peer;
use crate::contract::{Direction, Latency, LinkReport, PeerReport, PortReport};

/// A number with one writer.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds. Not one atomic step: there is one writer, and it costs no more than a plain addition.
    #[inline]
    pub(crate) fn add(&self, amount: u64) {
        self.set(self.get().wrapping_add(amount));
    }

    /// Replaces the number.
    #[inline]
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Returns the number.
    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Limits of the latencies' classes in microseconds.
const LATENCY_MICROS: [u64; 16] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

/// How often something took how long.
#[derive(Debug, Default)]
struct Histogram {
    /// One more than there are limits.
    classes: [Counter; LATENCY_MICROS.len() + 1],
    micros: Counter,
}

impl Histogram {
    fn record(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let class = LATENCY_MICROS.partition_point(|limit| *limit < micros);
        if let Some(count) = self.classes.get(class) {
            count.add(1);
        }
        self.micros.add(micros);
    }

    fn report(&self) -> Latency {
        let mut count = 0;
        let mut buckets = Vec::with_capacity(LATENCY_MICROS.len());
        for (class, limit) in self.classes.iter().zip(LATENCY_MICROS) {
            count += class.get();
            buckets.push((limit as f64 / 1e6, count));
        }
        count += self.classes.last().map_or(0, Counter::get);
        Latency { buckets, sum_seconds: self.micros.get() as f64 / 1e6, count }
    }
}

/// The other end, as it is shown.
#[derive(Clone, Debug)]
struct Name {
    peer: String,
    address: String,
}

/// What one link counts.
#[derive(Debug)]
pub(crate) struct LinkMeter {
    port: &'static str,
    direction: Direction,
    endpoint: OnceLock<String>,
    name: Mutex<Option<Name>>,
    connected: AtomicBool,
    /// Items given to the link, or come over it.
    pub(super) messages: Counter,
    /// Bytes written or read.
    pub(super) bytes: Counter,
    /// Items sent once more.
    pub(super) resent: Counter,
    /// Bytes held.
    pub(super) queue_bytes: Counter,
    /// Items held.
    pub(super) queue_messages: Counter,
    /// Bytes written and not acknowledged.
    pub(super) in_flight: Counter,
    /// Bytes the receiver allows.
    pub(super) window: Counter,
    /// Items that a lossy link left out.
    pub(super) left_out: Counter,
    connections: Counter,
    reconnects: Counter,
    restarts: Counter,
    /// Nanoseconds from the node's start on; 0: never.
    heard_at: Counter,
    latency: Histogram,
}

impl LinkMeter {
    /// Creates the meter of a link that nobody is told of yet.
    pub(super) fn new(port: &'static str, direction: Direction) -> Arc<Self> {
        Arc::new(Self {
            port,
            direction,
            endpoint: OnceLock::new(),
            name: Mutex::default(),
            connected: AtomicBool::new(false),
            messages: Counter::default(),
            bytes: Counter::default(),
            resent: Counter::default(),
            queue_bytes: Counter::default(),
            queue_messages: Counter::default(),
            in_flight: Counter::default(),
            window: Counter::default(),
            left_out: Counter::default(),
            connections: Counter::default(),
            reconnects: Counter::default(),
            restarts: Counter::default(),
            heard_at: Counter::default(),
            latency: Histogram::default(),
        })
    }

    /// The link is one that we dial.
    pub(super) fn dials(&self, endpoint: String) {
        let _ = self.endpoint.set(endpoint);
    }

    /// A connection was made.
    pub(super) fn came(&self, peer: &Peer, change: PeerChange) {
        let name = Name {
            peer: format!("{}.{}", peer.process.service, peer.process.member),
            address: peer.address.to_string(),
        };
        *lock(&self.name) = Some(name);
        self.connections.add(1);
        match change {
            PeerChange::Returned => self.reconnects.add(1),
            PeerChange::Restarted => self.restarts.add(1),
            PeerChange::Joined | PeerChange::Suspected | PeerChange::Left => {}
        }
    }

    /// There is a connection, or there is none.
    pub(super) fn set_connected(&self, connected: bool) {
        self.connected.store(connected, Ordering::Relaxed);
    }

    fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// Something was heard of the peer.
    #[inline]
    pub(super) fn heard(&self, clock: &Clock) {
        if clock.runs() {
            self.heard_at.set(clock.nanos());
        }
    }

    /// What a tick had sent was acknowledged after this time.
    pub(super) fn took(&self, time: Duration) {
        self.latency.record(time);
    }

    fn peer_name(&self) -> Option<String> {
        lock(&self.name).as_ref().map(|name| name.peer.clone())
    }

    fn last_heard_seconds(&self, clock: &Clock) -> Option<f64> {
        let heard_at = self.heard_at.get();
        (heard_at > 0).then(|| clock.nanos().saturating_sub(heard_at) as f64 / 1e9)
    }

    fn report(&self, clock: &Clock) -> LinkReport {
        LinkReport {
            port: self.port.to_owned(),
            direction: Some(self.direction),
            peer: self.peer_name(),
            endpoint: self.endpoint.get().cloned(),
            connected: self.is_connected(),
            messages: self.messages.get(),
            bytes: self.bytes.get(),
            resent: self.resent.get(),
            queue_bytes: self.queue_bytes.get(),
            queue_messages: self.queue_messages.get(),
            in_flight_bytes: self.in_flight.get(),
            window_bytes: self.window.get(),
            left_out: self.left_out.get(),
            connections: self.connections.get(),
            reconnects: self.reconnects.get(),
            restarts: self.restarts.get(),
            last_heard_seconds: self.last_heard_seconds(clock),
            latency: self.latency.report(),
        }
    }

    fn peer_report(&self, clock: &Clock) -> PeerReport {
        let name = lock(&self.name).clone();
        PeerReport {
            port: self.port.to_owned(),
            direction: self.direction,
            peer: name.as_ref().map(|name| name.peer.clone()),
            address: name.map(|name| name.address),
            endpoint: self.endpoint.get().cloned(),
            connected: self.is_connected(),
            last_heard_seconds: self.last_heard_seconds(clock),
        }
    }
}

/// The time since the program's start. Nobody looks at it for the sake of counting unless somebody may ask.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    runs: AtomicBool,
}

impl Clock {
    /// From now on somebody may ask.
    pub(crate) fn start(&self) {
        self.runs.store(true, Ordering::Relaxed);
    }

    /// Tells whether somebody may ask.
    #[inline]
    pub(crate) fn runs(&self) -> bool {
        self.runs.load(Ordering::Relaxed)
    }

    /// Returns the time, never 0.
    pub(crate) fn nanos(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
    }
}

/// What a process counts.
#[derive(Debug)]
pub(crate) struct Meters {
    /// Its clock.
    pub(crate) clock: Clock,
    /// How often the dataflow ran.
    ticks: Counter,
    busy_nanos: Counter,
    /// When the present tick began; 0: there is none.
    tick_began: Counter,
    /// Set when the process is on its way out.
    pub(super) stopping: AtomicBool,
    links: Mutex<Vec<Weak<LinkMeter>>>,
    ports: Mutex<Vec<(&'static str, Arc<Counter>)>>,
}

impl Meters {
    /// Begins to count.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            clock: Clock { started: Instant::now(), runs: AtomicBool::new(false) },
            ticks: Counter::default(),
            busy_nanos: Counter::default(),
            tick_began: Counter::default(),
            stopping: AtomicBool::new(false),
            links: Mutex::default(),
            ports: Mutex::default(),
        })
    }

    /// Shows a link to whoever asks, while it is there.
    pub(super) fn show(&self, link: &Arc<LinkMeter>) {
        let mut links = lock(&self.links);
        links.retain(|other| other.strong_count() > 0 && other.as_ptr() != Arc::as_ptr(link));
        links.push(Arc::downgrade(link));
    }

    /// Shows a link no longer: it is ended on purpose.
    pub(super) fn hide(&self, link: &Arc<LinkMeter>) {
        lock(&self.links).retain(|other| other.as_ptr() != Arc::as_ptr(link));
    }

    /// Shows how many items of a port were dropped.
    pub(super) fn show_port(&self, port: &'static str, dropped: &Arc<Counter>) {
        lock(&self.ports).push((port, Arc::clone(dropped)));
    }

    /// Runs a tick.
    #[inline]
    pub(crate) fn tick(&self, run: impl FnOnce()) {
        if !self.clock.runs() {
            return run();
        }
        let began = self.clock.nanos();
        self.tick_began.set(began);
        run();
        self.tick_began.set(0);
        self.busy_nanos.add(self.clock.nanos().saturating_sub(began));
        self.ticks.add(1);
    }

    /// Counts ticks.
    pub(crate) fn ticks(&self) -> u64 {
        self.ticks.get()
    }

    /// Returns how long the program was in ticks, with the present one.
    pub(crate) fn busy_seconds(&self) -> f64 {
        self.busy_nanos.get() as f64 / 1e9 + self.tick_running_seconds()
    }

    /// Returns how long the present tick has been running.
    pub(crate) fn tick_running_seconds(&self) -> f64 {
        match self.tick_began.get() {
            0 => 0.0,
            began => self.clock.nanos().saturating_sub(began) as f64 / 1e9,
        }
    }

    /// Returns how long the program has been running.
    pub(crate) fn uptime_seconds(&self) -> f64 {
        self.clock.nanos() as f64 / 1e9
    }

    /// Tells whether the process is on its way out.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Returns what the links count.
    pub(crate) fn links(&self) -> Vec<LinkReport> {
        self.each(|link| link.report(&self.clock))
    }

    /// Returns who is at their other ends.
    pub(crate) fn peers(&self) -> Vec<PeerReport> {
        self.each(|link| link.peer_report(&self.clock))
    }

    fn each<T>(&self, report: impl Fn(&LinkMeter) -> T) -> Vec<T> {
        lock(&self.links).iter().filter_map(Weak::upgrade).map(|link| report(&link)).collect()
    }

    /// Returns what ports count.
    pub(crate) fn ports(&self) -> Vec<PortReport> {
        let report = |(port, dropped): &(&'static str, Arc<Counter>)| PortReport {
            port: (*port).to_owned(),
            dropped: dropped.get(),
        };
        lock(&self.ports).iter().map(report).collect()
    }
}

/// Nobody panics while holding one of these, and if somebody did, a half-told name would be the worst of it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_in_its_class_and_all_above() {
        let histogram = Histogram::default();
        for micros in [50, 51, 3_000_000, 60_000_000] {
            histogram.record(Duration::from_micros(micros));
        }
        let Latency { buckets, sum_seconds, count } = histogram.report();
        let at = |limit: f64| buckets.iter().find(|bucket| bucket.0 == limit).map(|bucket| bucket.1);
        assert_eq!((at(0.00005), at(0.0001), at(2.5), at(10.0)), (Some(1), Some(2), Some(2), Some(3)));
        assert_eq!(count, 4);
        assert!((sum_seconds - 63.000_101).abs() < 1e-9);
    }

    #[test]
    fn a_link_that_is_gone_is_shown_no_more() {
        let meters = Meters::new();
        let link = LinkMeter::new("i", Direction::Input);
        meters.show(&link);
        meters.show(&link);
        assert_eq!(meters.links().len(), 1);
        drop(link);
        assert_eq!(meters.links().len(), 0);
    }
}
