//! One HTTP connection: requests to values, values to responses. Never interprets a path.

use super::caller::{BODY, Caller, IDLE, Stranger};
use super::{body::ApiBody, dress, exec, forward, lab, log, why};
use crate::shell::Plane;
use cluster::{Body, Credential, Impersonation, Method, Request, StreamRequest};
use futures_util::future::{Either, select};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, IF_NONE_MATCH,
    USER_AGENT,
};
use hyper::rt::Timer;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::pin::pin;
use world::SiteId;

/// The largest request body the server reads, as the real one's default.
const BODY_LIMIT: usize = 3 * 1024 * 1024;
/// The largest request line and headers together.
const HEAD_LIMIT: usize = 64 * 1024;

/// Serves one connection until either side ends it.
pub(crate) async fn serve<I>(io: I, shell: Plane, caller: Caller)
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let mut server = http1::Builder::new();
    server.max_buf_size(HEAD_LIMIT).auto_date_header(false);
    if let Some(clock) = caller.clock() {
        server.timer(clock.clone()).header_read_timeout(IDLE);
    }
    let service = service_fn(move |request| {
        let (shell, caller) = (shell.clone(), caller.clone());
        async move { Ok::<_, Infallible>(answer(request, shell, &caller).await) }
    });
    // A connection that breaks or sends no HTTP ends alone; hyper has already said 400 if it could.
    let _ = server.serve_connection(io, service).with_upgrades().await;
}

/// Whom a client wants to be instead of itself, as `--as` sends it.
const IMPERSONATE: &str = "impersonate-";

async fn answer(
    request: hyper::Request<Incoming>,
    shell: Plane,
    caller: &Caller,
) -> hyper::Response<ApiBody> {
    let text = |name: HeaderName| request.headers().get(name)?.to_str().ok();
    let packs = request.method() == hyper::Method::GET && dress::takes_gzip(text(ACCEPT_ENCODING));
    let mut response = match caller.credential(text(AUTHORIZATION)) {
        Err(Stranger::Unknown) => refuse(401, "Unauthorized", "Unauthorized"),
        Err(Stranger::NotEncrypted) => return not_encrypted(),
        Ok(credential) => understand(request, shell.clone(), caller, credential).await,
    };
    if packs {
        dress::pack(&mut response);
    }
    if response.status() != hyper::StatusCode::SWITCHING_PROTOCOLS {
        dress::headers(response.headers_mut(), &shell);
        dress::date(response.headers_mut(), &shell);
    }
    response
}

async fn understand(
    mut request: hyper::Request<Incoming>,
    shell: Plane,
    caller: &Caller,
    credential: Credential,
) -> hyper::Response<ApiBody> {
    let mut value = match read(&mut request, caller).await {
        Ok(value) => value,
        Err(refusal) => return refusal,
    };
    value.credential = credential;
    value.impersonate = impersonation(request.headers());
    // The lab's own paths are the administrator's; to everybody else they are paths like others.
    let known = matches!(value.credential, Credential::Administrator(_))
        && value.impersonate == Impersonation::default();
    if known && why::is_asked(&value) {
        if shell.site() != SiteId::MAIN {
            return refuse(400, "BadRequest", why::ELSEWHERE);
        }
        return why::answer(&shell, &value).await;
    }
    if known && let Some(response) = lab::answer(&shell, &value) {
        return response;
    }
    let response = shell.api(value);
    match response.body {
        Body::Bytes(bytes) => plain(response.status, &response.headers, ApiBody::full(bytes)),
        Body::Watch(id) => plain(
            response.status,
            &response.headers,
            ApiBody::watch(shell, id),
        ),
        Body::Stream(wanted @ StreamRequest::Log { .. }) => log::answer(&shell, &wanted),
        Body::Stream(StreamRequest::PortForward {
            namespace,
            pod,
            ports,
        }) => forward::answer(request, shell, (namespace, pod, ports)),
        Body::Stream(wanted) => exec::answer(request, shell, wanted),
    }
}

/// Takes a request out of HTTP.
async fn read(
    request: &mut hyper::Request<Incoming>,
    caller: &Caller,
) -> Result<Request, hyper::Response<ApiBody>> {
    let body = Limited::new(request.body_mut(), BODY_LIMIT).collect();
    let body = match caller.clock() {
        None => body.await,
        Some(clock) => match select(pin!(body), clock.sleep(BODY)).await {
            Either::Left((body, _)) => body,
            Either::Right(_) => {
                let why = "Timeout: request did not complete within the allotted duration";
                return Err(refuse(504, "Timeout", why));
            }
        },
    };
    let body = match body {
        Ok(body) => body.to_bytes().to_vec(),
        Err(cause) if cause.is::<LengthLimitError>() => {
            return Err(refuse(
                413,
                "RequestEntityTooLarge",
                &format!("Request entity too large: limit is {BODY_LIMIT}"),
            ));
        }
        Err(cause) => return Err(refuse(400, "BadRequest", &cause.to_string())),
    };
    let header = |name: HeaderName| {
        let value = request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok());
        value.map(str::to_owned)
    };
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let mut value = Request::new(method(request.method()), target, "", body);
    value.accept = header(ACCEPT).unwrap_or_default();
    value.content_type = header(CONTENT_TYPE).unwrap_or_default();
    value.if_none_match = header(IF_NONE_MATCH);
    value.user_agent = header(USER_AGENT).unwrap_or_default();
    Ok(value)
}

/// Whom the headers ask to be taken for.
fn impersonation(headers: &hyper::HeaderMap) -> Impersonation {
    let mut wanted = Impersonation::default();
    for (name, value) in headers {
        let Some(part) = name.as_str().strip_prefix(IMPERSONATE) else {
            continue;
        };
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        match part {
            "user" => wanted.user = value,
            "uid" => wanted.uid = value,
            "group" => wanted.groups.push(value),
            part => {
                let key = part.strip_prefix("extra-").unwrap_or_default();
                wanted.extra.push((key.replace("%2f", "/"), value));
            }
        }
    }
    wanted
}

fn method(method: &hyper::Method) -> Method {
    match *method {
        hyper::Method::GET => Method::Get,
        hyper::Method::POST => Method::Post,
        hyper::Method::PUT => Method::Put,
        hyper::Method::PATCH => Method::Patch,
        hyper::Method::DELETE => Method::Delete,
        hyper::Method::HEAD => Method::Head,
        _ => Method::Other,
    }
}

pub(super) fn plain(
    status: u16,
    headers: &[(&'static str, String)],
    body: ApiBody,
) -> hyper::Response<ApiBody> {
    let mut response = hyper::Response::new(body);
    *response.status_mut() =
        hyper::StatusCode::from_u16(status).expect("the API answers with HTTP's own codes");
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(*name),
            HeaderValue::try_from(value.as_str()),
        ) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// What Go's TLS server says to somebody who does not speak TLS.
fn not_encrypted() -> hyper::Response<ApiBody> {
    let words = "Client sent an HTTP request to an HTTPS server.\n";
    let mut response = plain(400, &[], ApiBody::full(words.as_bytes().to_vec()));
    *response.version_mut() = hyper::Version::HTTP_10;
    response
}

/// A `metav1.Status` for what fails before a request has become a value.
pub(super) fn refuse(status: u16, reason: &str, message: &str) -> hyper::Response<ApiBody> {
    let body = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": status,
    });
    let headers = [("content-type", "application/json".to_owned())];
    plain(
        status,
        &headers,
        ApiBody::full(body.to_string().into_bytes()),
    )
}
