//! When a container is asked how it is, and what its answers add up to. Never asks by itself.

use super::command::ProbeKind;
use crate::controller::meta::{items, text};
use clock::{Duration, Instant};
use serde_json::Value;

/// What a probe is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// Has it started? Until then nobody asks anything else.
    Startup,
    /// Must it be restarted?
    Liveness,
    /// May it be sent requests?
    Readiness,
}

/// One probe of one running container.
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    pub(crate) purpose: Purpose,
    period: Duration,
    timeout: Duration,
    success_threshold: u32,
    failure_threshold: u32,
    /// The last answer and how often it came in a row.
    streak: Option<(bool, u32)>,
    /// What the answers add up to; `None` before the first threshold.
    pub(crate) verdict: Option<bool>,
    next_at: Instant,
    asked: Option<u64>,
}

/// How soon the kubelet notices that a container runs.
const NOTICED: Duration = Duration::from_millis(500);

/// The first tick of a clock that started at `since` that comes after `after`.
fn next_tick(since: Instant, period: Duration, after: Instant) -> Instant {
    let (since, period) = (
        since.as_nanos(),
        u64::try_from(period.as_nanos()).unwrap_or(u64::MAX).max(1),
    );
    let passed = after.as_nanos().saturating_sub(since);
    Instant::from_nanos(since + (passed / period + 1) * period)
}

impl Probe {
    /// The probes a container defines, the first due after their initial delay.
    ///
    /// As the kubelet's workers do: they look at every period since the pod came to the node, and
    /// the readiness probe besides as soon as the kubelet has noticed that the container runs.
    pub(crate) fn all(container: &Value, pod_since: Instant, running_since: Instant) -> Vec<Self> {
        let fields = [
            ("startupProbe", Purpose::Startup),
            ("livenessProbe", Purpose::Liveness),
            ("readinessProbe", Purpose::Readiness),
        ];
        let probes = fields.into_iter().filter_map(|(field, purpose)| {
            let spec = container.get(field).filter(|spec| spec.is_object())?;
            Some(Self::new(spec, purpose, pod_since, running_since))
        });
        probes.collect()
    }

    fn new(spec: &Value, purpose: Purpose, pod_since: Instant, running_since: Instant) -> Self {
        let number = |field: &str, default: u64| spec[field].as_u64().unwrap_or(default);
        let count = |field: &str, default: u64| {
            u32::try_from(number(field, default).max(1)).unwrap_or(u32::MAX)
        };
        let period = Duration::from_secs(number("periodSeconds", 10).max(1));
        let delayed = running_since + Duration::from_secs(number("initialDelaySeconds", 0));
        let next_at = match purpose {
            Purpose::Readiness => delayed.max(running_since + NOTICED),
            Purpose::Startup | Purpose::Liveness => next_tick(pod_since, period, delayed),
        };
        Self {
            purpose,
            period,
            timeout: Duration::from_secs(number("timeoutSeconds", 1).max(1)),
            success_threshold: count("successThreshold", 1),
            failure_threshold: count("failureThreshold", 3),
            streak: None,
            verdict: None,
            next_at,
            asked: None,
        }
    }

    /// When it wants to ask next; never while an answer is outstanding.
    pub(crate) fn poll_at(&self) -> Option<Instant> {
        self.asked.is_none().then_some(self.next_at)
    }

    /// Asks, under this number; the timeout to wait for.
    pub(crate) fn ask(&mut self, id: u64, now: Instant) -> Duration {
        self.asked = Some(id);
        self.next_at = now + self.period;
        self.timeout
    }

    /// Lets one time go by without a question, and without a result.
    pub(crate) fn pass(&mut self, now: Instant) {
        self.next_at = now + self.period;
    }

    /// Lets a probe begin that had to wait for the startup probe.
    pub(crate) fn not_before(&mut self, now: Instant) {
        self.next_at = self.next_at.max(now);
    }

    /// Takes an answer; whether it was to this probe.
    pub(crate) fn answer(&mut self, id: u64, ok: bool) -> bool {
        if self.asked != Some(id) {
            return false;
        }
        self.asked = None;
        let count = match self.streak {
            Some((last, count)) if last == ok => count.saturating_add(1),
            _ => 1,
        };
        self.streak = Some((ok, count));
        let threshold = if ok {
            self.success_threshold
        } else {
            self.failure_threshold
        };
        if count >= threshold {
            self.verdict = Some(ok);
        }
        true
    }

    /// Its name in Events.
    pub(crate) fn word(&self) -> &'static str {
        match self.purpose {
            Purpose::Startup => "Startup",
            Purpose::Liveness => "Liveness",
            Purpose::Readiness => "Readiness",
        }
    }

    /// The field of the container that defines it.
    pub(crate) fn field(&self) -> &'static str {
        match self.purpose {
            Purpose::Startup => "startupProbe",
            Purpose::Liveness => "livenessProbe",
            Purpose::Readiness => "readinessProbe",
        }
    }
}

/// Why [`kind_of`] made nothing of a handler: a port that neither the container names nor is a
/// number, in the words of Go's `strconv`, or a way of asking that this lab has not.
pub(crate) fn why_not(handler: &Value) -> String {
    let named = ["httpGet", "tcpSocket"]
        .iter()
        .find_map(|way| handler[*way]["port"].as_str());
    match named {
        Some(port) => format!("strconv.Atoi: parsing \"{port}\": invalid syntax"),
        None => "not in this lab: probes by gRPC".to_owned(),
    }
}

/// How a handler (`httpGet`, `tcpSocket`, `exec`) asks a pod with this address.
pub(crate) fn kind_of(handler: &Value, container: &Value, pod_ip: &str) -> Option<ProbeKind> {
    let port = |value: &Value| -> Option<u16> {
        let number = value.as_u64().or_else(|| {
            let named = items(&container["ports"])
                .iter()
                .find(|port| port["name"] == *value)?;
            named["containerPort"].as_u64()
        });
        u16::try_from(number.or_else(|| text(value).parse().ok())?).ok()
    };
    let host = |value: &Value| {
        value
            .as_str()
            .filter(|host| !host.is_empty())
            .unwrap_or(pod_ip)
            .to_owned()
    };
    if let Some(http) = handler.get("httpGet").filter(|http| http.is_object()) {
        let headers = items(&http["httpHeaders"]).iter();
        return Some(ProbeKind::Http {
            host: host(&http["host"]),
            port: port(&http["port"])?,
            path: http["path"].as_str().unwrap_or("/").to_owned(),
            scheme: http["scheme"].as_str().unwrap_or("HTTP").to_owned(),
            headers: headers
                .map(|header| {
                    (
                        text(&header["name"]).to_owned(),
                        text(&header["value"]).to_owned(),
                    )
                })
                .collect(),
        });
    }
    if let Some(tcp) = handler.get("tcpSocket").filter(|tcp| tcp.is_object()) {
        return Some(ProbeKind::Tcp {
            host: host(&tcp["host"]),
            port: port(&tcp["port"])?,
        });
    }
    let exec = handler.get("exec").filter(|exec| exec.is_object())?;
    Some(ProbeKind::Exec {
        command: items(&exec["command"])
            .iter()
            .map(|word| text(word).to_owned())
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn three_failures_in_a_row_make_a_verdict_and_one_success_unmakes_it() {
        let container = json!({"readinessProbe": {"tcpSocket": {"port": 80}}});
        let mut probe = Probe::all(&container, Instant::ZERO, Instant::ZERO).remove(0);
        let mut answer = |ok: bool| {
            probe.ask(1, Instant::ZERO);
            assert!(probe.answer(1, ok));
            probe.verdict
        };
        assert_eq!(
            [answer(false), answer(false), answer(true)],
            [None, None, Some(true)]
        );
        assert_eq!(
            [answer(false), answer(false), answer(false)],
            [Some(true), Some(true), Some(false)]
        );
    }

    #[test]
    fn a_probe_waits_its_initial_delay_and_then_asks_at_every_period_since_the_pod_came() {
        let container = json!({"livenessProbe": {"tcpSocket": {"port": 80}, "initialDelaySeconds": 5, "periodSeconds": 3}});
        let (came, runs) = (Instant::from_secs(9), Instant::from_secs(10));
        let mut probe = Probe::all(&container, came, runs).remove(0);
        // It runs since 10 and is left alone until 15, which is a tick of 9, 12, 15, 18 only after.
        assert_eq!(probe.poll_at(), Some(Instant::from_secs(18)));
        probe.ask(7, Instant::from_secs(18));
        assert_eq!(probe.poll_at(), None);
        assert!(!probe.answer(6, true));
        assert!(probe.answer(7, true));
        assert_eq!(probe.poll_at(), Some(Instant::from_secs(21)));
    }

    #[test]
    fn a_readiness_probe_asks_as_soon_as_the_container_is_seen_to_run() {
        let container = json!({"readinessProbe": {"tcpSocket": {"port": 80}}});
        let runs = Instant::from_secs(10);
        let probe = Probe::all(&container, Instant::from_secs(9), runs).remove(0);
        assert_eq!(probe.poll_at(), Some(runs + NOTICED));
    }

    #[test]
    fn a_named_port_is_the_containers() {
        let container = json!({"ports": [{"name": "http", "containerPort": 8080}]});
        let kind = kind_of(
            &json!({"httpGet": {"port": "http", "path": "/nope"}}),
            &container,
            "10.244.0.5",
        );
        let Some(ProbeKind::Http {
            host,
            port,
            path,
            scheme,
            ..
        }) = kind
        else {
            panic!("an HTTP probe")
        };
        assert_eq!(
            (host.as_str(), port, path.as_str(), scheme.as_str()),
            ("10.244.0.5", 8080, "/nope", "HTTP")
        );
    }
}
