//! The top of a lesson: who it is, its parameters, defaults and limits. Never what is done in it.

use super::{Block, Field, Type, block, field};
use super::{ENVIRONMENT, STEP, TASK};

/// A lesson.
pub(crate) static LAB: Block = block(
    "Lab",
    "One lesson: the world it needs, what is told and done, and what the learner solves.",
    "1つの教材。必要な環境、説明と操作、学習者が解く課題からなる。",
    &[LAB_FIELDS],
);

static LAB_FIELDS: &[Field] = &[
    field(
        "apiVersion",
        Type::Const("lab/v1alpha1"),
        "The version of the format.",
        "書式のバージョン。",
    )
    .required(),
    field(
        "kind",
        Type::Const("Lab"),
        "This file is a lesson.",
        "このファイルが教材であること。",
    )
    .required(),
    field(
        "metadata",
        Type::Block(&METADATA),
        "Who the lesson is.",
        "教材そのものについて。",
    )
    .required(),
    field(
        "params",
        Type::Map(&Type::Block(&PARAM)),
        "Values that differ per student when graded; `default` when practising. Used as `@(name)`.",
        "採点時に学習者ごとに変わる値。練習では `default`。`@(名前)` で使う。",
    )
    .example("{ front_port: { kind: int, range: [8081, 8999], default: 8080 } }"),
    field(
        "environment",
        Type::Block(&ENVIRONMENT),
        "The world the lesson needs.",
        "教材に必要な環境。",
    ),
    field(
        "defaults",
        Type::Block(&DEFAULTS),
        "What is not said elsewhere.",
        "ほかで書かなかったときの値。",
    ),
    field(
        "limits",
        Type::Block(&LIMITS),
        "Bounds of a run.",
        "実行の上限。",
    ),
    field(
        "steps",
        Type::Some(&Type::Block(&STEP)),
        "What is told and done, in order.",
        "説明と操作。上から順に進む。",
    )
    .required(),
    field(
        "tasks",
        Type::List(&Type::Block(&TASK)),
        "What the learner solves.",
        "学習者が解く課題。",
    ),
    field(
        "pass_mark",
        Type::Number(Some(0.0), Some(1.0)),
        "The share of points that passes.",
        "合格となる得点の割合。",
    )
    .example("0.6"),
];

/// Who a lesson is.
pub(crate) static METADATA: Block = block(
    "Metadata",
    "Who the lesson is.",
    "教材そのものについて。",
    &[METADATA_FIELDS],
);

static METADATA_FIELDS: &[Field] = &[
    field(
        "id",
        Type::Id,
        "The lesson's short name, unique in its course.",
        "教材の短い名前。コースの中で1つだけ。",
    )
    .required()
    .example("service"),
    field(
        "order",
        Type::Int,
        "Its place in the course.",
        "コースの中での順番。",
    )
    .example("3"),
    field(
        "course",
        Type::String,
        "The course it belongs to.",
        "属するコース。",
    )
    .example("service-networking"),
    field("title", Type::Prose, "Its title.", "題名。").required(),
    field(
        "summary",
        Type::Prose,
        "One sentence about it.",
        "1文の紹介。",
    ),
    field(
        "languages",
        Type::Some(&Type::Words(&["ja", "en"])),
        "The languages it is written in.",
        "書かれている言語。",
    )
    .required()
    .example("[ja, en]"),
    field(
        "minutes",
        Type::Int,
        "How long it takes a learner.",
        "かかる時間(分)の目安。",
    )
    .example("20"),
    field(
        "level",
        Type::Words(&["intro", "core", "stretch"]),
        "How hard it is.",
        "難しさ。",
    ),
    field(
        "requires",
        Type::List(&Type::Id),
        "Ids of lessons that come before.",
        "先に済ませる教材のid。",
    )
    .example("[pods]"),
    field(
        "objectives",
        Type::List(&Type::Prose),
        "What the learner can do afterwards.",
        "終えたときにできるようになること。",
    ),
    field(
        "seeds",
        Type::List(&Type::String),
        "Documents it follows, by their name in the claim registry.",
        "もとにした資料。主張の登録簿での名前で書く。",
    )
    .example("[s0, s3]"),
    field(
        "license",
        Type::String,
        "The licence of its text, by SPDX.",
        "文章のライセンス(SPDX)。",
    )
    .example("Apache-2.0"),
    field(
        "authors",
        Type::List(&Type::String),
        "Who wrote it.",
        "書いた人。",
    ),
];

/// A value that differs per student.
pub(crate) static PARAM: Block = block(
    "Param",
    "A value that differs per student when graded.",
    "採点時に学習者ごとに変わる値。",
    &[PARAM_FIELDS],
);

static PARAM_FIELDS: &[Field] = &[
    field(
        "kind",
        Type::Words(&["int", "choice", "name"]),
        "How it is drawn.",
        "値の決め方。",
    )
    .required(),
    field(
        "range",
        Type::List(&Type::Int),
        "For `int`: the lowest and the highest.",
        "`int` のとき: 最小と最大。",
    )
    .example("[8081, 8999]"),
    field(
        "of",
        Type::List(&Type::Any),
        "For `choice`: the values.",
        "`choice` のとき: 選択肢。",
    ),
    field(
        "prefix",
        Type::String,
        "For `name`: what it begins with.",
        "`name` のとき: 名前の先頭。",
    ),
    field(
        "default",
        Type::Any,
        "Its value when practising.",
        "練習のときの値。",
    )
    .required(),
];

/// Prose.
pub(crate) static PROSE: Block = block(
    "Prose",
    "Prose in every language of the lesson.",
    "教材のすべての言語で書いた文章。",
    &[PROSE_FIELDS],
);

static PROSE_FIELDS: &[Field] = &[
    field("ja", Type::String, "Japanese.", "日本語。").required(),
    field("en", Type::String, "English.", "英語。").required(),
];

/// What is not said elsewhere.
pub(crate) static DEFAULTS: Block = block(
    "Defaults",
    "What is not said elsewhere in the lesson.",
    "教材のほかの場所で書かなかったときの値。",
    &[DEFAULTS_FIELDS],
);

static DEFAULTS_FIELDS: &[Field] = &[
    field(
        "within",
        Type::Duration,
        "How long an assertion without a mode may take to hold.",
        "モードのない確認が成り立つまで待つ時間。",
    )
    .default("30s"),
    field(
        "session",
        Type::String,
        "The terminal of commands that name none.",
        "端末を書かなかったコマンドの端末。",
    )
    .default("workstation"),
    field(
        "namespace",
        Type::String,
        "The namespace of subjects that name none.",
        "名前空間を書かなかった確認の名前空間。",
    )
    .default("default"),
];

/// Bounds of a run.
pub(crate) static LIMITS: Block = block(
    "Limits",
    "Bounds of a run. Real time is only a safety net and never part of a verdict.",
    "実行の上限。実時間は安全網で、判定には関わらない。",
    &[LIMITS_FIELDS],
);

static LIMITS_FIELDS: &[Field] = &[
    field(
        "wall",
        Type::Duration,
        "Real time, a safety net.",
        "実時間。安全網。",
    )
    .example("30s"),
    field("virtual", Type::Duration, "Virtual time.", "仮想時間。").default("20m"),
    field(
        "fuel",
        Type::Int,
        "Instructions of programs.",
        "プログラムの命令数。",
    ),
    field(
        "memory",
        Type::String,
        "Memory, as a quantity.",
        "メモリ量。",
    )
    .example("512Mi"),
    field(
        "output",
        Type::String,
        "Output per command, as a quantity.",
        "コマンドごとの出力の量。",
    )
    .example("256Ki"),
];
