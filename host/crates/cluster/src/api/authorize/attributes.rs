//! What a request wants, as authorization sees it: a verb on a resource, or on a path.
//! Never looks at objects, and asks no kind: a resource that nobody serves is forbidden, too.

use super::super::request::{Method, Request};
use super::super::selector::exact_name;

/// What somebody wants to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) verb: String,
    pub(crate) what: What,
}

/// With what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Objects.
    Resource(Resource),
    /// A path that is none of an object.
    Path(String),
}

/// Objects of a resource; empty parts are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Attributes {
    /// A verb on a resource.
    pub(crate) fn of_resource(verb: &str, resource: Resource) -> Self {
        Self {
            verb: verb.to_owned(),
            what: What::Resource(resource),
        }
    }

    /// Reads them off a request, as upstream's `RequestInfoFactory` does.
    pub(crate) fn of(request: &Request) -> Self {
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        match resource_of(&parts) {
            Some(mut resource) => {
                let verb = verb(request, &mut resource);
                Self::of_resource(verb, resource)
            }
            None => Self {
                verb: path_verb(request.method).to_owned(),
                what: What::Path(request.path.clone()),
            },
        }
    }

    /// The same, with another verb.
    pub(crate) fn with_verb(&self, verb: &str) -> Self {
        Self {
            verb: verb.to_owned(),
            ..self.clone()
        }
    }
}

fn path_verb(method: Method) -> &'static str {
    match method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Put => "put",
        Method::Patch => "patch",
        Method::Delete => "delete",
        Method::Head => "head",
        Method::Other => "",
    }
}

/// A read without a name lists, a list that goes on watches, a deletion without a name is one of
/// many. A list that selects one name is judged as one of that name.
fn verb(request: &Request, resource: &mut Resource) -> &'static str {
    let one = !resource.name.is_empty();
    let watches = !matches!(
        request.param("watch"),
        None | Some("false" | "0" | "f" | "F")
    );
    let verb = match request.method {
        Method::Post => "create",
        Method::Put => "update",
        Method::Patch => "patch",
        Method::Get | Method::Head if one => "get",
        Method::Get | Method::Head if watches => "watch",
        Method::Get | Method::Head => "list",
        Method::Delete if one => "delete",
        Method::Delete => "deletecollection",
        Method::Other => "",
    };
    if matches!(verb, "list" | "watch" | "deletecollection") {
        let selector = request.param("fieldSelector").unwrap_or_default();
        if let Some(name) = exact_name(selector) {
            resource.name = name.to_owned();
        }
    }
    verb
}

fn resource_of(parts: &[&str]) -> Option<Resource> {
    let (group, rest) = match parts {
        ["api", _, rest @ ..] if !rest.is_empty() => ("", rest),
        ["apis", group, _, rest @ ..] if !rest.is_empty() => (*group, rest),
        _ => return None,
    };
    let (namespace, rest) = match rest {
        // A namespace is in itself, so that a role in it may let somebody read it.
        ["namespaces", space, "status" | "finalize", ..] | ["namespaces", space] => (*space, rest),
        ["namespaces", space, rest @ ..] => (*space, rest),
        rest => ("", rest),
    };
    let part = |at: usize| rest.get(at).copied().unwrap_or_default().to_owned();
    Some(Resource {
        group: group.to_owned(),
        resource: part(0),
        name: part(1),
        subresource: part(2),
        namespace: namespace.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: Method, path: &str, expected: &str) {
        let found = Attributes::of(&Request::new(method, path, "", Vec::new()));
        let said = match found.what {
            What::Path(path) => format!("{} {path}", found.verb),
            What::Resource(one) => format!(
                "{} {}/{}/{} {}/{}",
                found.verb, one.group, one.resource, one.subresource, one.namespace, one.name
            ),
        };
        assert_eq!(said, expected, "{path}");
    }

    #[test]
    fn paths_mean_what_upstream_reads_in_them() {
        use Method::{Delete, Get, Head, Patch, Post, Put};
        let table = [
            (Get, "/", "get /"),
            (Get, "/api/v1", "get /api/v1"),
            (Head, "/apis/apps/v1", "head /apis/apps/v1"),
            (Get, "/api/v1/pods", "list /pods/ /"),
            (
                Get,
                "/api/v1/namespaces/a/pods?watch=true",
                "watch /pods/ a/",
            ),
            (
                Get,
                "/api/v1/namespaces/a/pods?watch=0&fieldSelector=metadata.name%3Dx",
                "list /pods/ a/x",
            ),
            (Get, "/api/v1/namespaces/a/pods/x/log", "get /pods/log a/x"),
            (
                Post,
                "/api/v1/namespaces/a/pods/x/exec",
                "create /pods/exec a/x",
            ),
            (Get, "/api/v1/namespaces/a", "get /namespaces/ a/a"),
            (
                Put,
                "/api/v1/namespaces/a/finalize",
                "update /namespaces/finalize a/a",
            ),
            (
                Patch,
                "/apis/apps/v1/namespaces/a/deployments/x/scale",
                "patch apps/deployments/scale a/x",
            ),
            (
                Delete,
                "/apis/apps/v1/namespaces/a/deployments",
                "deletecollection apps/deployments/ a/",
            ),
            (Get, "/api/v1/nodes/n", "get /nodes/ /n"),
            (
                Get,
                "/apis/nobody.example/v1/things",
                "list nobody.example/things/ /",
            ),
        ];
        for (method, path, expected) in table {
            check(method, path, expected);
        }
    }
}
