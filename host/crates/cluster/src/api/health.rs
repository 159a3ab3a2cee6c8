//! Whether the server is well. It is: whoever can ask is answered by the same thread.

use super::request::{Request, Response};

const CHECKS: [&str; 3] = ["ping", "log", "etcd"];

/// Answers `/healthz`, `/livez` and `/readyz`, and the single checks below them.
pub(super) fn health(request: &Request, name: &str) -> Response {
    let check = request
        .path
        .trim_matches('/')
        .strip_prefix(name)
        .unwrap_or_default();
    match check.trim_matches('/') {
        "" if request.param("verbose").is_some() => {
            let mut text: String = CHECKS
                .iter()
                .map(|check| format!("[+]{check} ok\n"))
                .collect();
            text += &format!("{name} check passed\n");
            Response::text(200, &text)
        }
        "" => Response::text(200, "ok"),
        one if CHECKS.contains(&one) => Response::text(200, "ok"),
        _ => Response::text(404, "404 page not found\n"),
    }
}
