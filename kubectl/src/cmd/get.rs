//! `kubectl get`: tables of the server, objects, watching, raw paths.

use serde_json::{Value, json};

use super::shared::{FILES, PRINT, SELECT, command};
use crate::discovery::Resource;
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::{Bool, Int, List, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::jsonpath::Template;
use crate::output::{self, Format};
use crate::select::{self, Selection};
use crate::session::{JSON, Next, Session, TABLE, with_query};
use crate::table::{self, Options};
use crate::text::json::{list, text};
use crate::text::sort;
use crate::text::tabs::Layout;
use crate::text::time;

pub(super) const GET: Command = Command {
    name: "get",
    aliases: &[],
    flags: &[FILES, PRINT, SELECT, GET_FLAGS],
    subcommands: &[],
    run,
};

pub(super) const EVENTS: Command = command("events", &[EVENTS_FLAGS, PRINT], events);

const GET_FLAGS: &[Flag] = &[
    flag("chunk-size", Int, "500"),
    flag("ignore-not-found", Bool, "false"),
    short('L', "label-columns", List, "[]"),
    flag("no-headers", Bool, "false"),
    flag("output-watch-events", Bool, "false"),
    flag("raw", Text, ""),
    flag("server-print", Bool, "true"),
    flag("show-kind", Bool, "false"),
    flag("show-labels", Bool, "false"),
    flag("sort-by", Text, ""),
    flag("subresource", Text, ""),
    short('w', "watch", Bool, "false"),
    flag("watch-only", Bool, "false"),
];

const EVENTS_FLAGS: &[Flag] = &[
    short('A', "all-namespaces", Bool, "false"),
    flag("for", Text, ""),
    flag("no-headers", Bool, "false"),
    flag("types", List, "[]"),
    short('w', "watch", Bool, "false"),
];

pub(crate) fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if parsed.given("raw") {
        return raw(session, parsed);
    }
    if parsed.is("output-watch-events") && !parsed.is("watch") && !parsed.is("watch-only") {
        return Err(Fail::usage(
            "get",
            "--output-watch-events option can only be used with --watch or --watch-only",
        ));
    }
    let asked = asked(session, parsed)?;
    if parsed.given("subresource") && asked.asked.iter().any(|asked| asked.name.is_empty()) {
        return Err(Fail::message(
            "subresource cannot be used when bulk resources are specified",
        ));
    }
    let name = parsed.text("output").split('=').next().unwrap_or_default();
    let template =
        !parsed.text("template").is_empty() || name.contains("template") || name.contains("json");
    // The stock client reads templates when it has something to print.
    let format = match Format::of(session, parsed, true) {
        Ok(format) => format,
        Err(wrong) => {
            if template {
                for asked in &asked.asked {
                    fetch(session, parsed, asked, false)?;
                }
            }
            return Err(wrong);
        }
    };
    if parsed.is("watch") || parsed.is("watch-only") {
        if parsed.given("sort-by") {
            session.err(
                "warning: --watch requested, --sort-by will be ignored for watch events received\n",
            );
        }
        return watch(session, parsed, &format, &asked);
    }
    if format.is_table() {
        tables(session, parsed, &format, &asked)
    } else {
        objects(session, parsed, &format, &asked)
    }
}

/// `--raw`: what the server has at a path.
fn raw(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let path = parsed.text("raw");
    if !parsed.args.is_empty() {
        return Err(Fail::message(
            "arguments may not be passed when --raw is specified",
        ));
    }
    if [
        "watch",
        "watch-only",
        "selector",
        "field-selector",
        "all-namespaces",
        "filename",
    ]
    .iter()
    .any(|flag| parsed.given(flag))
    {
        return Err(Fail::message(
            "--raw may not be specified with other flags that filter the server request or alter the output",
        ));
    }
    if !parsed.text("output").is_empty() {
        return Err(Fail::message("--raw and --output are mutually exclusive"));
    }
    if !path.starts_with('/') {
        return Err(Fail::message(format!(
            "--raw must be a valid URL path: parse {path:?}: invalid URI for request"
        )));
    }
    let body = session.get_text(path)?;
    session.out(&String::from_utf8_lossy(&body))
}

/// One request of a `get`: a collection or an object.
struct Asked {
    resource: Resource,
    namespace: String,
    name: String,
}

impl Asked {
    fn path(&self, query: &[(&str, &str)]) -> String {
        with_query(&self.resource.path(&self.namespace, &self.name), query)
    }

    /// The path of the object or of the part of it that is asked for.
    fn part(&self, parsed: &Parsed, query: &[(&str, &str)]) -> String {
        match parsed.text("subresource") {
            "" => self.path(query),
            part => {
                let path = self.resource.path(&self.namespace, &self.name);
                with_query(&format!("{path}/{part}"), query)
            }
        }
    }
}

struct What {
    asked: Vec<Asked>,
    everywhere: bool,
}

fn asked(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome<What> {
    let everywhere = parsed.is("all-namespaces");
    if select::from_files(parsed) {
        if !parsed.args.is_empty() {
            return Err(Fail::message(
                "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well",
            ));
        }
        let manifests = select::manifests(session, parsed)?;
        let asked: Vec<Asked> = manifests
            .into_iter()
            .map(|manifest| Asked {
                name: manifest.name().to_owned(),
                namespace: manifest.namespace,
                resource: manifest.resource,
            })
            .collect();
        return Ok(What { asked, everywhere });
    }
    if parsed.args.is_empty() {
        session.err("You must specify the type of resource to get. Use \"kubectl api-resources\" for a complete list of supported resources.\n\n");
        return Err(Fail::usage(
            &parsed.path,
            "Required resource not specified.\nUse \"kubectl explain <resource>\" for a detailed description of that resource (e.g. kubectl explain pods).",
        ));
    }
    let namespace = if everywhere {
        String::new()
    } else {
        session.namespace()?
    };
    let asked: Vec<Asked> = match select::select(session, &parsed.args)? {
        Selection::Types(resources) => resources
            .into_iter()
            .map(|resource| Asked {
                resource,
                namespace: namespace.clone(),
                name: String::new(),
            })
            .collect(),
        Selection::Named(pairs) => {
            if everywhere {
                return Err(Fail::message(
                    "a resource cannot be retrieved by name across all namespaces",
                ));
            }
            let slashed = parsed.args.iter().any(|arg| arg.contains('/'));
            if !parsed.text("selector").is_empty() || !parsed.text("field-selector").is_empty() {
                return Err(Fail::message(if slashed {
                    "selectors and the all flag cannot be used when passing resource/name arguments"
                } else {
                    "name cannot be provided when a selector is specified"
                }));
            }
            pairs
                .into_iter()
                .map(|(resource, name)| Asked {
                    resource,
                    namespace: namespace.clone(),
                    name,
                })
                .collect()
        }
    };
    Ok(What { asked, everywhere })
}

/// The query of a collection.
fn list_query(parsed: &Parsed, table: bool) -> Vec<(&'static str, &str)> {
    let mut query = Vec::new();
    if table && !parsed.text("sort-by").is_empty() {
        query.push(("includeObject", "Object"));
    } else if parsed.text("chunk-size") != "0" {
        query.push(("limit", parsed.text("chunk-size")));
    }
    for (flag, key) in [
        ("selector", "labelSelector"),
        ("field-selector", "fieldSelector"),
    ] {
        if !parsed.text(flag).is_empty() {
            query.push((key, parsed.text(flag)));
        }
    }
    query
}

/// Fetches what was asked, all pages of it.
fn fetch(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    asked: &Asked,
    as_table: bool,
) -> Outcome<Value> {
    let rows = if as_table { "rows" } else { "items" };
    let query = if asked.name.is_empty() {
        list_query(parsed, as_table)
    } else {
        named_query(parsed, as_table)
    };
    let get = |session: &mut Session<'_, '_>, path: &str| {
        if as_table {
            session.get_table(path)
        } else {
            session.get(path)
        }
    };
    let explained = |fail| explain_selector(fail, asked, parsed);
    let mut whole = get(session, &asked.part(parsed, &query))
        .map_err(|fail| fail.about("get", &asked.resource, &asked.name))
        .map_err(|fail| {
            if asked.name.is_empty() {
                fail
            } else {
                select::no_namespace(session, &asked.resource, &asked.namespace, fail)
            }
        })
        .map_err(explained)?;
    loop {
        let next = text(&whole, "metadata.continue").to_owned();
        if next.is_empty() || !asked.name.is_empty() {
            return Ok(whole);
        }
        let mut query = query.clone();
        query.push(("continue", &next));
        let page = get(session, &asked.path(&query))?;
        let more = list(&page, rows).to_vec();
        if let Some(all) = whole.get_mut(rows).and_then(Value::as_array_mut) {
            all.extend(more);
        }
        whole["metadata"] = page["metadata"].clone();
    }
}

fn named_query(parsed: &Parsed, table: bool) -> Vec<(&'static str, &'static str)> {
    if table && !parsed.text("sort-by").is_empty() {
        vec![("includeObject", "Object")]
    } else {
        Vec::new()
    }
}

/// Puts kubectl's words about the selectors before what the server says of them.
fn explain_selector(fail: Fail, asked: &Asked, parsed: &Parsed) -> Fail {
    match fail {
        Fail::Status(status, _)
            if asked.name.is_empty() && text(&status, "reason") == "BadRequest" =>
        {
            let context = format!(
                "Unable to find \"{}, Resource={}\" that match label selector \"{}\", field selector \"{}\": ",
                group_version(&asked.resource),
                asked.resource.plural,
                parsed.text("selector"),
                parsed.text("field-selector")
            );
            Fail::Status(status, context)
        }
        other => other,
    }
}

/// `/v1` or `apps/v1`, as Go prints a group and version.
pub(crate) fn group_version(resource: &Resource) -> String {
    format!("{}/{}", resource.group, resource.version)
}

fn ignorable(parsed: &Parsed, fail: &Fail) -> bool {
    parsed.is("ignore-not-found") && fail.is_not_found()
}

fn options(parsed: &Parsed, format: &Format, what: &What, resource: &Resource) -> Options {
    Options {
        wide: matches!(format, Format::Wide),
        namespace: what.everywhere && resource.namespaced,
        headers: !parsed.is("no-headers"),
        show_labels: parsed.is("show-labels"),
        label_columns: parsed.list("label-columns").to_vec(),
        kind: parsed.is("show-kind").then(|| resource.kind_group()),
    }
}

fn sorting(parsed: &Parsed) -> Outcome<Option<Template>> {
    match parsed.text("sort-by") {
        "" => Ok(None),
        path => Template::parse_relaxed(path)
            .map(Some)
            .map_err(|error| Fail::message(format!("error parsing jsonpath {path}, {error}"))),
    }
}

fn tables(session: &mut Session<'_, '_>, parsed: &Parsed, format: &Format, what: &What) -> Outcome {
    // With a path that is none the stock client has nothing to print.
    let Ok(sort) = sorting(parsed) else {
        return nothing(session, what);
    };
    let mut fails = Vec::new();
    let mut tables: Vec<(&Resource, Value)> = Vec::new();
    for asked in &what.asked {
        let own = parsed.given("server-print") && !parsed.is("server-print");
        let fetched = fetch(session, parsed, asked, !own);
        let mut found = match fetched.map(|found| {
            if own
                || !found["columnDefinitions"].is_array() && found["metadata"]["name"].is_string()
            {
                own_table(session, &found)
            } else {
                found
            }
        }) {
            Ok(found) => found,
            Err(fail) => {
                if !ignorable(parsed, &fail) {
                    fails.push(fail);
                }
                continue;
            }
        };
        if let Some(sort) = &sort {
            table::sort(&mut found, sort).map_err(Fail::message)?;
        }
        tables.push((&asked.resource, found));
    }
    // Kinds are shown when more than one was found.
    let with_kind = tables.windows(2).any(|pair| pair[0].0 != pair[1].0);
    let mut sections: Vec<(&Resource, String)> = Vec::new();
    for (resource, found) in &tables {
        if list(found, "rows").is_empty() {
            continue;
        }
        let mut options = options(parsed, format, what, resource);
        if with_kind {
            options.kind = Some(resource.kind_group());
        }
        match sections.last_mut() {
            Some((last, lines)) if last == resource => {
                options.headers = false;
                lines.push_str(&table::lines(found, &options));
            }
            _ => sections.push((*resource, table::lines(found, &options))),
        }
    }
    for (index, (_, lines)) in sections.iter().enumerate() {
        let gap = if index > 0 && !parsed.is("no-headers") {
            "\n"
        } else {
            ""
        };
        session.out(&format!("{gap}{}", Layout::get().format(lines)))?;
    }
    if sections.is_empty() && fails.is_empty() && !parsed.is("ignore-not-found") {
        nothing(session, what)?;
    }
    Fail::collect(fails)
}

/// The table that kubectl makes itself: names and ages.
fn own_table(session: &Session<'_, '_>, found: &Value) -> Value {
    let items = match found["items"].as_array() {
        Some(items) => items.clone(),
        None => vec![found.clone()],
    };
    let now = session.now();
    let rows: Vec<Value> = items
        .into_iter()
        .map(|item| {
            let age = time::parse_rfc3339(text(&item, "metadata.creationTimestamp"))
                .map_or_else(|| "<unknown>".to_owned(), |then| time::human(now - then));
            json!({"cells": [text(&item, "metadata.name"), age], "object": item})
        })
        .collect();
    json!({
        "columnDefinitions": [
            {"name": "Name", "type": "string", "format": "name", "priority": 0},
            {"name": "Age", "type": "string", "format": "", "priority": 0},
        ],
        "rows": rows,
    })
}

fn nothing(session: &mut Session<'_, '_>, what: &What) -> Outcome {
    let namespaced = !what.everywhere && what.asked.iter().all(|asked| asked.resource.namespaced);
    if namespaced {
        let namespace = session.namespace()?;
        session.err(&format!("No resources found in {namespace} namespace.\n"));
    } else {
        session.err("No resources found\n");
    }
    Ok(())
}

fn objects(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    format: &Format,
    what: &What,
) -> Outcome {
    let mut fails = Vec::new();
    let mut found = Vec::new();
    let mut single = what.asked.len() == 1;
    for asked in &what.asked {
        match fetch(session, parsed, asked, false) {
            Ok(value) if asked.name.is_empty() => {
                single = false;
                found.extend(select::items(&value));
            }
            Ok(value) => found.push(value),
            Err(fail) if ignorable(parsed, &fail) => {}
            Err(fail) => fails.push(fail),
        }
    }
    if let Some(sort) = sorting(parsed)? {
        let mut keyed = Vec::new();
        for object in found {
            keyed.push((
                sort.find(&object)
                    .map_err(Fail::message)?
                    .into_iter()
                    .next(),
                object,
            ));
        }
        sort::like_go(&mut keyed, |(a, _), (b, _)| {
            table::before(a.as_ref(), b.as_ref())
        });
        found = keyed.into_iter().map(|(_, object)| object).collect();
    }
    let asked_for_names = what.asked.iter().any(|asked| !asked.name.is_empty());
    if found.is_empty() && (asked_for_names || !fails.is_empty()) {
        return Fail::collect(fails);
    }
    let whole = if single {
        found.remove(0)
    } else {
        output::list_of(found)
    };
    output::print(session, parsed, format, &whole)?;
    Fail::collect(fails)
}

/// Lists once and then prints every change until the server or the user ends it.
fn watch(session: &mut Session<'_, '_>, parsed: &Parsed, format: &Format, what: &What) -> Outcome {
    let [asked] = &what.asked[..] else {
        return Err(Fail::message("you may only specify a single resource type"));
    };
    let by_name = format!("metadata.name={}", asked.name);
    let collection = Asked {
        resource: asked.resource.clone(),
        namespace: asked.namespace.clone(),
        name: String::new(),
    };
    let mut query = list_query(parsed, false);
    if !asked.name.is_empty() {
        query.push(("fieldSelector", &by_name));
    }
    let as_table = format.is_table();
    let path = collection.path(&query);
    let first = if as_table {
        session.get_table(&path)?
    } else {
        session.get(&path)?
    };
    if !asked.name.is_empty() && list(&first, if as_table { "rows" } else { "items" }).is_empty() {
        // Asking for the object itself brings the server's own words.
        session.get(&asked.path(&[]))?;
    }
    let mut printer = WatchPrinter {
        layout: Layout::get(),
        options: options(parsed, format, what, &asked.resource),
        columns: Value::Null,
    };
    if !parsed.is("watch-only") {
        printer.show(session, parsed, format, &first, "ADDED")?;
    }
    let version = text(&first, "metadata.resourceVersion").to_owned();
    query.retain(|(key, _)| *key != "limit");
    query.extend([("resourceVersion", version.as_str()), ("watch", "true")]);
    let mut stream = session.stream(
        &collection.path(&query),
        if as_table { TABLE } else { JSON },
    )?;
    loop {
        match stream.event(session, None) {
            Next::Some(event) if event["type"] == "ERROR" => {
                return Err(Fail::Status(
                    Box::new(event["object"].clone()),
                    String::new(),
                ));
            }
            Next::Some(event) if event["type"] == "BOOKMARK" => {}
            Next::Some(event) => {
                let what = text(&event, "type").to_owned();
                printer.show(session, parsed, format, &event["object"], &what)?;
            }
            Next::End | Next::TimedOut => return Ok(()),
        }
    }
}

struct WatchPrinter {
    layout: Layout,
    options: Options,
    /// The columns, which only the first table of a watch carries.
    columns: Value,
}

impl WatchPrinter {
    fn show(
        &mut self,
        session: &mut Session<'_, '_>,
        parsed: &Parsed,
        format: &Format,
        found: &Value,
        what: &str,
    ) -> Outcome {
        let events = parsed.is("output-watch-events");
        if !format.is_table() {
            let items = if found["items"].is_array() {
                select::items(found)
            } else {
                vec![found.clone()]
            };
            for item in &items {
                if events {
                    let mut item = item.clone();
                    output::hide_managed_fields(parsed, &mut item);
                    let event = json!({"object": item, "type": what});
                    session.out(&output::event_text(format, &event))?;
                } else {
                    output::print(session, parsed, format, item)?;
                }
            }
            return Ok(());
        }
        let mut table =
            json!({"columnDefinitions": found["columnDefinitions"], "rows": found["rows"]});
        if list(&table, "columnDefinitions").is_empty() {
            table["columnDefinitions"] = self.columns.clone();
        } else {
            self.columns = table["columnDefinitions"].clone();
        }
        if list(&table, "rows").is_empty() {
            return Ok(());
        }
        let mut lines = table::lines(&table, &self.options);
        if events {
            let mut headers = self.options.headers;
            lines = lines
                .lines()
                .map(|line| {
                    let first = if std::mem::take(&mut headers) {
                        "EVENT"
                    } else {
                        what
                    };
                    format!("{first}\t{line}\n")
                })
                .collect();
        }
        self.options.headers = false;
        let formatted = self.layout.format(&lines);
        session.out(&formatted)
    }
}

/// `kubectl events`.
pub(crate) fn events(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let everywhere = parsed.is("all-namespaces");
    let namespace = session.namespace()?;
    let known = |kind: &String| ["normal", "warning"].contains(&kind.to_lowercase().as_str());
    if !parsed.list("types").iter().all(known) {
        return Err(Fail::message("valid --types are Normal or Warning"));
    }
    if parsed.is("watch") {
        return Err(Fail::not_in_lab("events --watch"));
    }
    let format = Format::of(session, parsed, false)?;
    let mut query = vec![("limit", "500")];
    let selector;
    if !parsed.text("for").is_empty() {
        let about = [parsed.text("for").to_owned()];
        let (resource, name) = select::one(session, &about, "").map_err(|fail| match fail {
            Fail::Message(words) if words.starts_with("the server doesn't have") => {
                Fail::Raw(words)
            }
            other => other,
        })?;
        selector = format!(
            "involvedObject.kind={},involvedObject.name={name}",
            resource.kind
        );
        query.push(("fieldSelector", &selector));
    }
    let path = if everywhere {
        "/api/v1/events".to_owned()
    } else {
        format!("/api/v1/namespaces/{namespace}/events")
    };
    let found = session.get(&with_query(&path, &query))?;
    let mut events = list(&found, "items").to_vec();
    events.retain(|event| {
        let types = parsed.list("types");
        types.is_empty()
            || types
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(text(event, "type")))
    });
    if events.is_empty() {
        if everywhere {
            session.err("No events found.\n");
        } else {
            session.err(&format!("No events found in {namespace} namespace.\n"));
        }
        return Ok(());
    }
    if !matches!(format, Format::Default) {
        let items: Vec<Value> = events
            .into_iter()
            .map(|mut event| {
                event["kind"] = json!("Event");
                event["apiVersion"] = json!("v1");
                event
            })
            .collect();
        session.typed = true;
        let all = json!({"apiVersion": "v1", "kind": "EventList", "metadata": found["metadata"], "items": items});
        return output::print(session, parsed, &format, &all);
    }
    let time = crate::describe::event_time;
    sort::like_go(&mut events, |a, b| time(a) < time(b));
    let now = session.now();
    let mut lines = String::new();
    if !parsed.is("no-headers") {
        lines.push_str(if everywhere { "NAMESPACE\t" } else { "" });
        lines.push_str("LAST SEEN\tTYPE\tREASON\tOBJECT\tMESSAGE\n");
    }
    for event in &events {
        if everywhere {
            lines.push_str(&format!("{}\t", text(event, "metadata.namespace")));
        }
        lines.push_str(&format!(
            "{}\t{}\t{}\t{}/{}\t{}\n",
            crate::describe::event_age(event, now),
            text(event, "type"),
            text(event, "reason"),
            text(event, "involvedObject.kind"),
            text(event, "involvedObject.name"),
            text(event, "message").trim_end()
        ));
    }
    session.out(&Layout::get().format(&lines))
}
