//! Virtual instants as calendar times, for what people read. Never asks what time it is.

use clock::Instant;

/// RFC 3339 with nanoseconds, as the kubelet stamps log lines.
pub(crate) fn rfc3339_nanos(epoch: i64, at: Instant) -> String {
    let stamp = jiff::Timestamp::from_second(epoch)
        .ok()
        .and_then(|start| {
            start
                .checked_add(jiff::SignedDuration::try_from(at.since_start()).ok()?)
                .ok()
        })
        .unwrap_or(jiff::Timestamp::MAX);
    stamp.strftime("%Y-%m-%dT%H:%M:%S.%9fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_counts_from_the_epoch() {
        let at = Instant::from_millis(1_500);
        assert_eq!(
            rfc3339_nanos(1_700_000_000, at),
            "2023-11-14T22:13:21.500000000Z"
        );
    }
}
