//! Assertions: what must hold, when, and what they are about. Never judges.

use super::{Block, Field, Type, block, field, names};

/// Something that must hold.
pub(crate) static ASSERTION: Block = Block {
    name: "Assertion",
    en: "Something that must hold: one subject, at most one mode.",
    ja: "成り立つべきこと。対象は1つ、モードは多くても1つ。",
    groups: &[ASSERTION_HEAD, BEFORE, MODES, SUBJECTS, BEHIND],
    exactly_one: &[subject_names],
    at_most_one: &[mode_names],
};

static ASSERTION_HEAD: &[Field] = &[
    field("id", Type::Id, "Its short name.", "短い名前。").example("old-ip-dead"),
    field(
        "title",
        Type::Prose,
        "What is checked, in one line.",
        "確かめること。1行で。",
    ),
];

/// What may stand before a mode and a subject.
pub(crate) static BEFORE: &[Field] = &[field(
    "needs",
    Type::List(&Type::Check),
    "Ids that must hold first; else this is not reached.",
    "先に成り立つべきid。だめならここは試さない。",
)
.example("[applies]")];

/// What may stand behind them.
pub(crate) static BEHIND: &[Field] = &[
    field(
        "covers",
        Type::List(&Type::Claim),
        "Claims of the registry that it shows.",
        "これが示す、登録簿の主張。",
    )
    .example("[K32]"),
    field(
        "else",
        Type::Prose,
        "What to say when it does not hold.",
        "成り立たないときの一言。",
    ),
    field(
        "diagnose",
        Type::List(&Type::Block(&DIAGNOSE)),
        "Likely causes; the first that is true is told.",
        "考えられる原因。はじめに当てはまったものを伝える。",
    ),
];

/// When it must hold.
pub(crate) static MODES: &[Field] = &[
    field("now", Type::True, "At this instant.", "今この時に。"),
    field(
        "eventually",
        Type::Duration,
        "At some state within this long; the default.",
        "この間のいつか。書かなければこれ。",
    )
    .default("30s"),
    field(
        "always",
        Type::Duration,
        "At every state of this long.",
        "この間ずっと。",
    )
    .example("60s"),
    field(
        "never",
        Type::Duration,
        "At no state of this long.",
        "この間、一度もない。",
    )
    .example("30s"),
];

/// What it is about.
pub(crate) static SUBJECTS: &[Field] = &[
    field(
        "resource",
        Type::Block(&RESOURCE),
        "An object, or a count of objects.",
        "オブジェクト、またはその数。",
    ),
    field(
        "endpoints",
        Type::Block(&ENDPOINTS),
        "The endpoints of a Service.",
        "Serviceのendpoints。",
    ),
    field(
        "http",
        Type::Block(&HTTP),
        "An HTTP request that is really sent.",
        "実際に送るHTTPリクエスト。",
    ),
    field(
        "tcp",
        Type::Block(&TCP),
        "A TCP connection that is really tried.",
        "実際に試すTCP接続。",
    ),
    field(
        "dns",
        Type::Block(&DNS),
        "A DNS question that is really asked.",
        "実際に送るDNSの問い合わせ。",
    ),
    field(
        "exec",
        Type::Block(&EXEC),
        "A command run now.",
        "今実行するコマンド。",
    ),
    field(
        "output",
        Type::Block(&OUTPUT),
        "The output of an earlier `run`.",
        "前の `run` の出力。",
    ),
    field(
        "flow",
        Type::Block(&FLOW),
        "Packets on the wires.",
        "線を流れるパケット。",
    ),
    field(
        "distribution",
        Type::Block(&DISTRIBUTION),
        "How many requests are spread over Pods.",
        "たくさんのリクエストの振り分け。",
    ),
    field(
        "file",
        Type::Block(&FILE_SUBJECT),
        "A submitted file.",
        "提出されたファイル。",
    ),
    field(
        "answer",
        Type::Block(&ANSWER),
        "Whether a quiz was answered right.",
        "問いに正しく答えたか。",
    ),
    field(
        "cel",
        Type::Cel,
        "An expression over captures, in CEL.",
        "捕捉した値についての式(CEL)。",
    )
    .example("int(a) < int(b)"),
    field(
        "all",
        Type::Some(&Type::Block(&SUBJECT)),
        "Every one of these subjects.",
        "すべての対象。",
    ),
    field(
        "any",
        Type::Some(&Type::Block(&SUBJECT)),
        "At least one of these subjects.",
        "少なくとも1つの対象。",
    ),
    field(
        "not",
        Type::Block(&SUBJECT),
        "Not this subject.",
        "この対象ではないこと。",
    ),
];

/// The names of the subjects.
pub(crate) fn subject_names() -> Vec<&'static str> {
    names(SUBJECTS)
}

/// The names of the modes.
pub(crate) fn mode_names() -> Vec<&'static str> {
    names(MODES)
}

/// A subject that stands alone, in `all`, `not` and `if`.
pub(crate) static SUBJECT: Block = Block {
    name: "Subject",
    en: "One subject, standing alone.",
    ja: "対象を1つだけ書いたもの。",
    groups: &[SUBJECTS],
    exactly_one: &[subject_names],
    at_most_one: &[],
};

/// A likely cause.
pub(crate) static DIAGNOSE: Block = block(
    "Diagnose",
    "A likely cause of a failure.",
    "失敗の考えられる原因。",
    &[DIAGNOSE_FIELDS],
);

static DIAGNOSE_FIELDS: &[Field] = &[
    field(
        "if",
        Type::Block(&SUBJECT),
        "What is true in that case.",
        "その場合に成り立つこと。",
    )
    .required(),
    field(
        "say",
        Type::Prose,
        "What to say then.",
        "そのときに伝えること。",
    )
    .required(),
];

/// An object or some objects.
pub(crate) static RESOURCE: Block = block(
    "Resource",
    "An object, or a count of objects.",
    "オブジェクト、またはその数。",
    &[RESOURCE_FIELDS],
);

static RESOURCE_FIELDS: &[Field] = &[
    field(
        "ref",
        Type::String,
        "`kind/name`, or a kind alone.",
        "`種類/名前`、または種類だけ。",
    )
    .required()
    .example("service/my-nginx"),
    field("namespace", Type::String, "Where.", "名前空間。").default("default"),
    field(
        "selector",
        Type::String,
        "Which, by label as `-l` takes it.",
        "どれか。`-l` と同じラベルの書き方。",
    )
    .example("run=my-nginx"),
    field("match", Type::Matcher, "Their shape.", "形。").example("{ status: { phase: Running } }"),
    field(
        "count",
        Type::Matcher,
        "How many are of that shape.",
        "その形のものの数。",
    )
    .example("2"),
    field(
        "absent",
        Type::Bool,
        "Whether there is none.",
        "1つもないか。",
    )
    .default("false"),
    field(
        "same_spec_as",
        Type::File,
        "A manifest whose spec is the same after defaults.",
        "既定値を補ったあと、specが同じになるマニフェスト。",
    )
    .example("nginx-svc.yaml"),
    field(
        "capture",
        Type::Map(&Type::JsonPath),
        "Values to remember: name and JSONPath.",
        "覚える値: 名前とJSONPath。",
    )
    .example("{ podIP: .status.podIP }"),
];

/// The endpoints of a Service.
pub(crate) static ENDPOINTS: Block = block(
    "Endpoints",
    "The endpoints of a Service.",
    "Serviceのendpoints。",
    &[ENDPOINTS_FIELDS],
);

static ENDPOINTS_FIELDS: &[Field] = &[
    field("service", Type::String, "The Service.", "Service。")
        .required()
        .example("my-nginx"),
    field("namespace", Type::String, "Where.", "名前空間。").default("default"),
    field(
        "ready",
        Type::Matcher,
        "How many are ready.",
        "準備のできている数。",
    )
    .example("2"),
    field(
        "equals_pod_ips_of",
        Type::String,
        "Exactly the addresses of the ready Pods of this selector.",
        "このselectorに合う、準備のできたPodのアドレスちょうど。",
    )
    .example("run=my-nginx"),
    field(
        "not_contains",
        Type::String,
        "An address that is not among them.",
        "含まれないアドレス。",
    ),
    field(
        "contains",
        Type::String,
        "An address that is among them.",
        "含まれるアドレス。",
    ),
    field("port", Type::Matcher, "Their port.", "ポート。").example("80"),
];

/// An HTTP request.
pub(crate) static HTTP: Block = block(
    "Http",
    "An HTTP request that is really sent.",
    "実際に送るHTTPリクエスト。",
    &[HTTP_FIELDS],
);

static HTTP_FIELDS: &[Field] = &[
    field("from", Type::Place, "Where it starts.", "送る場所。")
        .required()
        .example("pod/app=probe"),
    field(
        "for_each",
        Type::List(&Type::String),
        "Values of `@(each)`; it is sent once for each.",
        "`@(each)` の値。それぞれについて送る。",
    )
    .example("[node-a, node-b]"),
    field("url", Type::String, "Where it goes.", "URL。")
        .required()
        .example("http://my-nginx/"),
    field("method", Type::String, "The method.", "メソッド。").default("GET"),
    field(
        "headers",
        Type::Map(&Type::String),
        "Sent as they are.",
        "そのまま送るヘッダー。",
    ),
    field(
        "insecure",
        Type::Bool,
        "Whether any certificate will do.",
        "どんな証明書でもよいか。",
    )
    .default("false"),
    field(
        "cacert",
        Type::String,
        "A file with trusted certificates.",
        "信頼する証明書のファイル。",
    )
    .example("/etc/nginx/ssl/tls.crt"),
    field("status", Type::Matcher, "The status.", "ステータス。").example("200"),
    field("body", Type::Matcher, "The body.", "本文。").example("{ $contains: Welcome to nginx! }"),
    field(
        "served_by",
        Type::Matcher,
        "The name of the Pod that answers.",
        "答えたPodの名前。",
    ),
    field(
        "fails",
        Type::Words(&[
            "refused",
            "timeout",
            "dns",
            "tls-self-signed",
            "tls-name-mismatch",
            "tls-ca-file",
            "tls-expired",
            "unreachable",
        ]),
        "The kind of failure that is expected.",
        "起こるはずの失敗の種類。",
    ),
];

/// A TCP connection.
pub(crate) static TCP: Block = block(
    "Tcp",
    "A TCP connection that is really tried.",
    "実際に試すTCP接続。",
    &[TCP_FIELDS],
);

static TCP_FIELDS: &[Field] = &[
    field("from", Type::Place, "Where it starts.", "試す場所。")
        .required()
        .example("node/node-a"),
    field("to", Type::String, "`host:port`.", "`ホスト:ポート`。")
        .required()
        .example("\"10.244.1.5:80\""),
    field(
        "is",
        Type::Words(&["open", "refused", "timeout", "unreachable"]),
        "What becomes of it.",
        "どうなるか。",
    )
    .required(),
];

/// A DNS question.
pub(crate) static DNS: Block = block(
    "Dns",
    "A DNS question that is really asked.",
    "実際に送るDNSの問い合わせ。",
    &[DNS_FIELDS],
);

static DNS_FIELDS: &[Field] = &[
    field("from", Type::Place, "Who asks.", "問い合わせる場所。")
        .required()
        .example("pod/app=shell"),
    field("name", Type::String, "The name.", "名前。")
        .required()
        .example("my-nginx"),
    field(
        "answers",
        Type::Matcher,
        "The list of addresses.",
        "アドレスの一覧。",
    )
    .example("[\"@(clusterIP)\"]"),
    field(
        "rcode",
        Type::Words(&["NOERROR", "NXDOMAIN", "SERVFAIL", "TIMEOUT"]),
        "How it is answered.",
        "答えの種類。",
    )
    .default("NOERROR"),
];

/// A command run now.
pub(crate) static EXEC: Block = block(
    "Exec",
    "A command run now, without a shell.",
    "今実行するコマンド。シェルは通さない。",
    &[EXEC_FIELDS],
);

static EXEC_FIELDS: &[Field] = &[
    field("in", Type::Place, "Where.", "場所。")
        .required()
        .example("pod/app=shell"),
    field(
        "command",
        Type::Some(&Type::String),
        "Its arguments.",
        "引数の並び。",
    )
    .required()
    .example("[cat, /etc/resolv.conf]"),
    field("exit", Type::Matcher, "Its exit code.", "終了コード。").default("0"),
    field("stdout", Type::Matcher, "What it writes.", "標準出力。"),
    field(
        "stderr",
        Type::Matcher,
        "What it complains.",
        "標準エラー出力。",
    ),
    field(
        "like",
        Type::Like,
        "A sample of its output.",
        "出力の見本。",
    ),
    field(
        "unordered",
        Type::Bool,
        "Whether the rows of `like` come in any order.",
        "`like` の行の順を問わないか。",
    )
    .default("false"),
];

/// The output of an earlier `run`.
pub(crate) static OUTPUT: Block = block(
    "Output",
    "The output of an earlier `run`.",
    "前の `run` の出力。",
    &[OUTPUT_FIELDS],
);

static OUTPUT_FIELDS: &[Field] = &[
    field(
        "of",
        Type::Id,
        "The `id` of that `run`.",
        "その `run` の `id`。",
    )
    .required()
    .example("get-svc"),
    field("exit", Type::Matcher, "Its exit code.", "終了コード。"),
    field("stdout", Type::Matcher, "What it wrote.", "標準出力。"),
    field(
        "stderr",
        Type::Matcher,
        "What it complained.",
        "標準エラー出力。",
    ),
    field("like", Type::Like, "A sample of it.", "見本。"),
    field(
        "unordered",
        Type::Bool,
        "Whether the rows of `like` come in any order.",
        "`like` の行の順を問わないか。",
    )
    .default("false"),
];

/// Packets.
pub(crate) static FLOW: Block = block(
    "Flow",
    "Packets on the wires, those of checks left out.",
    "線を流れるパケット。確認のためのものは除く。",
    &[FLOW_FIELDS],
);

static FLOW_FIELDS: &[Field] = &[
    field(
        "iface",
        Type::String,
        "Where they are seen; `*` stands for any name.",
        "見る場所。`*` は任意の名前。",
    )
    .example("\"node/*:eth0\""),
    field("match", Type::Matcher, "Their headers.", "ヘッダー。")
        .example("{ ip: { dst: 10.96.0.10 } }"),
    field(
        "path",
        Type::List(&Type::String),
        "Hops in order; `...` between two of them stands for anything.",
        "通る場所の順。間の `...` は何でもよい。",
    )
    .example("[\"pod/client:eth0\", \"...\", \"pod/web-*:eth0\"]"),
    field(
        "count",
        Type::Matcher,
        "How many packets; at least one when absent.",
        "パケットの数。なければ1つ以上。",
    )
    .example("{ $gte: 10 }"),
    field(
        "since",
        Type::Words(&["step", "lab"]),
        "From when on.",
        "いつから。",
    )
    .default("step"),
];

/// How requests are spread.
pub(crate) static DISTRIBUTION: Block = block(
    "Distribution",
    "How many requests are spread.",
    "たくさんのリクエストの振り分け。",
    &[DISTRIBUTION_FIELDS],
);

static DISTRIBUTION_FIELDS: &[Field] = &[
    field("from", Type::Place, "Where they start.", "送る場所。")
        .required()
        .example("node/node-a"),
    field("url", Type::String, "Where they go.", "URL。")
        .required()
        .example("\"http://my-nginx/\""),
    field(
        "requests",
        Type::Int,
        "How many, from 2 to 20000.",
        "数。2から20000まで。",
    )
    .required()
    .example("200"),
    field(
        "by",
        Type::Words(&["body", "served_by"]),
        "What is counted: bodies, or the Pods that answer.",
        "数えるもの: 本文、または答えたPod。",
    )
    .default("body"),
    field(
        "p",
        Type::List(&Type::Number(Some(0.0), Some(1.0))),
        "Expected shares; compared in order of size.",
        "期待する割合。大きさの順に比べる。",
    )
    .example("[0.5, 0.5]"),
    field(
        "sigma",
        Type::Number(Some(0.0), None),
        "How many standard deviations off is fair.",
        "許すずれ。標準偏差の何倍か。",
    )
    .default("4"),
    field(
        "connection",
        Type::Words(&["new", "keep-alive"]),
        "A connection for each request, or one for all.",
        "リクエストごとに接続するか、1つを使い回すか。",
    )
    .default("new"),
];

/// A submitted file.
pub(crate) static FILE_SUBJECT: Block = block(
    "FileSubject",
    "A submitted file.",
    "提出されたファイル。",
    &[FILE_SUBJECT_FIELDS],
);

static FILE_SUBJECT_FIELDS: &[Field] = &[
    field("path", Type::String, "Its path.", "場所。")
        .required()
        .example("answers/front.yaml"),
    field("exists", Type::Bool, "Whether it is there.", "あるか。"),
    field("text", Type::Matcher, "Its text.", "文字としての中身。"),
    field(
        "yaml",
        Type::Matcher,
        "Its value as YAML.",
        "YAMLとしての値。",
    )
    .example("{ kind: Service }"),
    field(
        "docs",
        Type::Int,
        "How many documents it holds.",
        "文書の数。",
    )
    .example("1"),
];

/// The answer to a quiz.
pub(crate) static ANSWER: Block = block(
    "Answer",
    "Whether a quiz was answered right.",
    "問いに正しく答えたか。",
    &[&[field("quiz", Type::Id, "The `id` of the quiz.", "問いの `id`。").required()]],
);
