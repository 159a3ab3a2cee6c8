//! What a command is about: `pod x y`, `deploy/x svc/y`, `pods,svc`, `all`, and objects from files.
//!
//! It resolves names to resources and reads manifests; it fetches nothing but the server's discovery.

use serde_json::{Value, json};

use crate::discovery::Resource;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Parsed;
use crate::session::Session;
use crate::text::json::{entries, list, text};
use crate::yaml;

/// What the arguments name.
#[derive(Debug, Clone)]
pub(crate) enum Selection {
    /// Whole types.
    Types(Vec<Resource>),
    /// Single objects.
    Named(Vec<(Resource, String)>),
}

/// Resolves resource arguments.
pub(crate) fn select(session: &mut Session<'_, '_>, args: &[String]) -> Outcome<Selection> {
    if args.iter().any(|arg| arg.contains('/')) {
        return slashed(session, args);
    }
    let Some((types, names)) = args.split_first() else {
        return Err(Fail::message(crate::cmd::NOTHING_NAMED));
    };
    let resources = resources(session, types)?;
    let category = resources.len() > 1 && !types.contains(',');
    if !names.is_empty() && category {
        return Err(Fail::message("you must specify only one resource"));
    }
    if names.is_empty() {
        return Ok(Selection::Types(resources));
    }
    let pairs = resources.iter().flat_map(|resource| {
        names
            .iter()
            .map(move |name| (resource.clone(), name.clone()))
    });
    Ok(Selection::Named(pairs.collect()))
}

fn slashed(session: &mut Session<'_, '_>, args: &[String]) -> Outcome<Selection> {
    let mut pairs = Vec::new();
    for arg in args {
        let parts: Vec<&str> = arg.split('/').collect();
        match parts[..] {
            [_] => {
                return Err(Fail::message(
                    "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'",
                ));
            }
            [kind, name] if !kind.is_empty() && !name.is_empty() => {
                let discovery = session.discovery()?;
                pairs.push((discovery.find(kind)?.clone(), name.to_owned()));
            }
            [_, _] => {
                return Err(Fail::message(
                    "arguments in resource/name form must have a single resource and name",
                ));
            }
            _ => {
                return Err(Fail::message(
                    "arguments in resource/name form may not have more than one slash",
                ));
            }
        }
    }
    Ok(Selection::Named(pairs))
}

/// The resources of `pods,svc` or of a category.
pub(crate) fn resources(session: &mut Session<'_, '_>, types: &str) -> Outcome<Vec<Resource>> {
    let discovery = session.discovery()?;
    let mut found: Vec<Resource> = Vec::new();
    for name in types.split(',') {
        let category = discovery.category(name);
        if category.is_empty() {
            found.push(discovery.find(name)?.clone());
        } else {
            found.extend(category.into_iter().cloned());
        }
    }
    Ok(found)
}

/// A single object by `TYPE/NAME`, `TYPE NAME` or, where `default_type` allows it, `NAME`.
pub(crate) fn one(
    session: &mut Session<'_, '_>,
    args: &[String],
    default_type: &str,
) -> Outcome<(Resource, String)> {
    let selection = match args {
        [name] if !name.contains('/') && !default_type.is_empty() => {
            select(session, &[default_type.to_owned(), name.clone()])?
        }
        _ => select(session, args)?,
    };
    match selection {
        Selection::Named(mut pairs) if pairs.len() == 1 => Ok(pairs.remove(0)),
        Selection::Named(_) => Err(Fail::message("expected one resource")),
        Selection::Types(_) => Err(Fail::message(
            "resource(s) were provided, but no name was specified",
        )),
    }
}

/// Only named objects; whole types are refused in kubectl's words.
pub(crate) fn named(
    session: &mut Session<'_, '_>,
    args: &[String],
) -> Outcome<Vec<(Resource, String)>> {
    match select(session, args)? {
        Selection::Named(pairs) => Ok(pairs),
        Selection::Types(_) => Err(Fail::message(
            "resource(s) were provided, but no name was specified",
        )),
    }
}

/// One object by its name.
pub(crate) fn get(
    session: &mut Session<'_, '_>,
    resource: &Resource,
    namespace: &str,
    name: &str,
) -> Outcome<Value> {
    session
        .get(&resource.path(namespace, name))
        .map_err(|fail| no_namespace(session, resource, namespace, fail))
}

/// A namespace that is not there explains better why an object is not.
pub(crate) fn no_namespace(
    session: &mut Session<'_, '_>,
    resource: &Resource,
    namespace: &str,
    fail: Fail,
) -> Fail {
    if !fail.is_not_found() || !resource.namespaced || ["", "default"].contains(&namespace) {
        return fail;
    }
    match session.get(&format!("/api/v1/namespaces/{namespace}")) {
        Err(none) if none.is_not_found() => none,
        _ => fail,
    }
}

/// The objects that commands like `label` and `scale` change: by name, by label or all of a type.
pub(crate) fn fetch(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    args: &[String],
) -> Outcome<Vec<Target>> {
    fetch_or_all(session, parsed, args, parsed.is("all"))
}

/// The same; with `--local` the files themselves are the objects.
pub(crate) fn fetch_or_local(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    args: &[String],
) -> Outcome<Vec<Target>> {
    if !parsed.is("local") {
        return fetch(session, parsed, args);
    }
    if !from_files(parsed) {
        return Err(Fail::message(
            "can only use local files by -f pod.yaml or --filename=pod.json when --local=true is set",
        ));
    }
    let mut targets = Vec::new();
    for manifest in manifests(session, parsed)? {
        let mut object = manifest.object.clone();
        // The namespace was put in for a request that is not made.
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("namespace");
        }
        targets.push(Target {
            name: manifest.name().to_owned(),
            namespace: manifest.namespace.clone(),
            resource: manifest.resource.clone(),
            object,
        });
    }
    Ok(targets)
}

/// The labels by which objects are chosen; `expose` means those of its new Service by that flag.
fn selector_of(parsed: &Parsed) -> &str {
    match family(parsed) {
        "expose" => "",
        _ => parsed.text("selector"),
    }
}

/// The same, where a type alone may mean all its objects.
pub(crate) fn fetch_or_all(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    args: &[String],
    all: bool,
) -> Outcome<Vec<Target>> {
    if from_files(parsed) {
        let objects = manifests(session, parsed)?;
        return objects
            .into_iter()
            .map(|object| object.fetch(session))
            .collect();
    }
    let namespace = session.namespace()?;
    match select(session, args)? {
        Selection::Named(_) if !selector_of(parsed).is_empty() => Err(Fail::message(
            "name cannot be provided when a selector is specified",
        )),
        Selection::Named(pairs) => pairs
            .into_iter()
            .map(|(resource, name)| {
                let object = get(session, &resource, &namespace, &name)?;
                Ok(Target {
                    resource,
                    name,
                    namespace: namespace.clone(),
                    object,
                })
            })
            .collect(),
        Selection::Types(resources) => {
            let selector = selector_of(parsed);
            let fields = parsed.text("field-selector");
            if !selector.is_empty() && all && !["rollout", "wait"].contains(&family(parsed)) {
                return Err(Fail::message(
                    "cannot set --all and --selector at the same time",
                ));
            }
            if selector.is_empty() && fields.is_empty() && !all {
                return Err(Fail::message(
                    "resource(s) were provided, but no name was specified",
                ));
            }
            let everywhere = parsed.is("all-namespaces");
            let mut targets = Vec::new();
            for resource in resources {
                let scope = if everywhere { "" } else { namespace.as_str() };
                let mut query = vec![("limit", "500")];
                if !selector.is_empty() {
                    query.push(("labelSelector", selector));
                }
                if !fields.is_empty() {
                    query.push(("fieldSelector", fields));
                }
                let found = session.get(&crate::session::with_query(
                    &resource.path(scope, ""),
                    &query,
                ))?;
                for item in items(&found) {
                    targets.push(Target {
                        resource: resource.clone(),
                        name: text(&item, "metadata.name").to_owned(),
                        namespace: text(&item, "metadata.namespace").to_owned(),
                        object: item,
                    });
                }
            }
            Ok(targets)
        }
    }
}

/// A selector's text as the object that `spec.selector` takes.
pub(crate) fn label_selector(text: &str) -> Outcome<Value> {
    let wrong = |part: &str| {
        Fail::message(format!(
            "couldn't parse the selector string {}: unable to parse requirement: {part}",
            quoted(text)
        ))
    };
    let mut selector = json!({});
    let mut expressions = Vec::new();
    for part in split_requirements(text) {
        let part = part.trim();
        if let Some(key) = part.strip_prefix('!') {
            expressions.push(json!({"key": key.trim(), "operator": "DoesNotExist"}));
        } else if let Some((left, values)) = part.split_once('(') {
            let mut words = left.split_whitespace();
            let (key, operator) = (words.next().unwrap_or_default(), words.next());
            let operator = match operator {
                Some("in") => "In",
                Some("notin") => "NotIn",
                _ => return Err(wrong(part)),
            };
            let mut values: Vec<&str> = values
                .trim_end_matches(')')
                .split(',')
                .map(str::trim)
                .collect();
            values.sort_unstable();
            expressions.push(json!({"key": key, "operator": operator, "values": values}));
        } else if let Some((key, value)) = part.split_once("!=") {
            expressions
                .push(json!({"key": key.trim(), "operator": "NotIn", "values": [value.trim()]}));
        } else if let Some((key, value)) = part.split_once('=') {
            let value = value.trim_start_matches('=').trim();
            selector["matchLabels"][key.trim()] = json!(value);
        } else if !part.is_empty() && !part.contains(' ') {
            expressions.push(json!({"key": part, "operator": "Exists"}));
        } else {
            return Err(wrong(part));
        }
    }
    if !expressions.is_empty() {
        selector["matchExpressions"] = Value::Array(expressions);
    }
    Ok(selector)
}

/// The parts between commas outside of parentheses.
fn split_requirements(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (index, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// `rollout` of `rollout status`.
fn family(parsed: &Parsed) -> &str {
    parsed.path.split(' ').next().unwrap_or_default()
}

/// An object on the server.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) resource: Resource,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) object: Value,
}

impl Target {
    pub(crate) fn path(&self) -> String {
        self.resource.path(&self.namespace, &self.name)
    }

    /// `deployment.apps/x`.
    pub(crate) fn shown(&self) -> String {
        format!("{}/{}", self.resource.kind_group(), self.name)
    }
}

/// The items of a list, each with the apiVersion and kind that lists leave out.
pub(crate) fn items(found: &Value) -> Vec<Value> {
    let kind = text(found, "kind").strip_suffix("List").unwrap_or_default();
    let mut items = list(found, "items").to_vec();
    for item in &mut items {
        if item.get("kind").is_none() {
            item["kind"] = json!(kind);
            item["apiVersion"] = found["apiVersion"].clone();
        }
    }
    items
}

/// An object from a manifest.
#[derive(Debug, Clone)]
pub(crate) struct Manifest {
    pub(crate) resource: Resource,
    pub(crate) object: Value,
    pub(crate) namespace: String,
    pub(crate) source: String,
}

impl Manifest {
    pub(crate) fn name(&self) -> &str {
        text(&self.object, "metadata.name")
    }

    pub(crate) fn path(&self) -> String {
        self.resource.path(&self.namespace, self.name())
    }

    pub(crate) fn collection(&self) -> String {
        self.resource.path(&self.namespace, "")
    }

    /// `deployment.apps/x`.
    pub(crate) fn shown(&self) -> String {
        format!("{}/{}", self.resource.kind_group(), self.name())
    }

    fn fetch(self, session: &mut Session<'_, '_>) -> Outcome<Target> {
        let object = get(session, &self.resource, &self.namespace, self.name())?;
        Ok(Target {
            name: self.name().to_owned(),
            namespace: self.namespace,
            resource: self.resource,
            object,
        })
    }
}

/// Whether objects come from `-f` or `-k`.
pub(crate) fn from_files(parsed: &Parsed) -> bool {
    parsed.given("filename") || parsed.given("kustomize")
}

/// Every object of `-f`, those that could be read; the first that could not ends it.
pub(crate) fn manifests(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome<Vec<Manifest>> {
    let mut found = Vec::new();
    for result in try_manifests(session, parsed)? {
        found.push(result?);
    }
    Ok(found)
}

/// Every object of `-f`, each readable or not.
pub(crate) fn try_manifests(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
) -> Outcome<Vec<Outcome<Manifest>>> {
    if parsed.given("kustomize") {
        if parsed.given("filename") || parsed.is("recursive") {
            return Err(Fail::message(if parsed.given("filename") {
                "only one of -f or -k can be specified"
            } else {
                "the -k flag can't be used with -f or -R"
            }));
        }
        let folder = parsed.text("kustomize");
        let mut found = Vec::new();
        for object in crate::kustomize::build(session, folder)? {
            resolve(session, folder, object, &mut found)?;
        }
        return Ok(found);
    }
    let selector = match parsed.text("selector") {
        "" => Value::Null,
        text => label_selector(text)?,
    };
    let mut files = Vec::new();
    for path in parsed.list("filename") {
        gather(session, path, parsed.is("recursive"), true, &mut files)?;
    }
    let mut found = Vec::new();
    for (source, content) in files {
        let text = String::from_utf8_lossy(&content).into_owned();
        found.extend(objects_of(session, &source, &text)?);
    }
    // A selector chooses among the objects of files too.
    found.retain(|manifest| match manifest {
        Ok(manifest) => matches(&selector, &manifest.object["metadata"]["labels"]),
        Err(_) => true,
    });
    Ok(found)
}

/// Whether labels are what a selector wants.
fn matches(selector: &Value, labels: &Value) -> bool {
    let exact = entries(selector, "matchLabels")
        .into_iter()
        .all(|(key, value)| labels[key] == *value);
    exact
        && list(selector, "matchExpressions").iter().all(|wanted| {
            let value = &labels[text(wanted, "key")];
            let among = list(wanted, "values").contains(value);
            match text(wanted, "operator") {
                "In" => among,
                "NotIn" => !among,
                "DoesNotExist" => value.is_null(),
                _ => !value.is_null(),
            }
        })
}

/// Every object of a text that came from `source`, each readable or not.
pub(crate) fn objects_of(
    session: &mut Session<'_, '_>,
    source: &str,
    text: &str,
) -> Outcome<Vec<Outcome<Manifest>>> {
    let mut found = Vec::new();
    match yaml::documents(text) {
        Ok(documents) => {
            for document in documents {
                resolve(session, source, document, &mut found)?;
            }
        }
        Err(error) if error.0.starts_with("yaml:") => found.push(Err(Fail::message(format!(
            "error parsing {source}: error converting YAML to JSON: {}",
            error.0
        )))),
        Err(error) => found.push(Err(Fail::message(format!(
            "error parsing {source}: {}",
            error.0
        )))),
    }
    Ok(found)
}

fn gather(
    session: &mut Session<'_, '_>,
    path: &str,
    recursive: bool,
    top: bool,
    files: &mut Vec<(String, Vec<u8>)>,
) -> Outcome {
    if path == "-" {
        let mut content = Vec::new();
        session
            .io
            .stdin
            .read_to_end(&mut content)
            .map_err(|error| Fail::message(error.to_string()))?;
        files.push(("STDIN".to_owned(), content));
        return Ok(());
    }
    if path.starts_with("http://") || path.starts_with("https://") {
        return Err(Fail::not_in_lab("reading manifests from a URL"));
    }
    if let Ok(names) = session.io.files.list_dir(path) {
        let mut names = names;
        names.sort();
        for name in names {
            let child = format!("{}/{name}", path.trim_end_matches('/'));
            let wanted = [".json", ".yaml", ".yml"]
                .iter()
                .any(|ending| name.ends_with(ending));
            if session.io.files.list_dir(&child).is_ok() {
                if recursive {
                    gather(session, &child, recursive, false, files)?;
                }
            } else if wanted {
                gather(session, &child, recursive, false, files)?;
            }
        }
        if top && files.is_empty() {
            return Err(Fail::message(format!(
                "error reading [{path}]: recognized file extensions are [.json .yaml .yml]"
            )));
        }
        return Ok(());
    }
    match session.io.files.read(path) {
        Ok(content) => files.push((path.to_owned(), content)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Fail::message(format!(
                "the path {} does not exist",
                quoted(path)
            )));
        }
        Err(error) => {
            return Err(Fail::message(format!(
                "open {path}: {}",
                crate::config::reason(&error)
            )));
        }
    }
    Ok(())
}

fn resolve(
    session: &mut Session<'_, '_>,
    source: &str,
    document: Value,
    found: &mut Vec<Outcome<Manifest>>,
) -> Outcome {
    if !document.is_object() {
        let kind = if document.is_array() {
            "array"
        } else {
            "string"
        };
        found.push(Err(Fail::message(format!(
            "unable to decode {}: json: cannot unmarshal {kind} into Go value of type unstructured.detector",
            quoted(source)
        ))));
        return Ok(());
    }
    if text(&document, "kind").ends_with("List") && document["items"].is_array() {
        for item in items(&document) {
            resolve(session, source, item, found)?;
        }
        return Ok(());
    }
    let manifest = check(session, source, document)?;
    found.push(manifest.and_then(|manifest| place(session, manifest)));
    Ok(())
}

fn check(session: &mut Session<'_, '_>, source: &str, object: Value) -> Outcome<Outcome<Manifest>> {
    let missing: Vec<&str> = ["apiVersion", "kind"]
        .into_iter()
        .filter(|key| text(&object, key).is_empty())
        .collect();
    if !missing.is_empty() {
        let words: Vec<String> = missing.iter().map(|key| format!("{key} not set")).collect();
        let words = if words.len() == 1 {
            words.concat()
        } else {
            format!("[{}]", words.join(", "))
        };
        return Ok(Err(Fail::message(format!(
            "error validating {}: error validating data: {words}; if you choose to ignore these errors, turn validation off with --validate=false",
            quoted(source)
        ))));
    }
    let (version, kind) = (text(&object, "apiVersion"), text(&object, "kind"));
    let discovery = session.discovery()?;
    let Some(resource) = discovery.by_kind(version, kind).cloned() else {
        return Ok(Err(Fail::message(format!(
            "resource mapping not found for name: {} namespace: {} from {}: no matches for kind {} in version {}\nensure CRDs are installed first",
            quoted(text(&object, "metadata.name")),
            quoted(text(&object, "metadata.namespace")),
            quoted(source),
            quoted(kind),
            quoted(version)
        ))));
    };
    Ok(Ok(Manifest {
        resource,
        object,
        namespace: String::new(),
        source: source.to_owned(),
    }))
}

/// Settles the namespace: the object's own, which a `-n` must not contradict, or the command's.
fn place(session: &mut Session<'_, '_>, mut manifest: Manifest) -> Outcome<Manifest> {
    if !manifest.resource.namespaced {
        return Ok(manifest);
    }
    let default = session.namespace()?;
    let own = text(&manifest.object, "metadata.namespace").to_owned();
    if own.is_empty() {
        if !manifest.object["metadata"].is_object() {
            manifest.object["metadata"] = json!({});
        }
        manifest.object["metadata"]["namespace"] = json!(default);
        manifest.namespace = default;
        return Ok(manifest);
    }
    if !session.overrides.namespace.is_empty() && own != default {
        return Err(Fail::message(format!(
            "the namespace from the provided object {} does not match the namespace {}. You must pass '--namespace={own}' to perform this operation.",
            quoted(&own),
            quoted(&default)
        )));
    }
    manifest.namespace = own;
    Ok(manifest)
}
