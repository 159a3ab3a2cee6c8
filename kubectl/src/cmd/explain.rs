//! `kubectl explain`: the server's OpenAPI in words.

use serde_json::Value;

use super::shared::command;
use crate::discovery::Resource;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Bool, Text};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::session::Session;
use crate::text::json::{list, text};

pub(super) const COMMAND: Command = command("explain", &[FLAGS], run);

const FLAGS: &[Flag] = &[
    flag("api-version", Text, ""),
    flag("output", Text, "plaintext"),
    flag("recursive", Bool, "false"),
];

const WIDTH: usize = 76;

pub(crate) fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let [argument] = &parsed.args[..] else {
        return Err(if parsed.args.is_empty() {
            Fail::message(
                "You must specify the type of resource to explain. Use \"kubectl api-resources\" for a complete list of supported resources.",
            )
        } else {
            Fail::message("We accept only this format: explain RESOURCE")
        });
    };
    let mut path = argument.split('.');
    let kind = path.next().unwrap_or_default();
    let path: Vec<&str> = path.filter(|part| !part.is_empty()).collect();
    let resource = resource(session, kind, parsed.text("api-version"))?;
    // `deployments.apps.spec`: the group may stand before the fields.
    let group: Vec<&str> = resource.group.split('.').collect();
    let path = path.strip_prefix(&group[..]).unwrap_or(&path);
    match parsed.text("output") {
        "plaintext" => {}
        "plaintext-openapiv2" => {
            return Err(Fail::not_in_lab("explain --output=plaintext-openapiv2"));
        }
        other => return Err(Fail::message(format!("unrecognized format: {other}"))),
    }
    let document = document(session, &resource.group, &resource.version)?;
    let schemas = Schemas(&document["components"]["schemas"]);
    let root = schemas
        .of_kind(&resource.group, &resource.version, &resource.kind)
        .ok_or_else(|| {
            Fail::message(format!(
                "GVR (/{}, Resource={}) not found in OpenAPI schema",
                resource.version, resource.plural
            ))
        })?;
    let mut out = String::new();
    if !resource.group.is_empty() {
        out.push_str(&format!("GROUP:      {}\n", resource.group));
    }
    out.push_str(&format!(
        "KIND:       {}\nVERSION:    {}\n\n",
        resource.kind, resource.version
    ));
    let mut schema = root;
    let mut field = None;
    for name in path {
        let Some(next) = schemas.inside(schema)["properties"].get(*name) else {
            session.out(&out)?;
            // The stock client names the last field, wherever it lost its way.
            return Err(Fail::message(format!(
                "field {} does not exist",
                quoted(path.last().copied().unwrap_or_default())
            )));
        };
        field = Some((name, next));
        schema = next;
    }
    write_field(
        &mut out,
        &schemas,
        schema,
        field.map(|(name, _)| *name),
        parsed.is("recursive"),
    );
    session.out(&out)
}

/// The type that is asked about, in the version that is asked for.
fn resource(session: &mut Session<'_, '_>, kind: &str, version: &str) -> Outcome<Resource> {
    let discovery = session.discovery()?;
    let found = match discovery.find(kind) {
        Ok(found) => found,
        Err(fail) => return Err(Fail::Raw(fail.plain())),
    };
    if version.is_empty() {
        return Ok(found.clone());
    }
    let named = discovery.by_kind(version, &found.kind).cloned();
    named.ok_or_else(|| {
        let version = if version.contains('/') {
            version.to_owned()
        } else {
            format!("/{version}")
        };
        Fail::message(format!(
            "couldn't find resource for {}",
            quoted(&format!("{version}, Resource={}", found.plural))
        ))
    })
}

/// The OpenAPI document of a group and version.
fn document(session: &mut Session<'_, '_>, group: &str, version: &str) -> Outcome<Value> {
    let index = session.get("/openapi/v3?timeout=32s")?;
    let key = if group.is_empty() {
        format!("api/{version}")
    } else {
        format!("apis/{group}/{version}")
    };
    let url = index["paths"][&key]["serverRelativeURL"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if url.is_empty() {
        return Err(Fail::message(format!(
            "couldn't find an OpenAPI document for {key}"
        )));
    }
    session.get(&url)
}

struct Schemas<'d>(&'d Value);

impl<'d> Schemas<'d> {
    fn of_kind(&self, group: &str, version: &str, kind: &str) -> Option<&'d Value> {
        let is_it = |schema: &&Value| {
            list(schema, "x-kubernetes-group-version-kind")
                .iter()
                .any(|id| {
                    text(id, "group") == group
                        && text(id, "version") == version
                        && text(id, "kind") == kind
                })
        };
        self.0.as_object()?.values().find(is_it)
    }

    /// The name that a schema refers to, if it only refers.
    fn reference(schema: &Value) -> Option<&str> {
        let direct = schema["$ref"].as_str();
        let wrapped = list(schema, "allOf")
            .first()
            .and_then(|first| first["$ref"].as_str());
        direct.or(wrapped)?.rsplit('/').next()
    }

    fn resolve(&self, schema: &'d Value) -> &'d Value {
        match Self::reference(schema) {
            Some(name) => &self.0[name],
            None => schema,
        }
    }

    /// The schema of what a field holds: through lists, maps and references.
    fn inside(&self, schema: &'d Value) -> &'d Value {
        let resolved = self.resolve(schema);
        if resolved["items"].is_object() {
            self.inside(&resolved["items"])
        } else if resolved["additionalProperties"].is_object() {
            self.inside(&resolved["additionalProperties"])
        } else {
            resolved
        }
    }

    fn type_name(&self, schema: &'d Value) -> String {
        if schema["items"].is_object() {
            return format!("[]{}", self.type_name(&schema["items"]));
        }
        if schema["additionalProperties"].is_object() {
            return format!(
                "map[string]{}",
                self.type_name(&schema["additionalProperties"])
            );
        }
        match Self::reference(schema) {
            Some(name) => match text(&self.0[name], "type") {
                "" | "object" => name.rsplit('.').next().unwrap_or(name).to_owned(),
                primitive => primitive.to_owned(),
            },
            None => match text(schema, "type") {
                "" | "object" => "Object".to_owned(),
                primitive => primitive.to_owned(),
            },
        }
    }

    /// A field's own description and that of its type.
    fn descriptions(&self, schema: &'d Value) -> Vec<&'d str> {
        let mut found = vec![text(schema, "description")];
        let mut here = schema;
        loop {
            if Self::reference(here).is_some() {
                here = self.resolve(here);
                found.push(text(here, "description"));
            } else if here["items"].is_object() {
                here = &here["items"];
            } else if here["additionalProperties"].is_object() {
                here = &here["additionalProperties"];
            } else {
                break;
            }
        }
        found.retain(|text| !text.is_empty());
        found
    }
}

fn write_field(
    out: &mut String,
    schemas: &Schemas<'_>,
    schema: &Value,
    name: Option<&str>,
    recursive: bool,
) {
    let inner = schemas.inside(schema);
    if let Some(name) = name {
        out.push_str(&format!("FIELD: {name} <{}>\n", schemas.type_name(schema)));
        let words = list(schemas.resolve(schema), "enum");
        if !words.is_empty() {
            out.push_str("ENUM:\n");
            for value in words {
                out.push_str(&format!("    {}\n", enum_word(value)));
            }
        } else {
            out.push('\n');
        }
        out.push('\n');
    }
    out.push_str("DESCRIPTION:\n");
    let descriptions = schemas.descriptions(schema);
    if descriptions.is_empty() {
        out.push_str("    <empty>\n");
    }
    for description in descriptions {
        indented(out, &wrap(description), "    ");
    }
    out.push_str("    \n");
    if inner["properties"].is_object() {
        out.push_str("FIELDS:\n");
        let mut seen = Vec::new();
        fields(out, schemas, inner, 1, recursive, &mut seen);
    }
    out.push('\n');
}

fn enum_word(value: &Value) -> String {
    match value.as_str() {
        Some("") => "\"\"".to_owned(),
        Some(word) => word.to_owned(),
        None => value.to_string(),
    }
}

fn fields<'d>(
    out: &mut String,
    schemas: &Schemas<'d>,
    schema: &'d Value,
    depth: usize,
    recursive: bool,
    seen: &mut Vec<*const Value>,
) {
    let indent = "  ".repeat(depth);
    let required = list(schema, "required");
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let mark = if required.iter().any(|required| required == name) {
            " -required-"
        } else {
            ""
        };
        out.push_str(&format!(
            "{indent}{name}\t<{}>{mark}\n",
            schemas.type_name(field)
        ));
        let inner = schemas.inside(field);
        let words: Vec<String> = list(schemas.resolve(field), "enum")
            .iter()
            .map(enum_word)
            .collect();
        if !words.is_empty() {
            let shown = if words.len() > 4 {
                format!("{}, ....", words[..4].join(", "))
            } else {
                words.join(", ")
            };
            let shown = if recursive { shown } else { words.join(", ") };
            out.push_str(&format!("{indent}enum: {shown}\n"));
        }
        if recursive {
            let id = std::ptr::from_ref(inner);
            if inner["properties"].is_object() && !seen.contains(&id) {
                seen.push(id);
                fields(out, schemas, inner, depth + 1, recursive, seen);
                seen.pop();
            }
        } else {
            let description = text(field, "description");
            let description = if description.is_empty() {
                "<no description>"
            } else {
                description
            };
            indented(out, &wrap(description), "    ");
            out.push('\n');
        }
    }
}

fn indented(out: &mut String, lines: &[String], indent: &str) {
    for line in lines {
        out.push_str(indent);
        out.push_str(line);
        out.push('\n');
    }
}

/// Breaks long lines at spaces and keeps the breaks that are there.
fn wrap(description: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for original in description.split('\n') {
        let mut line = String::new();
        let mut pending = String::new();
        let mut rest = original;
        while !rest.is_empty() {
            let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            let (blank, after) = rest.split_at(spaces);
            pending.push_str(blank);
            let end = after.find([' ', '\t']).unwrap_or(after.len());
            let word = &after[..end];
            rest = &after[end..];
            if word.is_empty() {
                continue;
            }
            if !line.is_empty()
                && line.chars().count() + pending.chars().count() + word.chars().count() > WIDTH
            {
                lines.push(std::mem::take(&mut line));
            } else {
                line.push_str(&pending);
            }
            pending.clear();
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}
