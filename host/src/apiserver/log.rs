//! `GET …/pods/NAME/log`: a container's log as a body. Never keeps a log itself.

use super::body::ApiBody;
use super::http::refuse;
use crate::shell::{LogOptions, Plane};
use clock::Duration;
use cluster::StreamRequest;
use hyper::header::{CONTENT_TYPE, HeaderValue};

/// The wanted log, or the kubelet's reason for having none.
pub(super) fn answer(shell: &Plane, wanted: &StreamRequest) -> hyper::Response<ApiBody> {
    let StreamRequest::Log {
        namespace,
        pod,
        container,
        follow,
        previous,
        tail,
        since_seconds,
        since_time,
        timestamps,
        limit_bytes,
    } = wanted
    else {
        return refuse(400, "BadRequest", "not a log request");
    };
    let ago = since_time.map(|then| {
        let now = i128::from(shell.unix_nanos());
        Duration::from_nanos(u64::try_from(now - then).unwrap_or(0))
    });
    let options = LogOptions {
        follow: *follow,
        tail: *tail,
        since: since_seconds.map(Duration::from_secs).or(ago),
        timestamps: timestamps.then(|| shell.epoch()),
        limit_bytes: *limit_bytes,
    };
    match shell.open_log(namespace, pod, container, *previous, options) {
        Ok(reader) => {
            let mut response = hyper::Response::new(ApiBody::Log(reader));
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
            response
        }
        Err(message) => refuse(400, "BadRequest", &message),
    }
}
