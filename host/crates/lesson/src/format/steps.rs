//! Steps, what the learner does in them, and questions. Never runs or judges anything.

use super::{ASSERTION, FAULT};
use super::{Block, Field, Type, block, field, names};

/// One step.
pub(crate) static STEP: Block = block(
    "Step",
    "One step: told, done, asked, checked.",
    "1つのステップ。説明し、操作し、問い、確かめる。",
    &[STEP_FIELDS],
);

static STEP_FIELDS: &[Field] = &[
    field("id", Type::Id, "Its short name.", "短い名前。")
        .required()
        .example("expose"),
    field("title", Type::Prose, "Its title.", "題名。").required(),
    field(
        "text",
        Type::Prose,
        "What is told, in Markdown.",
        "説明(Markdown)。",
    )
    .required(),
    field(
        "covers",
        Type::List(&Type::Claim),
        "Claims of the registry that this step shows.",
        "このステップが示す、登録簿の主張。",
    )
    .example("[K25, K26]"),
    field(
        "errata",
        Type::List(&Type::Prose),
        "Corrections of the document it follows.",
        "もとの資料の訂正。",
    ),
    field(
        "focus",
        Type::Block(&FOCUS),
        "What the screen points at.",
        "画面で目を向けるところ。",
    ),
    field(
        "quiz",
        Type::List(&Type::Block(&QUIZ)),
        "What is asked.",
        "問い。",
    ),
    field(
        "do",
        Type::List(&Type::OneOf(ITEMS)),
        "What the learner does, in order.",
        "学習者の操作。上から順に。",
    ),
    field(
        "then",
        Type::List(&Type::Block(&ASSERTION)),
        "What must then hold.",
        "そのあと成り立つべきこと。",
    ),
    field(
        "gate",
        Type::Words(&["none", "then", "quiz"]),
        "What must be done before the next step.",
        "次へ進む前に済ませること。",
    )
    .default("then"),
];

/// What the screen points at.
pub(crate) static FOCUS: Block = block(
    "Focus",
    "What the screen points at.",
    "画面で目を向けるところ。",
    &[FOCUS_FIELDS],
);

static FOCUS_FIELDS: &[Field] = &[
    field(
        "pane",
        Type::Words(&[
            "terminal", "editor", "topology", "packets", "browser", "objects",
        ]),
        "A pane.",
        "画面の区画。",
    ),
    field(
        "highlight",
        Type::List(&Type::String),
        "Objects to point at.",
        "目立たせるもの。",
    )
    .example("[service/my-nginx]"),
    field(
        "speed",
        Type::Number(None, None),
        "The speed of time; 1 is real.",
        "時間の速さ。1で実時間。",
    )
    .example("0.25"),
];

/// Everything the learner can do; which it is, the first field tells.
pub(crate) static ITEMS: &[&Block] = &[
    &RUN, &OPEN, &WRITE, &EDIT, &BROWSE, &KEY, &BREAK, &HEAL, &ADVANCE,
];

/// What every item may begin with.
static HEAD: &[Field] = &[field(
    "id",
    Type::Id,
    "Its short name, for `output` and messages.",
    "短い名前。`output` やメッセージで使う。",
)
.example("get-svc")];

/// What every item may end with.
static TAIL: &[Field] = &[
    field(
        "note",
        Type::Prose,
        "A remark beside it.",
        "横に添えるひとこと。",
    ),
    field(
        "covers",
        Type::List(&Type::Claim),
        "Claims of the registry that it shows.",
        "これが示す、登録簿の主張。",
    )
    .example("[K28]"),
];

/// A command.
pub(crate) static RUN: Block = block(
    "Run",
    "A command that is typed as it stands.",
    "書いたとおりに打つコマンド。",
    &[HEAD, RUN_FIELDS, TAIL],
);

static RUN_FIELDS: &[Field] = &[
    field(
        "in",
        Type::Place,
        "Where; the workstation when absent.",
        "どこで。なければ作業机(workstation)。",
    )
    .example("pod/app=shell"),
    field(
        "session",
        Type::String,
        "A terminal by name: commands of the same name are typed into the same shell. Without one, the commands of a machine share a shell without a terminal, and its outputs stay apart.",
        "端末の名前。同じ名前のコマンドは同じシェルに打たれる。なければ、その機械のコマンドが端末のない1つのシェルを共有し、2つの出力は分かれたまま。",
    ),
    field(
        "run",
        Type::String,
        "What is typed. Only captures such as `@(podIP)` are filled in.",
        "打つ文字。置き換わるのは `@(podIP)` のような捕捉だけ。",
    )
    .required()
    .example("kubectl get svc my-nginx"),
    field("stdin", Type::String, "What it reads.", "標準入力。"),
    field(
        "interactive",
        Type::Bool,
        "Whether it goes on at a terminal: what is typed next in its session is for it, until it ends.",
        "端末で動き続けるか。終わるまで、その端末で次に打つ文字はこれが受け取る。",
    )
    .default("false"),
    field(
        "background",
        Type::Bool,
        "Whether it keeps running; its `like` is then the beginning of the output.",
        "動かし続けるか。`like` は出力のはじめの部分になる。",
    )
    .default("false"),
    field("exit", Type::Matcher, "Its exit code.", "終了コード。").default("0"),
    field(
        "like",
        Type::Like,
        "A sample of its output, with holes; also its check.",
        "出力の見本。穴をあけて書き、そのまま確認になる。",
    )
    .example("service/my-nginx exposed"),
    field(
        "unordered",
        Type::Bool,
        "Whether the rows of `like` come in any order.",
        "`like` の行の順を問わないか。",
    )
    .default("false"),
    field(
        "stderr",
        Type::Matcher,
        "What it complains.",
        "標準エラー出力。",
    )
    .example("{ $contains: not found }"),
    field(
        "within",
        Type::Duration,
        "How long it may take.",
        "かかってよい時間。",
    ),
    field(
        "settle",
        Type::Words(&["before", "none"]),
        "Whether the world comes to rest before it.",
        "実行の前に、まわりが落ち着くのを待つか。",
    )
    .default("before"),
    field(
        "era",
        Type::String,
        "The time it was usual.",
        "それが普通だった時代。",
    ),
    field(
        "optional",
        Type::Bool,
        "Whether it may fail.",
        "失敗してもよいか。",
    )
    .default("false"),
    field(
        "copy_only",
        Type::Bool,
        "Whether it is only shown to be copied.",
        "実行せず、見せるだけか。",
    )
    .default("false"),
];

/// A file looked at.
pub(crate) static OPEN: Block = block(
    "Open",
    "A file looked at in the editor.",
    "エディターで見るファイル。",
    &[HEAD, OPEN_FIELDS, TAIL],
);

static OPEN_FIELDS: &[Field] = &[
    field("open", Type::File, "The file.", "ファイル。")
        .required()
        .example("nginx-svc.yaml"),
    field(
        "select",
        Type::String,
        "The text to select.",
        "選んで見せる文字。",
    )
    .example("\"selector:\""),
];

/// A file written.
pub(crate) static WRITE: Block = Block {
    name: "Write",
    en: "A file written in the editor.",
    ja: "エディターで書くファイル。",
    groups: &[HEAD, WRITE_FIELDS, TAIL],
    exactly_one: &[|| vec!["content", "from"]],
    at_most_one: &[],
};

static WRITE_FIELDS: &[Field] = &[
    field("write", Type::String, "The file.", "ファイル。")
        .required()
        .example("web.yml"),
    field(
        "content",
        Type::String,
        "Its text, at most 64 KiB.",
        "中身。64 KiBまで。",
    ),
    field(
        "from",
        Type::Beside,
        "A file beside the lesson with its text.",
        "中身になる、教材の隣のファイル。",
    ),
    field(
        "append",
        Type::Bool,
        "Whether it is added to the end.",
        "末尾に足すか。",
    )
    .default("false"),
];

/// An object edited.
pub(crate) static EDIT: Block = block(
    "Edit",
    "An object edited as `kubectl edit` does.",
    "`kubectl edit` での編集。",
    &[HEAD, EDIT_FIELDS, TAIL],
);

static EDIT_FIELDS: &[Field] = &[
    field("edit", Type::String, "Kind and name.", "種類と名前。")
        .required()
        .example("service/my-nginx"),
    field(
        "patch",
        Type::Some(&Type::Block(&PATCH)),
        "What is changed, as a JSON Patch.",
        "変えるところ(JSON Patch)。",
    )
    .required(),
];

/// One operation of a JSON Patch.
pub(crate) static PATCH: Block = block(
    "PatchOperation",
    "One operation of a JSON Patch.",
    "JSON Patchの操作。",
    &[PATCH_FIELDS],
);

static PATCH_FIELDS: &[Field] = &[
    field(
        "op",
        Type::Words(&["add", "replace", "remove"]),
        "What is done.",
        "操作。",
    )
    .required(),
    field("path", Type::String, "A JSON Pointer.", "JSON Pointer。")
        .required()
        .example("/spec/type"),
    field("value", Type::Any, "The value.", "値。").example("LoadBalancer"),
];

/// A page opened.
pub(crate) static BROWSE: Block = block(
    "Browse",
    "A page opened in a browser.",
    "ブラウザーで開くページ。",
    &[HEAD, BROWSE_FIELDS, TAIL],
);

static BROWSE_FIELDS: &[Field] = &[
    field("browse", Type::String, "The address.", "URL。")
        .required()
        .example("http://127.0.0.1:@(port)/"),
    field("from", Type::Place, "From which machine.", "どの機械から。").example("host/laptop"),
];

/// A key pressed.
pub(crate) static KEY: Block = block(
    "Key",
    "A key pressed in a terminal.",
    "端末で押すキー。",
    &[HEAD, KEY_FIELDS, TAIL],
);

static KEY_FIELDS: &[Field] = &[
    field(
        "key",
        Type::Words(&["ctrl-c", "ctrl-d", "enter"]),
        "Which.",
        "どのキー。",
    )
    .required(),
    field(
        "session",
        Type::String,
        "In which terminal: a `session`, or the `id` of a run in the background; `defaults.session` when absent.",
        "どの端末で。`session` の名前か、動かし続けているコマンドの `id`。なければ `defaults.session`。",
    ),
];

/// Something broken.
pub(crate) static BREAK: Block = block(
    "Break",
    "Something breaks.",
    "何かが壊れる。",
    &[HEAD, BREAK_FIELDS, TAIL],
);

static BREAK_FIELDS: &[Field] =
    &[field("fault", Type::Block(&FAULT), "What breaks.", "壊れるもの。").required()];

/// Something mended.
pub(crate) static HEAL: Block = block(
    "Heal",
    "Something is mended.",
    "何かを直す。",
    &[HEAD, HEAL_FIELDS, TAIL],
);

static HEAL_FIELDS: &[Field] = &[field(
    "heal",
    Type::Id,
    "The `id` of a fault.",
    "壊したときの `id`。",
)
.required()
.example("crash")];

/// Time passes.
pub(crate) static ADVANCE: Block = block(
    "Advance",
    "Time passes at once: a jump, not a wait.",
    "時計を進める。待つのではなく飛ぶ。",
    &[HEAD, ADVANCE_FIELDS, TAIL],
);

static ADVANCE_FIELDS: &[Field] =
    &[field("clock", Type::Block(&JUMP), "How far.", "どれだけ。").required()];

/// How far time jumps.
pub(crate) static JUMP: Block = block(
    "Jump",
    "How far the virtual clock jumps.",
    "仮想時計をどれだけ進めるか。",
    &[&[field("advance", Type::Duration, "So far.", "これだけ。")
        .required()
        .example("365d")]],
);

/// A question.
pub(crate) static QUIZ: Block = block(
    "Quiz",
    "A question for the learner.",
    "学習者への問い。",
    &[QUIZ_FIELDS],
);

static QUIZ_FIELDS: &[Field] = &[
    field("id", Type::Id, "Its short name.", "短い名前。")
        .required()
        .example("predict-ip"),
    field(
        "kind",
        Type::Words(&["single", "multi", "number", "short", "order", "predict"]),
        "How it is answered; `predict` comes before it happens.",
        "答え方。`predict` は起こる前に問う。",
    )
    .required(),
    field(
        "points",
        Type::Number(Some(0.0), None),
        "What it is worth.",
        "配点。",
    )
    .example("1"),
    field("prompt", Type::Prose, "What is asked.", "問い。").required(),
    field(
        "choices",
        Type::List(&Type::Block(&CHOICE)),
        "What can be chosen; for `order` in the right order.",
        "選択肢。`order` では正しい順に並べる。",
    ),
    field(
        "answer",
        Type::Matcher,
        "The right number or word.",
        "正しい数や語。",
    )
    .example("{ $one_of: [port, ports] }"),
    field(
        "reveal",
        Type::Words(&["immediately", "on-submit", "after-deadline"]),
        "When the answer is told.",
        "答えを見せる時。",
    )
    .default("immediately"),
    field(
        "covers",
        Type::List(&Type::Claim),
        "Claims of the registry that it shows.",
        "これが示す、登録簿の主張。",
    ),
];

/// One choice of a question.
pub(crate) static CHOICE: Block = block(
    "Choice",
    "One choice of a question.",
    "問いの選択肢。",
    &[CHOICE_FIELDS],
);

static CHOICE_FIELDS: &[Field] = &[
    field("id", Type::Id, "Its short name.", "短い名前。").required(),
    field("text", Type::Prose, "What it says.", "選択肢の文。").required(),
    field("correct", Type::Bool, "Whether it is right.", "正しいか。").default("false"),
    field(
        "why",
        Type::Prose,
        "Why, or why not.",
        "なぜそうか、なぜ違うか。",
    ),
];

/// The fields that tell what an item does.
pub(crate) fn verbs() -> Vec<&'static str> {
    ITEMS.iter().filter_map(|item| item.verb()).collect()
}

/// Every field that some item may have besides its verb.
pub(crate) fn every() -> Vec<&'static str> {
    [names(HEAD), names(TAIL)].concat()
}
