//! The schemas beside the lessons: fresh, and as strict as the parser about shapes.

use serde_json::Value;

/// What is checked in.
const CHECKED_IN: [(&str, &str); 5] = [
    ("lab", include_str!("../../../../../schema/lab.schema.json")),
    (
        "course",
        include_str!("../../../../../schema/course.schema.json"),
    ),
    (
        "claims",
        include_str!("../../../../../schema/claims.schema.json"),
    ),
    (
        "commands",
        include_str!("../../../../../schema/commands.schema.json"),
    ),
    (
        "glossary",
        include_str!("../../../../../schema/glossary.schema.json"),
    ),
];

const SERVICE: &str = include_str!("../../../../../labs/03-service.yaml");

struct Validator {
    schemas: boon::Schemas,
    index: boon::SchemaIndex,
}

/// A validator of our schema, which is held to the draft's own schema first.
fn validator(kind: &str) -> Validator {
    let text = lesson::schema(kind).expect("a kind of the table");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    let mut compiler = boon::Compiler::new();
    compiler.set_default_draft(boon::Draft::V2020_12);
    let place = "https://lab.example/schema.json";
    compiler.add_resource(place, schema).expect("a resource");
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile(place, &mut schemas).expect("a schema");
    Validator { schemas, index }
}

fn value(text: &str) -> Value {
    lesson::yaml_value(text).expect("YAML")
}

/// What the validator minds.
fn minded(validator: &Validator, text: &str) -> Vec<String> {
    let value = value(text);
    let outcome = validator.schemas.validate(&value, validator.index);
    outcome
        .err()
        .map(|error| format!("{error:#}"))
        .into_iter()
        .collect()
}

#[test]
fn the_schemas_and_the_page_are_those_of_the_tables() {
    for (kind, text) in CHECKED_IN {
        let fresh = lesson::schema(kind).expect("a kind of the table");
        assert!(
            text == fresh,
            "schema/{kind}.schema.json is old: run `lab schema --out schema`"
        );
    }
    let page = include_str!("../../../../../docs/format.md");
    assert!(
        page == lesson::page(),
        "docs/format.md is old: run `lab schema format --out docs`"
    );
}

#[test]
fn the_registries_fit_their_schemas() {
    for (kind, text) in [
        ("claims", include_str!("../../../../../claims/seeds.yaml")),
        (
            "commands",
            include_str!("../../../../../claims/commands.yaml"),
        ),
    ] {
        let minded = minded(&validator(kind), text);
        assert!(minded.is_empty(), "{kind}: {minded:#?}");
    }
}

#[test]
fn twelve_ways_to_break_a_lesson_are_all_minded_by_the_schema_and_by_the_parser() {
    let validator = validator("lab");
    assert_eq!(minded(&validator, SERVICE), Vec::<String>::new());
    for (what, from, to) in BROKEN {
        let broken = SERVICE.replacen(from, to, 1);
        assert_ne!(broken, SERVICE, "{what}: nothing was replaced");
        assert!(
            !minded(&validator, &broken).is_empty(),
            "{what}: the schema takes it"
        );
        let mut beside = |_: &str| Some("kind: Service\n".to_owned());
        let (lab, findings) = lesson::Lab::parse("broken.yaml", &broken, &mut beside);
        assert!(
            lab.is_none() && !findings.is_empty(),
            "{what}: the parser takes it"
        );
    }
}

const BROKEN: [(&str, &str, &str); 12] = [
    (
        "two subjects",
        "        resource: { ref: service/my-nginx, same_spec_as: nginx-svc.yaml }\n",
        "        resource: { ref: service/my-nginx }\n        endpoints: { service: my-nginx }\n",
    ),
    (
        "two modes",
        "        eventually: 6m\n",
        "        eventually: 6m\n        always: 6m\n",
    ),
    (
        "no subject",
        "        tcp: { from: \"node/@(keptNode)\", to: \"@(lostIP):80\", is: timeout }\n",
        "",
    ),
    (
        "unknown field",
        "    covers: [K23, K24]\n",
        "    coverz: [K23, K24]\n",
    ),
    (
        "missing language",
        "{ ja: \"受付をひとつ置く\", en: \"Put up a reception desk\" }",
        "{ ja: \"受付をひとつ置く\" }",
    ),
    (
        "duration without a unit",
        "        always: 60s\n",
        "        always: 60\n",
    ),
    (
        "check without points",
        "        points: 1\n        required: true\n",
        "        required: true\n",
    ),
    (
        "task without a solution",
        "    solution:\n",
        "    solutions:\n",
    ),
    (
        "a sleep",
        "      - { heal: crash,",
        "      - { sleep: 5s }\n      - { heal: crash,",
    ),
    ("unknown kind of failure", "is: timeout }", "is: dropped }"),
    (
        "foreign apiVersion",
        "apiVersion: lab/v1alpha1",
        "apiVersion: v1",
    ),
    ("bad id", "  - id: pods-move\n", "  - id: Pods_Move\n"),
];

/// Every file of the folder of lessons with its text.
#[expect(
    clippy::disallowed_methods,
    reason = "the shelf of lessons grows; tests may look at it"
)]
fn shelf() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../labs");
    let entries = std::fs::read_dir(folder).expect("the folder of lessons");
    let mut files: Vec<(String, String)> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("readable");
            (path.display().to_string(), text)
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_file_of_the_course_fits_the_schema_of_its_kind() {
    for (name, text) in shelf() {
        let kind = value(&text)["kind"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase();
        if kind == "grade" {
            continue;
        }
        let minded = minded(&validator(&kind), &text);
        assert!(minded.is_empty(), "{name}: {minded:#?}");
    }
}
