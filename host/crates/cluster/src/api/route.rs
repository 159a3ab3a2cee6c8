//! What a path means. Never looks at objects.

use crate::kind::view::{VIEWS, View};
use crate::kind::{Kind, served};

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Route<'a> {
    /// Objects of a kind.
    Objects(Target<'a>),
    /// A question that is answered and not kept, such as `selfsubjectaccessreviews`.
    Review(Target<'a>),
    /// Objects of a kind under another name.
    View(&'static View),
    /// Anything below `/api`, `/apis`, `/openapi` that describes the API itself.
    Discovery,
    /// Whether the server is well; the name of the endpoint.
    Health(&'a str),
    /// Nothing is there.
    Nowhere,
}

/// Which objects of a kind.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    /// The kind.
    pub(super) kind: &'static dyn Kind,
    /// The namespace; `None` for cluster-scoped kinds and for all namespaces at once.
    pub(super) namespace: Option<&'a str>,
    /// The object; `None` for the collection.
    pub(super) name: Option<&'a str>,
    /// The part of the object.
    pub(super) subresource: Option<&'a str>,
}

impl std::fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            kind,
            namespace,
            name,
            subresource,
        } = self;
        write!(f, "{kind:?} {namespace:?} {name:?} {subresource:?}")
    }
}

/// Finds where a path leads.
pub(super) fn route(path: &str) -> Route<'_> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts[..] {
        ["healthz" | "readyz" | "livez", ..] => Route::Health(parts[0]),
        [] | ["api" | "apis" | "version"] | ["openapi", ..] | ["api", "v1"] => Route::Discovery,
        ["apis", _] | ["apis", _, _] => Route::Discovery,
        ["api", "v1", ref rest @ ..] => objects("", "v1", rest),
        ["apis", group, version, ref rest @ ..] => objects(group, version, rest),
        _ => Route::Nowhere,
    }
}

fn objects<'a>(group: &str, version: &str, rest: &[&'a str]) -> Route<'a> {
    let kind = |plural: &str, namespaced: Option<bool>| {
        served().find(|kind| {
            let names = kind.names();
            names.group == group
                && names.version == version
                && names.plural == plural
                && namespaced.is_none_or(|wanted| names.namespaced == wanted)
        })
    };
    let of_namespace = |sub: &str| matches!(sub, "status" | "finalize");
    let found = match *rest {
        ["namespaces", name, sub] if group.is_empty() && of_namespace(sub) => {
            kind("namespaces", None).map(|kind| (kind, None, Some(name), Some(sub)))
        }
        ["namespaces", space, plural, ref rest @ ..] if is_short(rest) => kind(plural, Some(true))
            .map(|kind| {
                (
                    kind,
                    Some(space),
                    rest.first().copied(),
                    rest.get(1).copied(),
                )
            }),
        [plural] => kind(plural, None).map(|kind| (kind, None, None, None)),
        [plural, name] => kind(plural, Some(false)).map(|kind| (kind, None, Some(name), None)),
        [plural, name, sub, ref rest @ ..] if rest.is_empty() || sub == "proxy" => {
            kind(plural, Some(false)).map(|kind| (kind, None, Some(name), Some(sub)))
        }
        _ => None,
    };
    let Some((kind, namespace, name, subresource)) = found else {
        return Route::Nowhere;
    };
    let known = |sub: &str| kind.subresources().iter().any(|known| known.name == sub);
    if subresource.is_some_and(|sub| !known(sub)) {
        return Route::Nowhere;
    }
    if let Some(view) = VIEWS
        .iter()
        .find(|view| view.kind().names() == kind.names())
    {
        return Route::View(view);
    }
    let target = Target {
        kind,
        namespace,
        name,
        subresource,
    };
    match (kind.verbs(), subresource) {
        (["create"], _) | (_, Some("token")) => Route::Review(target),
        _ => Route::Objects(target),
    }
}

/// A name and a subresource at most; below `proxy` there may be more.
fn is_short(rest: &[&str]) -> bool {
    rest.len() <= 2 || rest[1] == "proxy"
}
