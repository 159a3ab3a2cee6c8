//! The Kubernetes API as a function of a request. Never speaks HTTP and never waits.
//!
//! Start at [`Api::handle`]: `route` finds what a path means, then one file per thing that can be
//! done answers. What kinds there are, and everything about each, is in [`crate::kind`].

mod address;
mod admission;
mod authenticate;
mod authorize;
mod body;
mod connect;
mod decode;
mod discovery;
mod draft;
mod ephemeral;
mod eviction;
mod go_json;
mod health;
mod lab;
mod limits;
mod managed;
mod negotiate;
mod openapi;
mod options;
mod patch;
mod pod;
mod protobuf;
pub(crate) mod quota;
mod read;
mod remove;
mod request;
mod resize;
mod review;
mod route;
mod scale;
mod schema;
mod selector_parser;
mod status;
mod table;
mod token;
mod token_request;
mod twice;
mod user;
mod view;
mod watch;
mod write;

pub mod base64;
pub mod selector;

pub use lab::{SurfaceField, api_surface, entries_without_field};
pub use request::{
    Body, Credential, Impersonation, Method, Request, Response, StreamRequest, WatchId, WatchPoll,
};
pub use status::Failure;

pub(crate) use admission::{create_pod, furnish_namespace, furniture, root_ca_bundle, why_no_pod};
pub(crate) use discovery::GIT_VERSION;
pub(crate) use go_json::object_in;
pub(crate) use token::{Claims, Issuer};

use crate::kind::view::View;
use crate::registry::Registry;
use crate::store::Store;
use address::Addresses;
use authenticate::Authenticator;
use clock::{Instant, Seed};
use jiff::Timestamp;
use route::{Route, Target, route};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use user::User;
use watch::Watches;

/// The API server: what it keeps besides the objects.
#[derive(Debug)]
pub struct Api {
    server: SocketAddrV4,
    addresses: Addresses,
    authenticator: Authenticator,
    watches: Watches,
    /// Watches whose events are told as those of another view.
    views: BTreeMap<WatchId, &'static View>,
}

/// One request and all that answering it may touch.
struct Call<'a> {
    store: &'a mut Store,
    registry: &'a mut Registry,
    addresses: &'a mut Addresses,
    authenticator: &'a mut Authenticator,
    request: &'a Request,
    user: &'a User,
    now: Instant,
    wall: Timestamp,
}

impl Api {
    /// An API server at this address, giving Services addresses out of this network.
    #[must_use]
    pub fn new(seed: Seed, server: SocketAddrV4, service_cidr: (Ipv4Addr, u8)) -> Self {
        let addresses = Addresses::new(service_cidr, seed.stream("service-addresses"));
        Self {
            server,
            addresses,
            authenticator: Authenticator::new(Issuer::of_seed(seed)),
            watches: Watches::default(),
            views: BTreeMap::new(),
        }
    }

    /// From now on tokens are signed with another key.
    pub(crate) fn sign_with(&mut self, issuer: Issuer) {
        self.authenticator = Authenticator::new(issuer);
    }

    /// Answers a request, if its user may make it.
    pub fn handle(
        &mut self,
        store: &mut Store,
        registry: &mut Registry,
        now: Instant,
        request: &Request,
    ) -> Response {
        let answer = self.answer_to(store, registry, now, request);
        let mut response = answer.unwrap_or_else(Response::from);
        if let Route::Objects(target) = route(&request.path)
            && let Some(warning) = target.kind.deprecation()
        {
            response.warn(warning);
        }
        if wants_pretty(request) {
            response.prettify();
        }
        if request.method == Method::Head
            && let Body::Bytes(bytes) = &mut response.body
        {
            bytes.clear();
        }
        response
    }

    fn answer_to(
        &mut self,
        store: &mut Store,
        registry: &mut Registry,
        now: Instant,
        request: &Request,
    ) -> Result<Response, Failure> {
        let wall = registry.wall(now);
        let user = self.authenticator.user_of(store, wall, request)?;
        authorize::check(store, &user, request)?;
        self.answer(store, registry, now, request, &user)
    }

    fn answer(
        &mut self,
        store: &mut Store,
        registry: &mut Registry,
        now: Instant,
        request: &Request,
        user: &User,
    ) -> Result<Response, Failure> {
        let nothing = || Response::text(404, "404 page not found\n");
        let wall = registry.wall(now);
        if request.body.len() > MAX_BODY {
            return Err(Failure::too_large(MAX_BODY));
        }
        match route(&request.path) {
            Route::Nowhere if request.path == "/metrics" => Ok(Response::text(
                404,
                "not in this lab: metrics of the API server\n",
            )),
            Route::Nowhere => Ok(self.keys(&request.path).unwrap_or_else(nothing)),
            Route::Health(name) => Ok(health::health(request, name)),
            Route::Discovery if !is_read(request.method) => Err(Failure::method_not_allowed()),
            Route::Discovery => {
                Ok(discovery::describe(request, self.server)?.unwrap_or_else(nothing))
            }
            Route::View(view) => {
                let kept = view::of_kept(view, request)?;
                let answer = self.answer(store, registry, now, &kept, user);
                let response = answer.unwrap_or_else(Response::from);
                if let Body::Watch(id) = response.body {
                    self.views.insert(id, view);
                }
                Ok(view::from_kept(view, response))
            }
            Route::Review(target) => {
                let mut call = Call {
                    store,
                    registry,
                    addresses: &mut self.addresses,
                    authenticator: &mut self.authenticator,
                    request,
                    user,
                    now,
                    wall,
                };
                review::review(&mut call, &target)
            }
            Route::Objects(target) if is_watch(&target, request) => {
                self.watches.open(store, &target, request, now)
            }
            Route::Objects(target) => {
                let mut call = Call {
                    store,
                    registry,
                    addresses: &mut self.addresses,
                    authenticator: &mut self.authenticator,
                    request,
                    user,
                    now,
                    wall,
                };
                objects(&mut call, &target)
            }
        }
    }

    /// What others check tokens with: OpenID Connect's discovery and the key itself.
    fn keys(&self, path: &str) -> Option<Response> {
        const SET: &str = "/openid/v1/jwks";
        let (type_, value) = match path {
            SET => (
                "application/jwk-set+json",
                self.authenticator.issuer().key_set(),
            ),
            "/.well-known/openid-configuration" => (
                "application/json",
                serde_json::json!({
                    "issuer": token::ISSUER,
                    "jwks_uri": format!("https://{}{SET}", self.server),
                    "response_types_supported": ["id_token"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["ES256"],
                }),
            ),
            _ => return None,
        };
        let body = value.to_string().into_bytes();
        Some(Response::of_type(200, type_, body))
    }

    /// What a watch has to say now.
    pub fn poll_watch(
        &mut self,
        store: &Store,
        now: Instant,
        wall: Timestamp,
        id: WatchId,
    ) -> WatchPoll {
        let poll = self.watches.poll(store, id, now, wall);
        let Some(view) = self.views.get(&id).copied() else {
            return poll;
        };
        if poll == WatchPoll::Closed {
            self.views.remove(&id);
        }
        view::lines_from_kept(view, poll)
    }

    /// Ends a watch.
    pub fn close_watch(&mut self, id: WatchId) {
        self.views.remove(&id);
        self.watches.close(id);
    }

    /// How many watches run.
    #[must_use]
    pub fn watches(&self) -> usize {
        self.watches.count()
    }

    /// Time has passed: ends the watches that were opened for so long.
    pub fn handle_time(&mut self, now: Instant) {
        self.watches.handle_time(now);
    }

    /// When a watch ends by itself.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        self.watches.poll_at()
    }
}

/// The largest body that is read, as upstream's default.
const MAX_BODY: usize = 3 * 1024 * 1024;

/// Whether to write for people: as the query says, or else for those with curl or a browser.
/// Descriptions of the whole API are written once, for all.
fn wants_pretty(request: &Request) -> bool {
    if request.path == "/version" || request.path.starts_with("/openapi/") {
        return false;
    }
    match request.param("pretty") {
        Some(pretty) if !pretty.is_empty() => {
            matches!(pretty, "1" | "t" | "T" | "true" | "True" | "TRUE")
        }
        _ => ["curl", "Wget", "Mozilla/5.0"]
            .iter()
            .any(|agent| request.user_agent.starts_with(agent)),
    }
}

fn is_read(method: Method) -> bool {
    matches!(method, Method::Get | Method::Head)
}

fn is_watch(target: &Target<'_>, request: &Request) -> bool {
    let asked = matches!(request.param("watch"), Some("true" | "1" | ""));
    request.method == Method::Get && asked && target.subresource.is_none()
}

fn objects(call: &mut Call<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    let (method, request, wall) = (call.request.method, call.request, call.wall);
    if let Some(refusal) = lacking(call, target) {
        return Err(refusal);
    }
    // A decision about a request for a certificate is a part of its status.
    let decided = Target {
        subresource: Some("status"),
        ..*target
    };
    let target = match target.subresource {
        Some("approval") => &decided,
        _ => target,
    };
    match (target.subresource, target.name, method) {
        (Some("scale"), _, Method::Get | Method::Head | Method::Put | Method::Patch) => {
            scale::scale(call, target)
        }
        (Some("exec" | "attach" | "portforward"), _, Method::Get | Method::Post)
        | (Some("log"), _, Method::Get) => connect::connect(call.store, target, request),
        (Some("binding"), _, Method::Post) => pod::bind(call, target),
        (Some("eviction"), _, Method::Post) => eviction::evict(call, target),
        (Some("finalize"), _, Method::Put) => write::replace(call, target),
        (
            Some("status" | "ephemeralcontainers" | "resize") | None,
            Some(_),
            Method::Get | Method::Head,
        ) => read::get(call.store, target, request, wall),
        (Some("status" | "ephemeralcontainers" | "resize") | None, Some(_), Method::Put) => {
            write::replace(call, target)
        }
        (Some("status" | "ephemeralcontainers" | "resize") | None, Some(_), Method::Patch) => {
            write::patch(call, target)
        }
        (None, Some(_), Method::Delete) => remove::one(call, target),
        (None, None, Method::Get | Method::Head) => read::list(call.store, target, request, wall),
        (None, None, Method::Post) if may_be_created(target) => write::create(call, target),
        (None, None, Method::Delete) if target.kind.verbs().contains(&"deletecollection") => {
            remove::many(call, target)
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

/// Refuses what a cluster would do and this lab does not.
fn lacking(call: &Call<'_>, target: &Target<'_>) -> Option<Failure> {
    let names = target.kind.names();
    if target.subresource == Some("proxy") {
        return Some(Failure::not_in_this_lab(&format!("{}/proxy", names.plural)));
    }
    let why = target.kind.read_only()?;
    let there = |name| {
        let space = target.namespace.unwrap_or_default();
        call.store.get(names.key, space, name).is_some()
    };
    match (call.request.method, target.name) {
        (Method::Get | Method::Head, _) => None,
        // What is not there is not found, and nothing is left of a collection that is empty.
        (Method::Delete, Some(name)) if !there(name) => None,
        _ => Some(Failure::not_in_this_lab(&format!(
            "{why}; {} are only shown",
            names.plural
        ))),
    }
}

/// An object of a namespaced kind is created in its namespace, not in all of them.
fn may_be_created(target: &Target<'_>) -> bool {
    target.kind.names().namespaced == target.namespace.is_some()
}
