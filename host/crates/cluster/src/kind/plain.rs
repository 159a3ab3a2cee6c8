//! Kinds that need no code of their own: a line of names, a table of cells, a standing.
//!
//! Standings: acted on by a controller, kept though nothing acts on them, shown but not to be
//! written, asked and not
//! kept. Never acts on an object. The lines are in `kept.rs`, `shown.rs` and `asked.rs`.

use super::column::{AGE, CREATED, NAME};
use super::look::text;
use super::{ALL_VERBS, Column, Fields, Findings, Kind, Names, Subresource, age, words};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

/// What a cell shows.
#[derive(Clone, Copy)]
pub(super) enum Cell {
    /// The object's name.
    Name,
    /// How long ago it was created.
    Age,
    /// When it was created.
    Created,
    /// The text, number or flag at a JSON pointer.
    At(&'static str),
    /// The same, or this text when there is nothing.
    Or(&'static str, &'static str),
    /// Anything else.
    Of(fn(&Value) -> Value),
}

/// A table: columns and how their cells are filled, of the same number.
#[derive(Clone, Copy)]
pub(super) struct Table {
    pub(super) columns: &'static [Column],
    pub(super) cells: &'static [Cell],
}

/// Columns with their cells.
macro_rules! table {
    ($($column:expr => $cell:expr),* $(,)?) => {
        $crate::kind::plain::Table { columns: &[$($column),*], cells: &[$($cell),*] }
    };
}
pub(super) use table;

/// The table of kinds that upstream has no columns for.
pub(super) const NAMED: Table = table![NAME => Cell::Name, CREATED => Cell::Created];
/// The shortest table of those that upstream has columns for.
pub(super) const AGED: Table = table![NAME => Cell::Name, AGE => Cell::Age];

/// What may be done with objects of a kind.
#[derive(Clone, Copy)]
pub(super) enum Standing {
    /// They are kept, and in no cluster without additions does anything act on them.
    Inert,
    /// They are kept, and a cluster would act on them: what this one leaves out.
    Kept(&'static str),
    /// A controller of this cluster acts on them.
    Followed,
    /// They can be read and not written: what this lab leaves out.
    Shown(&'static str),
    /// They are answered and not kept.
    Asked,
}

/// A kind by its facts.
pub(super) struct Plain {
    pub(super) names: Names,
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
    pub(super) standing: Standing,
    pub(super) table: Table,
    pub(super) verbs: &'static [&'static str],
    pub(super) subresources: &'static [Subresource],
    pub(super) generations: bool,
    pub(super) selectable: &'static [&'static str],
    pub(super) name_rule: fn(&str) -> Vec<String>,
    pub(super) defaults: fn(&mut Value),
    pub(super) born: fn(&mut Value),
    pub(super) validate: fn(&Value, &mut Findings),
    pub(super) validate_update: fn(&Value, &Value, &mut Findings),
    pub(super) deprecation: Option<&'static str>,
}

impl Plain {
    /// The facts that most kinds have in common.
    pub(super) const fn new(names: Names, schema: fn(&mut SchemaGenerator) -> Schema) -> Self {
        Self {
            names,
            schema,
            standing: Standing::Inert,
            table: NAMED,
            verbs: ALL_VERBS,
            subresources: &[],
            generations: false,
            selectable: &[],
            name_rule: words::dns_subdomain,
            defaults: |_| {},
            born: |_| {},
            validate: |_, _| {},
            validate_update: |_, _, _| {},
            deprecation: None,
        }
    }

    /// The same, as part of these sets.
    pub(super) const fn part_of(mut self, categories: &'static [&'static str]) -> Self {
        self.names.categories = categories;
        self
    }
}

/// A [`Plain`] from the path of its type, plural, singular, short names, group, version, scope.
macro_rules! plain {
    ($($path:ident)::+ as $kind:literal, $plural:literal, $singular:literal, [$($short:literal)*],
     $key:literal, $group:literal, $version:literal, $namespaced:literal) => {
        $crate::kind::plain::Plain::new(
            $crate::kind::Names {
                key: $key,
                plural: $plural,
                singular: $singular,
                short: &[$($short),*],
                kind: $kind,
                group: $group,
                version: $version,
                namespaced: $namespaced,
                categories: &[],
            },
            |generator| generator.subschema_for::<k8s_openapi::$($path)::+>(),
        )
    };
}
pub(super) use plain;

impl Kind for Plain {
    fn names(&self) -> &Names {
        &self.names
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        (self.schema)(generator)
    }

    fn verbs(&self) -> &'static [&'static str] {
        match self.standing {
            Standing::Asked => &["create"],
            _ => self.verbs,
        }
    }

    fn subresources(&self) -> &'static [Subresource] {
        self.subresources
    }

    fn columns(&self) -> &'static [Column] {
        self.table.columns
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let cells = self.table.cells.iter();
        cells.map(|one| cell(*one, object, now)).collect()
    }

    fn default_object(&self, object: &mut Value) {
        (self.defaults)(object);
    }

    fn on_create(&self, object: &mut Value) {
        (self.born)(object);
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        (self.validate)(object, found);
    }

    fn validate_update(&self, new: &Value, old: &Value, found: &mut Findings) {
        (self.validate_update)(new, old, found);
    }

    fn validate_name(&self, name: &str) -> Vec<String> {
        (self.name_rule)(name)
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        self.selectable
    }

    fn fields(&self) -> &'static Fields {
        match self.standing {
            Standing::Kept(_) => &Fields::NOT_IN_THIS_LAB,
            Standing::Followed => &Fields::HONOURED,
            _ => &Fields::INERT,
        }
    }

    fn idle(&self) -> Option<&'static str> {
        match self.standing {
            Standing::Kept(why) => Some(why),
            _ => None,
        }
    }

    fn read_only(&self) -> Option<&'static str> {
        match self.standing {
            Standing::Shown(why) => Some(why),
            _ => None,
        }
    }

    fn deprecation(&self) -> Option<&'static str> {
        self.deprecation
    }

    fn counts_generations(&self) -> bool {
        self.generations
    }
}

fn cell(cell: Cell, object: &Value, now: Timestamp) -> Value {
    let created = "/metadata/creationTimestamp";
    let at = |pointer, otherwise: &str| match object.pointer(pointer) {
        None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => otherwise.into(),
        Some(Value::String(text)) if text.is_empty() => otherwise.into(),
        Some(Value::Bool(flag)) => flag.to_string().into(),
        Some(value) => value.clone(),
    };
    match cell {
        Cell::Name => text(object, "/metadata/name").into(),
        Cell::Age => age::since(text(object, created), now).into(),
        Cell::Created => text(object, created).into(),
        Cell::At(pointer) => at(pointer, ""),
        Cell::Or(pointer, otherwise) => at(pointer, otherwise),
        Cell::Of(make) => make(object),
    }
}
