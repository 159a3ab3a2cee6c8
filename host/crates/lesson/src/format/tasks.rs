//! What the learner solves and how it is checked. Never solves it.

use super::{BEFORE, BEHIND, MODES, SUBJECTS, mode_names, subject_names};
use super::{Block, Field, Type, block, field};

/// Something the learner solves.
pub(crate) static TASK: Block = block(
    "Task",
    "Something the learner solves.",
    "学習者が解く課題。",
    &[TASK_FIELDS],
);

static TASK_FIELDS: &[Field] = &[
    field("id", Type::Id, "Its short name.", "短い名前。")
        .required()
        .example("front"),
    field("title", Type::Prose, "Its title.", "題名。").required(),
    field(
        "text",
        Type::Prose,
        "What is to be done, in Markdown.",
        "することの説明(Markdown)。",
    )
    .required(),
    field(
        "submit",
        Type::List(&Type::Block(&SUBMIT)),
        "Files handed in.",
        "提出するファイル。",
    ),
    field(
        "checks",
        Type::Some(&Type::Block(&CHECK)),
        "What is checked.",
        "確かめること。",
    )
    .required(),
    field(
        "hints",
        Type::List(&Type::Block(&HINT)),
        "Help, one after another.",
        "ヒント。順に出る。",
    ),
    field(
        "solution",
        Type::Block(&SOLUTION),
        "One right answer.",
        "解答例。",
    )
    .required(),
    field(
        "alternatives",
        Type::List(&Type::Block(&ALTERNATIVE)),
        "Other right answers; each scores full.",
        "別の正解。どれも満点になる。",
    ),
    field(
        "mutants",
        Type::List(&Type::Block(&MUTANT)),
        "Wrong answers that the checks must tell apart.",
        "確認が見分けるべき誤答。",
    ),
];

/// A file handed in.
pub(crate) static SUBMIT: Block = Block {
    name: "Submit",
    en: "A file handed in.",
    ja: "提出するファイル。",
    groups: &[SUBMIT_FIELDS],
    exactly_one: &[],
    at_most_one: &[|| vec!["starter", "from"]],
};

static SUBMIT_FIELDS: &[Field] = &[
    field("path", Type::String, "Its path.", "場所。")
        .required()
        .example("answers/front.yaml"),
    field(
        "starter",
        Type::String,
        "What it starts as.",
        "はじめの中身。",
    ),
    field(
        "from",
        Type::Beside,
        "A file beside the lesson that it starts as.",
        "はじめの中身になる、教材の隣のファイル。",
    ),
    field(
        "schema",
        Type::Words(&["kubernetes", "answers", "none"]),
        "What it is read as while it is written.",
        "書いている間、何として読むか。",
    ),
    field(
        "max_bytes",
        Type::Int,
        "Its greatest size.",
        "大きさの上限。",
    )
    .example("65536"),
];

/// An assertion that carries points.
pub(crate) static CHECK: Block = Block {
    name: "Check",
    en: "An assertion that carries points.",
    ja: "点の付く確認。",
    groups: &[CHECK_HEAD, BEFORE, CHECK_FIELDS, MODES, SUBJECTS, BEHIND],
    exactly_one: &[subject_names],
    at_most_one: &[mode_names],
};

static CHECK_HEAD: &[Field] = &[
    field("id", Type::Id, "Its short name.", "短い名前。")
        .required()
        .example("applies"),
    field("title", Type::Prose, "What is checked.", "確かめること。").required(),
    field(
        "points",
        Type::Number(Some(0.0), None),
        "What it is worth.",
        "配点。",
    )
    .required()
    .example("2"),
];

static CHECK_FIELDS: &[Field] = &[
    field(
        "required",
        Type::Bool,
        "Whether nothing else counts without it.",
        "これがないと、ほかも点にならないか。",
    )
    .default("false"),
    field(
        "visibility",
        Type::Words(&["public", "hidden", "after-deadline"]),
        "Who sees it. Hidden checks stand in the lesson's `.grade.yaml`.",
        "だれに見えるか。隠す確認は `.grade.yaml` に書く。",
    )
    .default("public"),
    field(
        "partial",
        Type::Words(&["none", "fraction"]),
        "Whether parts of it earn parts of the points.",
        "一部だけ成り立つとき、点を分けるか。",
    )
    .default("none"),
];

/// Help for a task.
pub(crate) static HINT: Block = block("Hint", "Help for a task.", "課題のヒント。", &[HINT_FIELDS]);

static HINT_FIELDS: &[Field] = &[
    field("text", Type::Prose, "What it says.", "ヒントの文。").required(),
    field(
        "when",
        Type::Block(&WHEN),
        "When it is offered.",
        "出す条件。",
    ),
    field(
        "cost",
        Type::Number(Some(0.0), Some(1.0)),
        "The share of points it costs when graded.",
        "採点時に引かれる割合。",
    )
    .default("0"),
];

/// When a hint is offered.
pub(crate) static WHEN: Block = block(
    "When",
    "When a hint is offered.",
    "ヒントを出す条件。",
    &[WHEN_FIELDS],
);

static WHEN_FIELDS: &[Field] = &[
    field(
        "after_failures",
        Type::Int,
        "Not before this many failures.",
        "これだけ失敗してから。",
    )
    .example("1"),
    field(
        "failing",
        Type::List(&Type::Check),
        "Only while these checks fail.",
        "これらの確認が落ちている間だけ。",
    )
    .example("[port]"),
];

/// One right answer.
pub(crate) static SOLUTION: Block = block(
    "Solution",
    "One right answer of a task.",
    "課題の解答例。",
    &[SOLUTION_FIELDS],
);

static SOLUTION_FIELDS: &[Field] = &[
    field(
        "reveal",
        Type::Block(&REVEAL),
        "When it is shown.",
        "見せる条件。",
    ),
    field(
        "files",
        Type::Map(&Type::String),
        "Files by path.",
        "場所ごとのファイル。",
    ),
    field("run", Type::List(&Type::String), "Commands.", "コマンド。"),
    field(
        "explain",
        Type::Prose,
        "Why it is right.",
        "なぜそれでよいか。",
    ),
];

/// When a solution is shown.
pub(crate) static REVEAL: Block = block(
    "Reveal",
    "When a solution is shown.",
    "解答例を見せる条件。",
    &[REVEAL_FIELDS],
);

static REVEAL_FIELDS: &[Field] = &[
    field(
        "after_failures",
        Type::Int,
        "After this many failures.",
        "これだけ失敗したら。",
    )
    .example("3"),
    field(
        "never",
        Type::Bool,
        "Whether it is never shown.",
        "決して見せないか。",
    )
    .default("false"),
];

/// Another right answer.
pub(crate) static ALTERNATIVE: Block = block(
    "Alternative",
    "Another right answer, which `lab lint --prove` tries too.",
    "別の正解。`lab lint --prove` がこれも試す。",
    &[ALTERNATIVE_FIELDS],
);

static ALTERNATIVE_FIELDS: &[Field] = &[
    field("name", Type::Id, "Its short name.", "短い名前。")
        .required()
        .example("by-expose"),
    field(
        "files",
        Type::Map(&Type::String),
        "Files by path.",
        "場所ごとのファイル。",
    ),
    field("run", Type::List(&Type::String), "Commands.", "コマンド。"),
];

/// One wrong answer.
pub(crate) static MUTANT: Block = block(
    "Mutant",
    "A wrong answer that `lab lint --prove` tries.",
    "`lab lint --prove` が試す誤答。",
    &[MUTANT_FIELDS],
);

static MUTANT_FIELDS: &[Field] = &[
    field("name", Type::Id, "Its short name.", "短い名前。")
        .required()
        .example("no-target-port"),
    field(
        "files",
        Type::Map(&Type::String),
        "Files by path.",
        "場所ごとのファイル。",
    ),
    field("run", Type::List(&Type::String), "Commands.", "コマンド。"),
    field(
        "fails",
        Type::List(&Type::Check),
        "Checks that must fail.",
        "落ちるはずの確認。",
    )
    .required()
    .example("[port]"),
    field(
        "score",
        Type::Number(Some(0.0), None),
        "The points it gets.",
        "得られる点。",
    )
    .example("5"),
];
