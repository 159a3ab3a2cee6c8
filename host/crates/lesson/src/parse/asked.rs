//! Which fields of the format the parser has asked for, to hold it to the tables. Tests only;
//! never part of a build that reads lessons for somebody.

use std::cell::RefCell;
use std::collections::BTreeSet;

thread_local! {
    static ASKED: RefCell<BTreeSet<(&'static str, String)>> = RefCell::default();
}

/// A field was asked for.
pub(super) fn note(block: &'static str, key: &str) {
    ASKED.with_borrow_mut(|asked| asked.insert((block, key.to_owned())));
}

/// What was asked for in this thread so far.
pub(crate) fn all() -> BTreeSet<(&'static str, String)> {
    ASKED.with_borrow(Clone::clone)
}

/// A lesson with every form of the format. It need not make sense, nor be free of findings.
const EVERYTHING: &str = include_str!("everything.yaml");

#[test]
fn the_parser_asks_for_every_field_of_the_tables() {
    let mut resolve = |_: &str| Some("kind: Service\n".to_owned());
    let (_, findings) = crate::Lab::parse("everything.yaml", EVERYTHING, &mut resolve);
    let unknown: Vec<_> = findings.iter().filter(|f| f.code == "LAB003").collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let asked = all();
    for block in crate::format::lesson_blocks() {
        // The version and the kind are read before anything else.
        let fields = block
            .fields()
            .filter(|field| !matches!(field.ty, crate::format::Type::Const(_)));
        for field in fields {
            let pair = (block.name, field.name.to_owned());
            assert!(asked.contains(&pair), "nobody reads {pair:?}");
        }
    }
}
