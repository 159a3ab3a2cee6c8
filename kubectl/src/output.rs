//! `-o`: objects as YAML, JSON, names, JSONPath or custom columns, and the lines that changing commands print.
//!
//! Tables that the server made are in `table`.

use serde_json::{Value, json};

use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Parsed;
use crate::jsonpath::{Template, go_syntax};
use crate::session::Session;
use crate::template::Template as GoTemplate;
use crate::text::json::{self, bare, pretty, text};
use crate::text::tabs::Layout;
use crate::yaml;

/// How objects are to be printed.
#[derive(Debug, Clone)]
pub(crate) enum Format {
    Default,
    Wide,
    Yaml,
    Json,
    Name,
    JsonPath(String, Template),
    JsonPathAsJson(Template),
    Kyaml,
    Go(String, GoTemplate),
    Columns(Vec<(String, Template)>),
}

const COMMON: &str = "go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile";

impl Format {
    /// Reads `--output`; `get` has more forms than the changing commands.
    pub(crate) fn of(session: &mut Session<'_, '_>, parsed: &Parsed, get: bool) -> Outcome<Self> {
        let output = parsed.text("output");
        let (name, given) = match output.split_once('=') {
            Some((name, rest)) => (name, rest),
            // A template without a format is Go's.
            None if output.is_empty() && parsed.given("template") => ("go-template", ""),
            None => (output, ""),
        };
        let rest = if given.is_empty() {
            parsed.text("template")
        } else {
            given
        };
        let plain = !output.contains('=');
        match name.to_lowercase().as_str() {
            "" => Ok(Self::Default),
            "wide" if get && plain => Ok(Self::Wide),
            "yaml" if plain => Ok(Self::Yaml),
            "json" if plain => Ok(Self::Json),
            "kyaml" if plain => Ok(Self::Kyaml),
            "name" if plain => Ok(Self::Name),
            "jsonpath" => {
                Self::template(rest).map(|template| Self::JsonPath(rest.to_owned(), template))
            }
            "jsonpath-as-json" => Self::template(rest).map(Self::JsonPathAsJson),
            "jsonpath-file" => {
                let content = read(session, rest)?;
                Self::template(&content).map(|template| Self::JsonPath(content, template))
            }
            "custom-columns" if get => Self::columns(rest),
            "custom-columns-file" if get => {
                let content = session.io.files.read(rest).map_err(|error| {
                    let why = crate::config::reason(&error);
                    Fail::message(format!("error reading template {rest}, open {rest}: {why}"))
                })?;
                Self::columns_file(&String::from_utf8_lossy(&content))
            }
            "go-template" | "template" => Self::go(rest),
            "go-template-file" | "templatefile" => {
                if rest.is_empty() {
                    return Self::go("");
                }
                let content = read(session, rest)?;
                Self::go(&content)
            }
            _ => {
                let formats = if get {
                    format!("custom-columns,custom-columns-file,{COMMON},wide,yaml")
                } else {
                    format!("{COMMON},yaml")
                };
                Err(Fail::message(format!(
                    "unable to match a printer suitable for the output format {}, allowed formats are: {formats}",
                    quoted(output)
                )))
            }
        }
    }

    fn go(text: &str) -> Outcome<Self> {
        if text.is_empty() {
            return Err(Fail::message(
                "template format specified but no template given",
            ));
        }
        GoTemplate::parse(text)
            .map(|template| Self::Go(text.to_owned(), template))
            .map_err(|error| Fail::message(format!("error parsing template {text}, {error}")))
    }

    fn template(text: &str) -> Outcome<Template> {
        if text.is_empty() {
            return Err(Fail::message(
                "template format specified but no template given",
            ));
        }
        Template::parse(text)
            .map_err(|error| Fail::message(format!("error parsing jsonpath {text}, {error}")))
    }

    /// Headers in the first line, fields in the second.
    fn columns_file(content: &str) -> Outcome<Self> {
        let mut lines = content.lines();
        let headers: Vec<&str> = lines
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let paths: Vec<&str> = lines
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        if headers.len() != paths.len() {
            return Err(Fail::message(format!(
                "number of headers ({}) and field specifications ({}) don't match",
                headers.len(),
                paths.len()
            )));
        }
        let pairs: Vec<String> = headers
            .iter()
            .zip(paths)
            .map(|(header, path)| format!("{header}:{path}"))
            .collect();
        Self::columns(&pairs.join(","))
    }

    fn columns(spec: &str) -> Outcome<Self> {
        if spec.is_empty() {
            return Err(Fail::message(
                "custom-columns format specified but no custom columns given",
            ));
        }
        let mut columns = Vec::new();
        for part in spec.split(',') {
            let Some((header, path)) = part.split_once(':') else {
                return Err(Fail::message(format!(
                    "unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>"
                )));
            };
            let template = Template::parse_relaxed(path).map_err(Fail::message)?;
            columns.push((header.to_owned(), template));
        }
        Ok(Self::Columns(columns))
    }

    /// Whether the server's table is what gets printed.
    pub(crate) fn is_table(&self) -> bool {
        matches!(self, Self::Default | Self::Wide)
    }
}

fn read(session: &mut Session<'_, '_>, path: &str) -> Outcome<String> {
    let content = session.io.files.read(path).map_err(|error| {
        Fail::message(format!(
            "error reading --template {path}, open {path}: {}",
            crate::config::reason(&error)
        ))
    })?;
    Ok(String::from_utf8_lossy(&content).into_owned())
}

/// Prints one object or list.
pub(crate) fn print(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    format: &Format,
    object: &Value,
) -> Outcome {
    let mut object = object.clone();
    let whole = matches!(
        format,
        Format::Yaml | Format::Default | Format::Wide | Format::Json | Format::Kyaml
    );
    // Templates see them.
    if whole && !parsed.is("show-managed-fields") {
        drop_managed_fields(&mut object);
    }
    let printed = match format {
        Format::Yaml | Format::Default | Format::Wide => {
            session.printed_documents += 1;
            let separator = if session.printed_documents > 1 {
                "---\n"
            } else {
                ""
            };
            format!("{separator}{}", yaml::to_string(&object))
        }
        Format::Json if session.typed => format!("{}\n", json::pretty_typed(&object)),
        Format::Json => format!("{}\n", pretty(&object)),
        Format::Name => names(&object),
        Format::Kyaml => yaml::to_kyaml(&object, session.typed),
        Format::Go(source, template) => {
            let strict = !parsed.is("allow-missing-template-keys");
            let (text, error) = template.text(&object, strict);
            match error {
                None => text,
                Some(error) => return go_failure(session, source, &text, &error, &object),
            }
        }
        Format::JsonPath(source, template) => {
            let strict = !parsed.is("allow-missing-template-keys");
            let text = if strict {
                template.strict_text(&object)
            } else {
                template.text(&object)
            };
            text.map_err(|error| jsonpath_failure(source, &error, &object))?
        }
        Format::JsonPathAsJson(template) => {
            let found = template.find(&object).map_err(Fail::message)?;
            format!("{}\n", pretty(&Value::Array(found)))
        }
        Format::Columns(columns) => columns_text(columns, &object, !parsed.is("no-headers"))?,
    };
    session.out(&printed)
}

/// What kubectl tells of a template that failed: everything, on standard output, and then the error.
fn go_failure(
    session: &mut Session<'_, '_>,
    source: &str,
    text: &str,
    error: &str,
    object: &Value,
) -> Outcome {
    session.out(&format!(
        "{text}Error executing template: {error}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t{source}\n\traw data was:\n\t\t{}\n\tobject given to template engine was:\n\t\t{}\n\n",
        json::compact(object),
        crate::template::go_value(object)
    ))?;
    Err(Fail::message(format!(
        "error executing template {}: {error}",
        quoted(source)
    )))
}

fn jsonpath_failure(source: &str, error: &str, object: &Value) -> Fail {
    Fail::message(format!(
        "error executing jsonpath {}: Error executing template: {error}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t{source}\n\tobject given to jsonpath engine was:\n\t\t{}\n\n",
        quoted(source),
        go_syntax(object)
    ))
}

/// Takes out what `--show-managed-fields` would show.
pub(crate) fn hide_managed_fields(parsed: &Parsed, object: &mut Value) {
    if !parsed.is("show-managed-fields") {
        drop_managed_fields(object);
    }
}

/// One event of a watch: a line of JSON with the type first, or a YAML document.
pub(crate) fn event_text(format: &Format, event: &Value) -> String {
    match format {
        Format::Yaml => format!("---\n{}", yaml::to_string(event)),
        _ => format!(
            "{{\"type\":{},\"object\":{}}}\n",
            event["type"],
            json::compact(&event["object"])
        ),
    }
}

fn drop_managed_fields(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    if let Some(items) = object.get_mut("items").and_then(Value::as_array_mut) {
        items.iter_mut().for_each(drop_managed_fields);
    }
}

fn names(object: &Value) -> String {
    match object.get("items").and_then(Value::as_array) {
        Some(items) => items.iter().map(names).collect(),
        None => format!("{}\n", shown(object)),
    }
}

/// `deployment.apps/x` of an object.
pub(crate) fn shown(object: &Value) -> String {
    let kind = text(object, "kind").to_lowercase();
    let group = text(object, "apiVersion")
        .split_once('/')
        .map(|(group, _)| format!(".{group}"))
        .unwrap_or_default();
    format!("{kind}{group}/{}", text(object, "metadata.name"))
}

fn columns_text(columns: &[(String, Template)], object: &Value, headers: bool) -> Outcome<String> {
    let mut lines = String::new();
    if headers {
        let names: Vec<&str> = columns.iter().map(|(header, _)| header.as_str()).collect();
        lines.push_str(&format!("{}\n", names.join("\t")));
    }
    let single = std::slice::from_ref(object);
    for item in object
        .get("items")
        .and_then(Value::as_array)
        .map_or(single, Vec::as_slice)
    {
        let mut cells = Vec::new();
        for (_, template) in columns {
            let found = template.find(item).map_err(Fail::message)?;
            let words: Vec<String> = found
                .iter()
                .map(|value| {
                    if value.is_array() || value.is_object() {
                        go_map(value)
                    } else {
                        bare(value)
                    }
                })
                .collect();
            cells.push(if words.is_empty() {
                "<none>".to_owned()
            } else {
                words.join(",")
            });
        }
        lines.push_str(&format!("{}\n", cells.join("\t")));
    }
    Ok(Layout::get().format(&lines))
}

/// A value as Go's `%v` prints maps and slices.
pub(crate) fn go_map(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let pairs: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key}:{}", go_map(value)))
                .collect();
            format!("map[{}]", pairs.join(" "))
        }
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(go_map).collect::<Vec<_>>().join(" ")
        ),
        other => bare(other),
    }
}

/// `v1 List` of objects.
pub(crate) fn list_of(items: Vec<Value>) -> Value {
    json!({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}})
}

/// ` (dry run)`, ` (server dry run)` or nothing.
pub(crate) fn dry_suffix(dry_run: &str) -> &'static str {
    match dry_run {
        "client" => " (dry run)",
        "server" => " (server dry run)",
        _ => "",
    }
}

/// The same without a word of a dry run.
pub(crate) fn report_wet(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    object: &Value,
    shown: &str,
    verb: &str,
) -> Outcome {
    match Format::of(session, parsed, false)? {
        Format::Default => session.out(&format!("{shown} {verb}\n")),
        Format::Name => session.out(&format!("{shown}\n")),
        format => print(session, parsed, &format, object),
    }
}

/// What a changing command prints of one object: `deployment.apps/x scaled`, or the object in the wished form.
pub(crate) fn report(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    object: &Value,
    shown: &str,
    verb: &str,
) -> Outcome {
    let format = Format::of(session, parsed, false)?;
    match format {
        Format::Default => {
            let suffix = dry_suffix(parsed.dry_run()?);
            session.out(&format!("{shown} {verb}{suffix}\n"))
        }
        Format::Name => session.out(&format!("{shown}\n")),
        format => print(session, parsed, &format, object),
    }
}
