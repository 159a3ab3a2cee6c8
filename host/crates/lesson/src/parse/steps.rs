//! Reading steps and what the learner does in them. Never runs anything.

use super::reader::{Fields, Reader};
use super::{environment, matcher, quiz, subject};
use crate::action::Key;
use crate::format;
use crate::lab::{Focus, Gate, Item, ItemKind, Like, PatchOp, Run, Step};
use crate::place::Place;
use crate::yaml::Node;

pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Vec<Step> {
    let items: Vec<&Node> = reader.list(node).iter().collect();
    if items.is_empty() {
        reader.error(node.at, "LAB007", "a lesson has at least one step");
    }
    items
        .into_iter()
        .enumerate()
        .filter_map(|(i, node)| step(reader, i, node))
        .collect()
}

fn step(reader: &mut Reader<'_>, i: usize, node: &Node) -> Option<Step> {
    let fields = reader.map(node, &format!("steps[{i}]"), &format::STEP)?;
    let gates = [
        ("none", Gate::None),
        ("then", Gate::Then),
        ("quiz", Gate::Quiz),
    ];
    Some(Step {
        id: reader
            .require(&fields, "id")
            .and_then(|node| reader.id(node))
            .unwrap_or_default(),
        at: node.at,
        title: reader
            .require(&fields, "title")
            .map(|node| reader.text(node))
            .unwrap_or_default(),
        text: reader
            .require(&fields, "text")
            .map(|node| reader.text(node))
            .unwrap_or_default(),
        covers: reader.strings(&fields, "covers"),
        items: items(reader, &fields),
        then: fields
            .get("then")
            .map(|node| subject::assertions(reader, node))
            .unwrap_or_default(),
        quiz: fields
            .get("quiz")
            .map(|node| quiz::read(reader, node))
            .unwrap_or_default(),
        focus: fields.get("focus").and_then(|node| focus(reader, node)),
        errata: fields
            .get("errata")
            .map(|node| reader.texts(node))
            .unwrap_or_default(),
        gate: reader.choose(&fields, "gate", &gates).unwrap_or_default(),
    })
}

fn focus(reader: &mut Reader<'_>, node: &Node) -> Option<Focus> {
    let fields = reader.map(node, "focus", &format::FOCUS)?;
    Some(Focus {
        pane: reader.word(&fields, "pane").map(str::to_owned),
        highlight: reader.strings(&fields, "highlight"),
        speed: fields.get("speed").and_then(|node| reader.number(node)),
    })
}

fn items(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<Item> {
    let Some(node) = fields.get("do") else {
        return Vec::new();
    };
    let items: Vec<&Node> = reader.list(node).iter().collect();
    items
        .into_iter()
        .enumerate()
        .filter_map(|(i, node)| item(reader, i, node))
        .collect()
}

fn item(reader: &mut Reader<'_>, i: usize, node: &Node) -> Option<Item> {
    let what = format!("do[{i}]");
    let every = format::verbs();
    let verbs: Vec<&str> = every
        .iter()
        .copied()
        .filter(|verb| node.get(verb).is_some())
        .collect();
    let block = format::ITEMS
        .iter()
        .find(|block| block.verb().is_some_and(|verb| verbs == [verb]));
    let Some(block) = block else {
        let known = [every.clone(), format::every()].concat();
        let strange = Fields::of(node, &format::RUN)
            .is_some_and(|fields| fields.keys().any(|key| !known.contains(&key)));
        // A verb that is not known says enough.
        if !verbs.is_empty() || !strange {
            let message = match verbs[..] {
                [] => format!("`{what}` does nothing"),
                _ => format!("`{what}` does two things ({})", verbs.join(", ")),
            };
            let help = format!("an item has one of {}", every.join(", "));
            reader.error_help(node.at, "LAB003", message, help);
        }
        reader.known(node, &what, &known);
        return None;
    };
    let fields = reader.map(node, &what, block)?;
    Some(Item {
        id: reader.maybe_id(&fields),
        at: node.at,
        note: fields.get("note").map(|node| reader.text(node)),
        covers: reader.strings(&fields, "covers"),
        what: kind(reader, verbs[0], &fields)?,
    })
}

fn kind(reader: &mut Reader<'_>, verb: &str, fields: &Fields<'_>) -> Option<ItemKind> {
    let node = fields.get(verb)?;
    Some(match verb {
        "run" => ItemKind::Run(Box::new(run(reader, fields))),
        "open" => {
            // What an earlier lesson left is known when it is played.
            if !reader.continues {
                reader.file(node)?;
            }
            ItemKind::Open {
                path: reader.string(node)?,
                select: reader.maybe_string(fields, "select"),
            }
        }
        "write" => write(reader, node, fields)?,
        "edit" => ItemKind::Edit {
            object: reader.string(node)?,
            patch: patch(reader, fields),
        },
        "browse" => ItemKind::Browse {
            url: reader.string(node)?,
            from: place(reader, fields, "from"),
        },
        "key" => {
            let keys = [
                ("ctrl-c", Key::CtrlC),
                ("ctrl-d", Key::CtrlD),
                ("enter", Key::Enter),
            ];
            ItemKind::Key {
                key: reader.choose(fields, "key", &keys)?,
                session: reader.maybe_string(fields, "session"),
            }
        }
        "fault" => ItemKind::Fault(environment::fault(reader, node)?),
        "heal" => ItemKind::Heal(reader.string(node)?),
        _ => {
            let clock = reader.map(node, "clock", &format::JUMP)?;
            let advance = reader.require(&clock, "advance")?;
            ItemKind::Advance(reader.duration(advance)?)
        }
    })
}

fn write(reader: &mut Reader<'_>, node: &Node, fields: &Fields<'_>) -> Option<ItemKind> {
    let content = match (fields.get("content"), fields.get("from")) {
        (Some(content), None) => reader.string(content),
        (None, Some(from)) => reader.beside(from),
        _ => {
            reader.error(
                fields.at,
                "LAB007",
                "`write` takes `content` or `from`, one of them",
            );
            None
        }
    };
    Some(ItemKind::Write {
        path: reader.string(node)?,
        content: content?,
        append: reader.boolean(fields, "append", false),
    })
}

fn patch(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<PatchOp> {
    let Some(node) = reader.require(fields, "patch") else {
        return Vec::new();
    };
    let mut patch = Vec::new();
    for node in reader.list(node) {
        let Some(fields) = reader.map(node, "a patch", &format::PATCH) else {
            continue;
        };
        patch.push(PatchOp {
            op: {
                reader.require(&fields, "op");
                reader.word(&fields, "op").unwrap_or_default().to_owned()
            },
            path: reader.required_string(&fields, "path"),
            value: fields.get("value").map(Node::to_value),
        });
    }
    patch
}

fn run(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Run {
    let settle = [("before", false), ("none", true)];
    Run {
        command: reader.required_string(fields, "run"),
        place: place(reader, fields, "in"),
        session: reader.maybe_string(fields, "session"),
        stdin: reader.maybe_string(fields, "stdin"),
        interactive: reader.boolean(fields, "interactive", false),
        background: reader.boolean(fields, "background", false),
        like: like(reader, fields),
        exit: fields.get("exit").map(|node| matcher::read(reader, node)),
        stderr: fields.get("stderr").map(|node| matcher::read(reader, node)),
        no_settle: reader.choose(fields, "settle", &settle).unwrap_or(false),
        within: reader.maybe_duration(fields, "within"),
        era: reader.maybe_string(fields, "era"),
        optional: reader.boolean(fields, "optional", false),
        copy_only: reader.boolean(fields, "copy_only", false),
    }
}

/// A sample of output.
pub(super) fn like(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Like> {
    let node = fields.get("like")?;
    let like = Like {
        text: reader.string(node)?,
        at: node.at,
        unordered: reader.boolean(fields, "unordered", false),
    };
    for problem in crate::like::problems(&like) {
        reader.error(node.at, "LAB008", problem);
    }
    Some(like)
}

/// A place, which may hold captures.
pub(super) fn place(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str) -> Option<String> {
    let node = fields.get(key)?;
    let text = reader.string(node)?;
    // Whatever is captured will be a name.
    let likely = text.replace("@(", "x").replace(')', "x");
    if Place::parse(&likely).is_none() {
        let help = "workstation, control-plane, node/NAME, pod/NAME, pod/label=value, deploy/NAME, host/NAME, internet";
        reader.error_help(node.at, "LAB008", format!("`{text}` is not a place"), help);
    }
    Some(text)
}
