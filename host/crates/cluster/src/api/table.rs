//! Objects as rows, and lists of them. Never chooses which objects.

use super::managed;
use super::negotiate::{Form, Include};
use crate::kind::{Column, Kind};
use crate::store::Object;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// What a list says about itself.
#[derive(Clone, Debug, Default)]
pub(super) struct ListMeta {
    pub(super) revision: String,
    pub(super) next: Option<String>,
    pub(super) remaining: Option<usize>,
}

impl ListMeta {
    fn to_value(&self) -> Value {
        let mut meta = json!({ "resourceVersion": self.revision });
        if let Some(next) = &self.next {
            meta["continue"] = next.as_str().into();
        }
        if let Some(remaining) = self.remaining {
            meta["remainingItemCount"] = remaining.into();
        }
        meta
    }
}

/// One object in this form.
pub(super) fn one(kind: &dyn Kind, form: Form, object: &Object, now: Timestamp) -> Value {
    match form {
        Form::Objects => managed::expand(kind, object),
        Form::Metadata => partial(&managed::expand(kind, object)),
        Form::Table { include } => {
            let revision = object.pointer("/metadata/resourceVersion");
            let revision = revision
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            let meta = ListMeta {
                revision,
                ..ListMeta::default()
            };
            table(
                kind,
                include,
                std::slice::from_ref(object),
                &meta,
                now,
                true,
            )
        }
    }
}

/// One object of a watch, of which many are told: with clients' managers only.
pub(super) fn told(form: Form, object: &Object) -> Value {
    let mut metadata = managed::told_metadata(object);
    match form {
        Form::Metadata => partial(&json!({ "metadata": metadata })),
        _ => {
            let mut out = (**object).clone();
            std::mem::swap(&mut out["metadata"], &mut metadata);
            out
        }
    }
}

/// The longest list whose objects are shown with the managers of the cluster's own components.
const SHORT_LIST: usize = 100;

/// A list of objects in this form.
pub(super) fn many(
    kind: &dyn Kind,
    form: Form,
    items: &[Object],
    meta: &ListMeta,
    now: Timestamp,
) -> Vec<u8> {
    let names = kind.names();
    let (list_kind, version) = match form {
        Form::Objects => (format!("{}List", names.kind), names.api_version()),
        Form::Metadata => (
            "PartialObjectMetadataList".to_owned(),
            "meta.k8s.io/v1".to_owned(),
        ),
        Form::Table { include } => {
            return format!("{}\n", table(kind, include, items, meta, now, true)).into_bytes();
        }
    };
    let mut out = format!(
        "{{\"kind\":\"{list_kind}\",\"apiVersion\":\"{version}\",\"metadata\":{},\"items\":[",
        meta.to_value()
    )
    .into_bytes();
    let metadata = |item: &Object| match items.len() > SHORT_LIST {
        true => managed::told_metadata(item),
        false => managed::expand_metadata(kind, item),
    };
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match form {
            Form::Metadata => {
                let item = partial(&json!({ "metadata": metadata(item) }));
                out.extend(item.to_string().into_bytes());
            }
            _ => write_item(&mut out, item, &metadata(item)),
        }
    }
    out.extend(b"]}\n");
    out
}

/// Items of a list do not repeat their kind; they are written without copying them.
fn write_item(out: &mut Vec<u8>, item: &Value, metadata: &Value) {
    out.push(b'{');
    let fields = item.as_object().into_iter().flatten();
    let fields = fields.filter(|(field, _)| !matches!(field.as_str(), "kind" | "apiVersion"));
    for (index, (field, value)) in fields.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, &Value::from(field.as_str()));
        out.push(b':');
        match field.as_str() {
            "metadata" => write(out, metadata),
            _ => write(out, value),
        }
    }
    out.push(b'}');
}

fn write(out: &mut Vec<u8>, value: &Value) {
    serde_json::to_writer(out, value).expect("a Vec takes all bytes");
}

/// A table of these objects; without columns when the reader knows them already.
pub(super) fn table(
    kind: &dyn Kind,
    include: Include,
    items: &[Object],
    meta: &ListMeta,
    now: Timestamp,
    columns: bool,
) -> Value {
    let columns = match columns {
        true => kind.columns().iter().map(column).collect(),
        false => Value::Null,
    };
    let row = |object: &Object| {
        let mut row = Map::new();
        row.insert("cells".into(), kind.row(object, now).into());
        if let Some(conditions) = kind.row_conditions(object) {
            row.insert("conditions".into(), conditions);
        }
        let carried = match include {
            Include::Nothing => Value::Null,
            Include::Metadata => partial(&managed::hide(object)),
            Include::Object => managed::expand(kind, object),
        };
        row.insert("object".into(), carried);
        Value::Object(row)
    };
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta.to_value(),
        "columnDefinitions": columns,
        "rows": items.iter().map(row).collect::<Vec<_>>(),
    })
}

/// A table of one row.
pub(super) fn of_row(columns: &[Column], revision: &str, cells: Value, object: Value) -> Value {
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": revision},
        "columnDefinitions": columns.iter().map(column).collect::<Vec<_>>(),
        "rows": [{"cells": cells, "object": object}],
    })
}

fn column(column: &Column) -> Value {
    json!({
        "name": column.name,
        "type": column.type_,
        "format": column.format,
        "description": column.description,
        "priority": column.priority,
    })
}

/// The metadata of an object by itself.
pub(super) fn partial(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"],
    })
}
