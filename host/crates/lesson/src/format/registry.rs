//! The files beside the lessons: the course, the registry of claims, that of command lines, the
//! glossary. Never what is in them.

use super::{Block, Field, Type, block, field};

/// The order of the lessons.
pub(crate) static COURSE: Block = block(
    "Course",
    "A course: its lessons in order.",
    "コース。教材を順に並べる。",
    &[COURSE_FIELDS],
);

static COURSE_FIELDS: &[Field] = &[
    version(),
    field(
        "kind",
        Type::Const("Course"),
        "This file is a course.",
        "このファイルがコースであること。",
    )
    .required(),
    field(
        "metadata",
        Type::Block(&COURSE_METADATA),
        "Who the course is.",
        "コースそのものについて。",
    )
    .required(),
    field(
        "sections",
        Type::Some(&Type::Block(&SECTION)),
        "Its parts, in order.",
        "部。順に並べる。",
    )
    .required(),
];

const fn version() -> Field {
    field(
        "apiVersion",
        Type::Const("lab/v1alpha1"),
        "The version of the format.",
        "書式のバージョン。",
    )
    .required()
}

/// Who a course is.
pub(crate) static COURSE_METADATA: Block = block(
    "CourseMetadata",
    "Who the course is.",
    "コースそのものについて。",
    &[COURSE_METADATA_FIELDS],
);

static COURSE_METADATA_FIELDS: &[Field] = &[
    field(
        "id",
        Type::Id,
        "Its short name, which lessons give as `course`.",
        "短い名前。教材は `course` でこれを指す。",
    )
    .required()
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

/// A part of a course.
pub(crate) static SECTION: Block = block(
    "Section",
    "A part of a course.",
    "コースの部。",
    &[SECTION_FIELDS],
);

static SECTION_FIELDS: &[Field] = &[
    field("id", Type::Id, "Its short name.", "短い名前。")
        .required()
        .example("inside"),
    field("title", Type::Prose, "Its title.", "題名。").required(),
    field(
        "summary",
        Type::Prose,
        "One sentence about it.",
        "1文の紹介。",
    ),
    field(
        "lessons",
        Type::Some(&Type::Id),
        "Ids of lessons, in order.",
        "教材のid。順に並べる。",
    )
    .required()
    .example("[pods, service]"),
];

/// The registry of claims.
pub(crate) static CLAIMS: Block = block(
    "Claims",
    "What documents say, show and get wrong: the registry behind `covers`.",
    "資料の述べること、見せること、誤り。`covers` のもとになる登録簿。",
    &[CLAIMS_FIELDS],
);

static CLAIMS_FIELDS: &[Field] = &[
    version(),
    field(
        "kind",
        Type::Const("Claims"),
        "This file is a registry of claims.",
        "このファイルが主張の登録簿であること。",
    )
    .required(),
    field(
        "documents",
        Type::Map(&Type::Prose),
        "The documents by their short names.",
        "資料。短い名前ごとに。",
    )
    .required(),
    field(
        "claims",
        Type::Some(&Type::Block(&CLAIM)),
        "The claims.",
        "主張。",
    )
    .required(),
];

/// One claim.
pub(crate) static CLAIM: Block = block(
    "Claim",
    "Something a document says or shows.",
    "資料の述べること、見せること。",
    &[CLAIM_FIELDS],
);

static CLAIM_FIELDS: &[Field] = &[
    field(
        "id",
        Type::String,
        "Its short name: capitals and a number.",
        "短い名前。大文字と数字。",
    )
    .required()
    .example("K23"),
    field(
        "kind",
        Type::Words(&[
            "claim", "command", "manifest", "output", "failure", "typo", "link",
        ]),
        "What it is.",
        "種類。",
    )
    .required(),
    field(
        "seeds",
        Type::Some(&Type::String),
        "The documents that say it.",
        "そう述べる資料。",
    )
    .required()
    .example("[s0, s3]"),
    field(
        "lessons",
        Type::List(&Type::String),
        "Files of lessons that are to show it.",
        "これを示すはずの教材のファイル。",
    )
    .example("[03-service]"),
    field(
        "statement",
        Type::String,
        "What is said.",
        "述べていること。",
    )
    .required(),
    field(
        "shown",
        Type::String,
        "How a lesson shows it.",
        "教材での示し方。",
    ),
];

/// The registry of command lines.
pub(crate) static COMMANDS: Block = block(
    "Commands",
    "Command lines of documents, each of which some lesson types word for word.",
    "資料のコマンド行。どれもどこかの教材で、書いてあるとおりに打つ。",
    &[COMMANDS_FIELDS],
);

static COMMANDS_FIELDS: &[Field] = &[
    version(),
    field(
        "kind",
        Type::Const("Commands"),
        "This file is a registry of command lines.",
        "このファイルがコマンド行の登録簿であること。",
    )
    .required(),
    field(
        "commands",
        Type::Some(&Type::Block(&COMMAND)),
        "The lines.",
        "コマンド行。",
    )
    .required(),
];

/// One command line.
pub(crate) static COMMAND: Block = block(
    "Command",
    "A command line of a document.",
    "資料のコマンド行。",
    &[COMMAND_FIELDS],
);

static COMMAND_FIELDS: &[Field] = &[
    field(
        "id",
        Type::String,
        "Its short name: capitals and a number.",
        "短い名前。大文字と数字。",
    )
    .required()
    .example("C01"),
    field(
        "seeds",
        Type::Some(&Type::String),
        "The documents that type it.",
        "打っている資料。",
    )
    .required()
    .example("[s0]"),
    field(
        "line",
        Type::String,
        "The line, with holes such as `@(pod)` for generated parts.",
        "その行。作られる部分は `@(pod)` のような穴にする。",
    )
    .required(),
    field(
        "spellings",
        Type::Int,
        "How many lines of the documents come to this one.",
        "資料のいくつの行がこれにあたるか。",
    )
    .default("1"),
];

/// The words of the course.
pub(crate) static GLOSSARY: Block = block(
    "Glossary",
    "Words and how they are written.",
    "用語と、その書き方。",
    &[GLOSSARY_FIELDS],
);

static GLOSSARY_FIELDS: &[Field] = &[
    version(),
    field(
        "kind",
        Type::Const("Glossary"),
        "This file is a glossary.",
        "このファイルが用語集であること。",
    )
    .required(),
    field(
        "terms",
        Type::Some(&Type::Block(&TERM)),
        "The words.",
        "用語。",
    )
    .required(),
];

/// One word of the course.
pub(crate) static TERM: Block = block(
    "Term",
    "One word and how it is written.",
    "用語と、その書き方。",
    &[TERM_FIELDS],
);

static TERM_FIELDS: &[Field] = &[
    field(
        "en",
        Type::String,
        "How English prose writes it.",
        "英語での書き方。",
    )
    .required()
    .example("Pod"),
    field(
        "ja",
        Type::String,
        "How Japanese prose writes it.",
        "日本語での書き方。",
    )
    .required()
    .example("Pod"),
    field(
        "not_ja",
        Type::List(&Type::String),
        "What Japanese prose does not write.",
        "日本語では書かない形。",
    )
    .example("[ポッド]"),
    field(
        "except_ja",
        Type::List(&Type::String),
        "Phrases in which Japanese prose may write it all the same.",
        "それでも書いてよい言い回し。",
    )
    .example("[注文サービス]"),
    field(
        "not_en",
        Type::List(&Type::String),
        "What English prose does not write, as whole words.",
        "英語では書かない形(単語として)。",
    )
    .example("[pod]"),
    field(
        "about",
        Type::Prose,
        "What it means, in one sentence.",
        "1文での意味。",
    ),
];
