//! The operators of shapes. Never evaluates them.

use super::{Block, Field, Type, block, field};
use crate::lab::Is;

/// The operators of a shape.
pub(crate) static OPERATORS: Block = block(
    "Operators",
    "Operators of a shape; all of them must hold. Fields and operators never stand side by side.",
    "形を表す演算子。書いたものがすべて成り立つこと。普通のキーと混ぜない。",
    &[OPERATOR_FIELDS],
);

static OPERATOR_FIELDS: &[Field] = &[
    field(
        "$contains",
        Type::Matcher,
        "A text with this part, or a list with such an item.",
        "この部分を含む文字、またはこの要素を含むリスト。",
    )
    .example("{ $contains: Welcome }"),
    field(
        "$not_contains",
        Type::Matcher,
        "The opposite of `$contains`.",
        "`$contains` の逆。",
    ),
    field(
        "$matches",
        Type::String,
        "A text that this regular expression finds.",
        "この正規表現に合う文字。",
    )
    .example("{ $matches: '^v1\\.' }"),
    field(
        "$one_of",
        Type::List(&Type::Matcher),
        "One of these.",
        "このうちのどれか。",
    )
    .example("{ $one_of: [200, 204] }"),
    field("$gte", Type::Any, "At least this.", "これ以上。").example("{ $gte: 2 }"),
    field("$lte", Type::Any, "At most this.", "これ以下。"),
    field(
        "$between",
        Type::List(&Type::Any),
        "From the lowest to the highest, both included.",
        "最小から最大まで(両端を含む)。",
    )
    .example("{ $between: [30000, 32767] }"),
    field(
        "$is",
        Type::Names(is_names),
        "A text or number of this type.",
        "この種類の文字や数。",
    )
    .example("{ $is: ip }"),
    field(
        "$in_cidr",
        Type::String,
        "An address in this range.",
        "この範囲のアドレス。",
    )
    .example("{ $in_cidr: 10.96.0.0/12 }"),
    field(
        "$count",
        Type::Matcher,
        "Has this many items.",
        "要素の数。",
    )
    .example("{ $count: 2 }"),
    field(
        "$each",
        Type::Matcher,
        "Every item is so.",
        "すべての要素がこうである。",
    ),
    field(
        "$any",
        Type::Matcher,
        "Some item is so.",
        "どれかの要素がこうである。",
    ),
    field(
        "$set",
        Type::List(&Type::Matcher),
        "These items in any order.",
        "この要素が、順を問わずそろう。",
    ),
    field("$absent", Type::True, "It is not there.", "存在しない。").example("{ $absent: true }"),
    field("$not", Type::Matcher, "It is not so.", "こうではない。")
        .example("{ $not: \"@(oldIP)\" }"),
    field(
        "$cel",
        Type::Cel,
        "An expression that is true, the value being `self`.",
        "値を `self` として真になる式(CEL)。",
    ),
];

fn is_names() -> Vec<&'static str> {
    Is::ALL.iter().map(|(name, _)| *name).collect()
}
