//! `GET …/pods/NAME/log`: a container's log as a body. Never keeps a log itself.

use super::body::ApiBody;
use super::http::refuse;
use crate::shell::{LogOptions, Shell};
use clock::Duration;
use cluster::StreamRequest;
use hyper::header::{CONTENT_TYPE, HeaderValue};

/// The wanted log, or the kubelet's reason for having none.
pub(super) fn answer(shell: &Shell, wanted: &StreamRequest) -> hyper::Response<ApiBody> {
    let StreamRequest::Log {
        namespace,
        pod,
        container,
        follow,
        previous,
        tail,
        since_seconds,
        timestamps,
        limit_bytes,
    } = wanted
    else {
        return refuse(400, "BadRequest", "not a log request");
    };
    let options = LogOptions {
        follow: *follow,
        tail: *tail,
        since: since_seconds.map(Duration::from_secs),
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
