//! Every rule of `lab lint` once: its code, how bad a breach is, why there is such a rule, a bad
//! and a good example. `lab explain`, SARIF and `docs/lint.md` are made from this table.
//!
//! Never looks at a lesson.

use crate::Lang;
use crate::finding::Severity::{self, Error, Warning};

/// One rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its code.
    pub code: &'static str,
    /// How bad a breach is.
    pub severity: Severity,
    /// Its name, in English.
    pub en: &'static str,
    /// Its name, in Japanese.
    pub ja: &'static str,
    /// Why there is such a rule and what to do, in English.
    pub why_en: &'static str,
    /// Why there is such a rule and what to do, in Japanese.
    pub why_ja: &'static str,
    /// Where in a lesson the examples stand.
    pub slot: Slot,
    /// Something that breaks it.
    pub bad: &'static str,
    /// The same, mended.
    pub good: &'static str,
    /// Whether `--fix` mends it.
    pub fixes: bool,
}

/// Where in a lesson an example stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The first two lines of the file.
    Head,
    /// At the top, beside `metadata`.
    Top,
    /// The fields of `environment`.
    Environment,
    /// The fields of a step.
    Step,
    /// The items of `do`.
    Do,
    /// The assertions of `then`.
    Then,
    /// The questions of `quiz`.
    Quiz,
    /// The tasks.
    Tasks,
    /// No text shows it.
    Nowhere,
}

impl Rule {
    /// Its name in one language.
    #[must_use]
    pub fn title(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::Ja => self.ja,
            Lang::En => self.en,
        }
    }

    /// Why there is such a rule, in one language.
    #[must_use]
    pub fn why(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::Ja => self.why_ja,
            Lang::En => self.why_en,
        }
    }

    /// The rule of a code, however its letters are typed.
    #[must_use]
    pub fn find(code: &str) -> Option<&'static Self> {
        RULES
            .iter()
            .find(|rule| rule.code.eq_ignore_ascii_case(code.trim()))
    }

    const fn fixed(mut self) -> Self {
        self.fixes = true;
        self
    }
}

const fn rule(
    code: &'static str,
    severity: Severity,
    (en, ja): (&'static str, &'static str),
    (why_en, why_ja): (&'static str, &'static str),
    slot: Slot,
    (bad, good): (&'static str, &'static str),
) -> Rule {
    Rule {
        code,
        severity,
        en,
        ja,
        why_en,
        why_ja,
        slot,
        bad,
        good,
        fixes: false,
    }
}

/// Every rule, by code.
pub const RULES: &[Rule] = &[
    rule(
        "LAB001",
        Error,
        ("the file is not YAML", "YAMLとして読めない"),
        (
            "A lesson is one YAML 1.2 document without anchors, aliases, tags and repeated keys. Nothing else can be said about a file until it can be read.",
            "教材は1つのYAML 1.2文書です。アンカー、エイリアス、タグ、同じキーの繰り返しは使いません。読めるようになるまで、ほかのことは調べられません。",
        ),
        Slot::Step,
        ("title: \"Pods\ntext: \"Two Pods run.\"", "title: \"Pods\"\ntext: \"Two Pods run.\""),
    ),
    rule(
        "LAB002",
        Error,
        ("the version or kind is not one this lab reads", "このラボの読めるバージョンや種類ではない"),
        (
            "`apiVersion` and `kind` say what a file is. A newer format is refused as a whole: half of it would be misunderstood.",
            "`apiVersion` と `kind` がファイルの正体を示します。新しい書式は、一部だけ読んで誤解しないように、全体を断ります。",
        ),
        Slot::Head,
        ("apiVersion: v1\nkind: Lab", "apiVersion: lab/v1alpha1\nkind: Lab"),
    ),
    rule(
        "LAB003",
        Error,
        ("a field that is not part of the format", "書式にないキー"),
        (
            "A misspelt field would silently do nothing, so none is ignored. `docs/format.md` lists every field of every block.",
            "つづりの違うキーは、黙って無視すると効かないままになります。だから必ず誤りにします。キーの一覧は `docs/format.md` にあります。",
        ),
        Slot::Do,
        ("- run: kubectl get pods\n  stdrr: none", "- run: kubectl get pods\n  stderr: none"),
    ),
    rule(
        "LAB004",
        Warning,
        ("a word that YAML 1.1 reads as something else", "YAML 1.1では別の値になる語"),
        (
            "This lab reads YAML 1.2, but many editors and tools still read 1.1, where `on`, `off`, `yes`, `no` are truth values and `1:30` is ninety. Quote them.",
            "ラボはYAML 1.2で読みますが、1.1で読む道具も多く、そこでは `on` や `no` は真偽値、`1:30` は90になります。引用符で囲んでください。",
        ),
        Slot::Do,
        ("- run: echo no\n  like: no", "- run: echo no\n  like: \"no\""),
    )
    .fixed(),
    rule(
        "LAB005",
        Warning,
        ("unquoted prose inside { }", "{ } の中の、引用符のない文章"),
        (
            "Inside `{ }` a comma ends a text and a question mark may begin a key, so prose there is fragile. Quote it.",
            "`{ }` の中では、読点のつもりのカンマで文が切れ、疑問符はキーの印にもなります。文章は引用符で囲んでください。",
        ),
        Slot::Do,
        (
            "- run: kubectl get pods\n  note: { ja: 一覧です, en: The list }",
            "- run: kubectl get pods\n  note: { ja: \"一覧です\", en: \"The list\" }",
        ),
    )
    .fixed(),
    rule(
        "LAB006",
        Error,
        ("a text that begins with @, % or a tab", "@ や %、タブで始まる文字"),
        (
            "`@`, `%` and the backtick cannot begin an unquoted text in YAML, and tabs do not indent. Quote the text; indent with blanks.",
            "`@` や `%`、バッククォートは、引用符のない文字の先頭に書けません。タブは字下げになりません。引用符で囲み、空白で字下げしてください。",
        ),
        Slot::Then,
        (
            "- tcp: { from: workstation, to: @(ip):80, is: open }",
            "- tcp: { from: workstation, to: \"node-a:80\", is: open }",
        ),
    )
    .fixed(),
    rule(
        "LAB007",
        Error,
        ("something is missing", "必要なものがない"),
        (
            "The block cannot do its work without this field.",
            "そのキーがないと、このブロックは役目を果たせません。",
        ),
        Slot::Then,
        ("- tcp: { from: workstation, to: \"node-a:80\" }", "- tcp: { from: workstation, to: \"node-a:80\", is: open }"),
    ),
    rule(
        "LAB008",
        Error,
        ("a value that cannot stand here", "ここに書けない値"),
        (
            "The value has the wrong type or form: a duration without a unit, a word that is not known, an id with capitals.",
            "型や形が合いません。単位のない時間、知らない語、大文字を含むidなどです。",
        ),
        Slot::Then,
        (
            "- eventually: 30s\n  tcp: { from: workstation, to: \"node-a:80\", is: dropped }",
            "- eventually: 30s\n  tcp: { from: workstation, to: \"node-a:80\", is: refused }",
        ),
    ),
    rule(
        "LAB009",
        Error,
        ("part of the format, but not in this lab yet", "書式にはあるが、このラボにはまだない"),
        (
            "What the lab cannot do is refused, never taken and left undone.",
            "できないことは、受け取ったふりをせずに断ります。",
        ),
        Slot::Environment,
        ("profile: k8s-1.13", "profile: k8s-1.36"),
    ),
    rule(
        "LAB010",
        Error,
        ("an assertion about nothing", "対象のない確認"),
        (
            "An assertion has one subject that says what it is about: `resource`, `http`, `tcp` and so on.",
            "確認には、何についてかを示す対象が1つ要ります。`resource`、`http`、`tcp` などです。",
        ),
        Slot::Then,
        (
            "- eventually: 30s",
            "- eventually: 30s\n  resource: { ref: pod/web }",
        ),
    ),
    rule(
        "LAB011",
        Error,
        ("two modes in one assertion", "1つの確認にモードが2つ"),
        (
            "`now`, `eventually`, `always` and `never` exclude each other. Write two assertions.",
            "`now`、`eventually`、`always`、`never` は同時に成り立ちません。2つの確認に分けてください。",
        ),
        Slot::Then,
        (
            "- eventually: 30s\n  always: 60s\n  resource: { ref: pod/web }",
            "- always: 60s\n  resource: { ref: pod/web }",
        ),
    ),
    rule(
        "LAB012",
        Error,
        ("two subjects in one assertion", "1つの確認に対象が2つ"),
        (
            "One assertion says one thing, so that its failure does too. Split it, or wrap the subjects in `all:`.",
            "1つの確認は1つのことだけを述べます。失敗の理由も1つに決まるからです。分けるか、`all:` で包んでください。",
        ),
        Slot::Then,
        (
            "- resource: { ref: pod/web }\n  tcp: { from: workstation, to: \"node-a:80\", is: open }",
            "- all:\n    - resource: { ref: pod/web }\n    - tcp: { from: workstation, to: \"node-a:80\", is: open }",
        ),
    ),
    rule(
        "LAB013",
        Error,
        ("a mode without its duration", "時間のないモード"),
        (
            "`eventually`, `always` and `never` say how long; `now` is only ever `true`.",
            "`eventually`、`always`、`never` には時間を書きます。`now` に書けるのは `true` だけです。",
        ),
        Slot::Then,
        ("- always: true\n  resource: { ref: pod/web }", "- always: 60s\n  resource: { ref: pod/web }"),
    ),
    rule(
        "LAB014",
        Error,
        ("a combination that can never hold", "成り立ちえない組み合わせ"),
        (
            "What is absent has no count; a request that fails has no status; one named object needs no selector.",
            "存在しないものに数はなく、失敗した通信にステータスはありません。名前で指した1つに、selectorは要りません。",
        ),
        Slot::Then,
        (
            "- resource: { ref: pod, absent: true, count: 2 }",
            "- resource: { ref: pod, absent: true }",
        ),
    ),
    rule(
        "LAB015",
        Error,
        ("longer than the lesson may last", "教材の上限より長い時間"),
        (
            "`limits.virtual` would end the lesson first. Raise the limit or shorten the window; virtual time costs nothing.",
            "先に `limits.virtual` に達して終わってしまいます。上限を上げるか、時間を短くしてください。仮想時間に費用はかかりません。",
        ),
        Slot::Then,
        ("- always: 2h\n  resource: { ref: pod/web }", "- always: 2m\n  resource: { ref: pod/web }"),
    ),
    rule(
        "LAB016",
        Error,
        ("a command that sleeps", "sleepするコマンド"),
        (
            "Waiting for a length of time hides what is waited for. Time is virtual here: say with `eventually:` what must come true.",
            "時間で待つと、何を待っているのかが隠れます。ここの時間は仮想です。待つものを `eventually:` で書いてください。",
        ),
        Slot::Do,
        ("- run: sleep 5; kubectl get pods", "- run: kubectl get pods"),
    ),
    rule(
        "LAB017",
        Warning,
        ("a generated value written out", "作られる値の直書き"),
        (
            "Names of Pods, their addresses and node ports differ with every seed. Capture them in a `like` with `@(word as name)` and use `@(name)`.",
            "Podの名前やアドレス、NodePortはseedごとに変わります。`like` の中で `@(word as 名前)` と捕捉し、`@(名前)` で使ってください。",
        ),
        Slot::Do,
        (
            "- run: kubectl delete pod web-58c94dcbc4-gp5tv",
            "- { id: name, run: kubectl get pods -l app=web -o name, like: \"@(rest as victim)\" }\n- run: kubectl delete @(victim)",
        ),
    ),
    rule(
        "LAB020",
        Error,
        ("a language is missing", "片方の言語がない"),
        (
            "Prose stands in every language of the lesson. `--fix` puts a stub that says what is to be written.",
            "文章は教材のすべての言語で書きます。`--fix` は、書くべき場所に印を置きます。",
        ),
        Slot::Do,
        (
            "- run: kubectl get pods\n  note: { en: \"The list\" }",
            "- run: kubectl get pods\n  note: { ja: \"一覧です\", en: \"The list\" }",
        ),
    )
    .fixed(),
    rule(
        "LAB021",
        Warning,
        ("code or holes differ between the languages", "言語によってコードや穴が違う"),
        (
            "Commands, names and captured values are the same in every language. A difference is mostly something forgotten.",
            "コマンドや名前、捕捉した値は、どの言語でも同じはずです。違いは、たいてい直し忘れです。",
        ),
        Slot::Do,
        (
            "- run: kubectl get pods\n  note: { ja: \"`kubectl` の一覧\", en: \"The list of `kubectl get`\" }",
            "- run: kubectl get pods\n  note: { ja: \"`kubectl` の一覧\", en: \"The list of `kubectl`\" }",
        ),
    ),
    rule(
        "LAB022",
        Warning,
        ("a word the glossary writes otherwise", "用語集と違う書き方"),
        (
            "One thing has one name in the whole course. The glossary says which; code spans are left alone.",
            "同じものは、コース全体で同じ名前で呼びます。書き方は用語集が決めます。コードの中は対象外です。",
        ),
        Slot::Do,
        (
            "- run: kubectl get pods\n  note: { ja: \"ポッドの一覧\", en: \"The Pods\" }",
            "- run: kubectl get pods\n  note: { ja: \"Podの一覧\", en: \"The Pods\" }",
        ),
    ),
    rule(
        "LAB023",
        Warning,
        ("lists of different length in the two languages", "言語によって箇条書きの数が違う"),
        (
            "A point that stands in one language only was forgotten in the other.",
            "片方にしかない項目は、もう片方で忘れられています。",
        ),
        Slot::Step,
        (
            "title: { ja: \"まとめ\", en: \"In short\" }\ntext:\n  ja: |\n    - 一\n    - 二\n  en: |\n    - one",
            "title: { ja: \"まとめ\", en: \"In short\" }\ntext:\n  ja: |\n    - 一\n    - 二\n  en: |\n    - one\n    - two",
        ),
    ),
    rule(
        "LAB024",
        Warning,
        ("one language was edited after the other", "片方の言語だけが後から直された"),
        (
            "With `--stale`, the history tells when each side was last edited. Read both and touch the one that is behind.",
            "`--stale` を付けると、履歴から、それぞれが最後に直された時を調べます。両方を読み、遅れている側を直してください。",
        ),
        Slot::Nowhere,
        ("", ""),
    ),
    rule(
        "LAB030",
        Error,
        ("a value that nothing captures", "どこでも捕捉していない値"),
        (
            "`@(name)` is filled from a `like` or `resource.capture` that comes before it, or from `params`.",
            "`@(名前)` には、それより前の `like` や `resource.capture`、または `params` の値が入ります。",
        ),
        Slot::Do,
        (
            "- run: kubectl describe @(pod)",
            "- { run: kubectl get pods -o name, like: \"@(rest as pod)\" }\n- run: kubectl describe @(pod)",
        ),
    ),
    rule(
        "LAB031",
        Error,
        ("a reference to a run or quiz that is not there", "ない `run` や問いを指している"),
        (
            "`output.of` names an earlier `run` with an `id`, `answer.quiz` a quiz of the lesson.",
            "`output.of` は前にある `run` の `id` を、`answer.quiz` は教材の問いを指します。",
        ),
        Slot::Then,
        (
            "- output: { of: listing, stdout: { $contains: web } }",
            "- output: { of: look, stdout: { $contains: web } }",
        ),
    ),
    rule(
        "LAB032",
        Warning,
        ("a capture hides an earlier one", "前の捕捉を隠している"),
        (
            "Two values under one name: what comes after this sees only the second. Choose another name, or compare with `@(name)`.",
            "同じ名前に2つの値が入り、この後からは2つ目しか見えません。別の名前にするか、`@(名前)` で比べてください。",
        ),
        Slot::Do,
        (
            "- { run: kubectl get pods -o name, like: \"@(rest as pod)\" }\n- { run: kubectl get pods -o name, like: \"@(rest as pod)\" }\n- run: kubectl describe @(pod)",
            "- { run: kubectl get pods -o name, like: \"@(rest as pod)\" }\n- { run: kubectl get pods -o name, like: \"@(pod)\" }\n- run: kubectl describe @(pod)",
        ),
    ),
    rule(
        "LAB033",
        Error,
        ("healing what was never broken", "壊していないものを直している"),
        (
            "`heal` names the `id` of a fault of this lesson.",
            "`heal` には、この教材の故障の `id` を書きます。",
        ),
        Slot::Do,
        (
            "- { fault: { id: crash, kind: node-down, target: node-a } }\n- { heal: crush }",
            "- { fault: { id: crash, kind: node-down, target: node-a } }\n- { heal: crash }",
        ),
    ),
    rule(
        "LAB034",
        Warning,
        ("a capture that nothing uses", "使われない捕捉"),
        (
            "A plain hole such as `@(ip)` checks the form as well, without a name to remember.",
            "形を確かめるだけなら、名前のない `@(ip)` のような穴で足ります。",
        ),
        Slot::Do,
        (
            "- { run: kubectl get pods -o name, like: \"@(rest as pod)\" }",
            "- { run: kubectl get pods -o name, like: \"@(rest)\" }",
        ),
    ),
    rule(
        "LAB040",
        Error,
        ("a file that is not there", "ないファイル"),
        (
            "A lesson opens, applies and compares files of `environment.files`; those are read from beside the lesson.",
            "教材が開き、適用し、比べるのは `environment.files` のファイルです。中身は教材の隣から読みます。",
        ),
        Slot::Do,
        ("- { open: wep.yml }", "- { open: web.yml }"),
    ),
    rule(
        "LAB041",
        Error,
        ("a file outside the lesson's folder", "教材のフォルダーの外のファイル"),
        (
            "A lesson is carried with its folder, so it names only files in it.",
            "教材はフォルダーごと運ばれます。だから、その中のファイルだけを指します。",
        ),
        Slot::Do,
        (
            "- { write: x.yml, from: ../secret.yml }",
            "- { write: x.yml, from: files/web.yml }",
        ),
    ),
    rule(
        "LAB042",
        Error,
        ("a manifest that is not one", "マニフェストとして読めない"),
        (
            "A file that is applied must be YAML; one that is compared holds exactly one object.",
            "適用するファイルはYAMLであること。比べるファイルは、ちょうど1つのオブジェクトを書いたものであること。",
        ),
        Slot::Environment,
        (
            "files: [{ path: web.yml, content: \"kind: {\" }]\nmanifests: [web.yml]",
            "files: [{ path: web.yml, content: \"kind: Service\" }]\nmanifests: [web.yml]",
        ),
    ),
    rule(
        "LAB043",
        Error,
        ("more than 64 KiB written into the lesson", "教材に64 KiBを超える中身"),
        (
            "Long texts are files beside the lesson, where they can be read and compared: `from:` instead of `content:`.",
            "長い中身は、読み比べられるように教材の隣のファイルに置きます。`content:` でなく `from:` を使ってください。",
        ),
        Slot::Nowhere,
        ("", ""),
    ),
    rule(
        "LAB044",
        Error,
        ("an image that the lab does not have", "ラボにないイメージ"),
        (
            "Only built-in images, and components that end in `.wasm` beside the lesson, can be pulled.",
            "取得できるのは、組み込みのイメージと、教材の隣にある `.wasm` のコンポーネントだけです。",
        ),
        Slot::Environment,
        ("images: [ngimx]", "images: [nginx]"),
    ),
    rule(
        "LAB050",
        Error,
        ("a check that does not say what it is worth", "名前や配点のない確認"),
        (
            "A check of a task has an `id`, a `title` and `points`: the learner sees all three.",
            "課題の確認には `id`、`title`、`points` が要ります。学習者に見えるからです。",
        ),
        Slot::Tasks,
        (
            "- id: t\n  title: { ja: \"課題\", en: \"Task\" }\n  text: { ja: \"作る\", en: \"Make it\" }\n  checks:\n    - { id: there, title: { ja: \"ある\", en: \"It is there\" }, resource: { ref: pod/web } }\n  solution: { run: [kubectl apply -f web.yml] }\n  mutants: [{ name: none, fails: [there] }]",
            "- id: t\n  title: { ja: \"課題\", en: \"Task\" }\n  text: { ja: \"作る\", en: \"Make it\" }\n  checks:\n    - { id: there, title: { ja: \"ある\", en: \"It is there\" }, points: 1, resource: { ref: pod/web } }\n  solution: { run: [kubectl apply -f web.yml] }\n  mutants: [{ name: none, fails: [there] }]",
        ),
    ),
    rule(
        "LAB051",
        Warning,
        ("a mutant's score that does not add up", "足し算の合わない誤答の点"),
        (
            "A mutant gets the points of the checks it does not fail, and none at all when it fails a `required` one.",
            "誤答の点は、落ちなかった確認の点の和です。`required` の確認に落ちれば0点になります。",
        ),
        Slot::Tasks,
        (
            "- id: t\n  title: { ja: \"課題\", en: \"Task\" }\n  text: { ja: \"作る\", en: \"Make it\" }\n  checks:\n    - { id: there, title: { ja: \"ある\", en: \"It is there\" }, points: 2, resource: { ref: pod/web } }\n  solution: { run: [kubectl apply -f web.yml] }\n  mutants: [{ name: none, fails: [there], score: 1 }]",
            "- id: t\n  title: { ja: \"課題\", en: \"Task\" }\n  text: { ja: \"作る\", en: \"Make it\" }\n  checks:\n    - { id: there, title: { ja: \"ある\", en: \"It is there\" }, points: 2, resource: { ref: pod/web } }\n  solution: { run: [kubectl apply -f web.yml] }\n  mutants: [{ name: none, fails: [there], score: 0 }]",
        ),
    ),
    rule(
        "LAB052",
        Error,
        ("a hidden check in the learner's file", "学習者に渡すファイルに隠した確認"),
        (
            "Whoever has the lesson can read it. Hidden checks stand in the lesson's `.grade.yaml`.",
            "教材を持っている人は中を読めます。隠す確認は `.grade.yaml` に書いてください。",
        ),
        Slot::Tasks,
        (
            "- id: t\n  title: { ja: \"課題\", en: \"Task\" }\n  text: { ja: \"作る\", en: \"Make it\" }\n  checks:\n    - { id: there, title: { ja: \"ある\", en: \"It is there\" }, points: 1, visibility: hidden, resource: { ref: pod/web } }\n  solution: { run: [kubectl apply -f web.yml] }\n  mutants: [{ name: none, fails: [there] }]",
            "- id: t\n  title: { ja: \"課題\", en: \"Task\" }\n  text: { ja: \"作る\", en: \"Make it\" }\n  checks:\n    - { id: there, title: { ja: \"ある\", en: \"It is there\" }, points: 1, resource: { ref: pod/web } }\n  solution: { run: [kubectl apply -f web.yml] }\n  mutants: [{ name: none, fails: [there] }]",
        ),
    ),
    rule(
        "LAB053",
        Error,
        ("`needs` leads nowhere or in a circle", "`needs` の行き先がない、または輪になっている"),
        (
            "`needs` names checks of the same list that must hold first.",
            "`needs` には、同じ並びの中で先に成り立つべき確認のidを書きます。",
        ),
        Slot::Then,
        (
            "- { id: a, needs: [c], resource: { ref: pod/web } }\n- { id: b, resource: { ref: pod/web } }",
            "- { id: a, needs: [b], resource: { ref: pod/web } }\n- { id: b, resource: { ref: pod/web } }",
        ),
    ),
    rule(
        "LAB054",
        Warning,
        ("a check that no mutant fails", "どの誤答でも落ちない確認"),
        (
            "A check that nothing fails may check nothing. Add a wrong answer that it catches.",
            "何を出しても通る確認は、何も確かめていないかもしれません。落ちるはずの誤答を足してください。",
        ),
        Slot::Tasks,
        (
            "- id: t\n  title: { ja: \"課題\", en: \"Task\" }\n  text: { ja: \"作る\", en: \"Make it\" }\n  checks:\n    - { id: there, title: { ja: \"ある\", en: \"It is there\" }, points: 1, resource: { ref: pod/web } }\n  solution: { run: [kubectl apply -f web.yml] }",
            "- id: t\n  title: { ja: \"課題\", en: \"Task\" }\n  text: { ja: \"作る\", en: \"Make it\" }\n  checks:\n    - { id: there, title: { ja: \"ある\", en: \"It is there\" }, points: 1, resource: { ref: pod/web } }\n  solution: { run: [kubectl apply -f web.yml] }\n  mutants: [{ name: none, fails: [there] }]",
        ),
    ),
    rule(
        "LAB055",
        Error,
        ("a mutant or hint names a check that is not there", "誤答やヒントが、ない確認を指している"),
        (
            "`fails` and `failing` name checks of the same task.",
            "`fails` と `failing` には、同じ課題の確認のidを書きます。",
        ),
        Slot::Tasks,
        (
            "- id: t\n  title: { ja: \"課題\", en: \"Task\" }\n  text: { ja: \"作る\", en: \"Make it\" }\n  checks:\n    - { id: there, title: { ja: \"ある\", en: \"It is there\" }, points: 1, resource: { ref: pod/web } }\n  solution: { run: [kubectl apply -f web.yml] }\n  mutants: [{ name: none, fails: [there, answers] }]",
            "- id: t\n  title: { ja: \"課題\", en: \"Task\" }\n  text: { ja: \"作る\", en: \"Make it\" }\n  checks:\n    - { id: there, title: { ja: \"ある\", en: \"It is there\" }, points: 1, resource: { ref: pod/web } }\n  solution: { run: [kubectl apply -f web.yml] }\n  mutants: [{ name: none, fails: [there] }]",
        ),
    ),
    rule(
        "LAB060",
        Error,
        ("a question without an answer", "答えのない問い"),
        (
            "One choice is `correct: true`; numbers and words have an `answer`; what is put in order has two choices or more.",
            "選択肢のどれかに `correct: true` を、数や語の問いには `answer` を書きます。並べ替えには選択肢が2つ以上要ります。",
        ),
        Slot::Quiz,
        (
            "- id: q\n  kind: number\n  prompt: { ja: \"いくつ?\", en: \"How many?\" }",
            "- id: q\n  kind: number\n  prompt: { ja: \"いくつ?\", en: \"How many?\" }\n  answer: 2",
        ),
    ),
    rule(
        "LAB061",
        Error,
        ("two right choices where one is chosen", "1つ選ぶ問いに、正解が2つ"),
        (
            "With `single` and `predict` the learner chooses one. Make it `kind: multi`, or leave one right.",
            "`single` と `predict` では1つだけ選びます。`kind: multi` にするか、正解を1つにしてください。",
        ),
        Slot::Quiz,
        (
            "- id: q\n  kind: single\n  prompt: { ja: \"どれ?\", en: \"Which?\" }\n  choices:\n    - { id: a, text: \"80\", correct: true, why: { ja: \"既定値\", en: \"The default\" } }\n    - { id: b, text: \"443\", correct: true, why: { ja: \"TLSの値\", en: \"That of TLS\" } }",
            "- id: q\n  kind: single\n  prompt: { ja: \"どれ?\", en: \"Which?\" }\n  choices:\n    - { id: a, text: \"80\", correct: true, why: { ja: \"既定値\", en: \"The default\" } }\n    - { id: b, text: \"443\", why: { ja: \"TLSの値\", en: \"That of TLS\" } }",
        ),
    ),
    rule(
        "LAB062",
        Warning,
        ("the question tells its answer", "問いの文に答えがある"),
        (
            "The answer stands in the prompt, so reading is enough.",
            "問いの文に答えがそのまま書かれていて、読むだけで解けてしまいます。",
        ),
        Slot::Quiz,
        (
            "- id: q\n  kind: short\n  prompt: { ja: \"targetPortの名前は?\", en: \"What is the name of targetPort?\" }\n  answer: targetPort",
            "- id: q\n  kind: short\n  prompt: { ja: \"コンテナが待つ番号の名前は?\", en: \"What is the container's number called?\" }\n  answer: targetPort",
        ),
    ),
    rule(
        "LAB063",
        Warning,
        ("a choice without `why`", "`why` のない選択肢"),
        (
            "Whoever chose wrong wants to know why; whoever chose right may have guessed.",
            "間違えた人は理由を知りたく、当たった人も当てずっぽうかもしれません。",
        ),
        Slot::Quiz,
        (
            "- id: q\n  kind: single\n  prompt: { ja: \"どれ?\", en: \"Which?\" }\n  choices:\n    - { id: a, text: \"80\", correct: true, why: { ja: \"既定値\", en: \"The default\" } }\n    - { id: b, text: \"443\" }",
            "- id: q\n  kind: single\n  prompt: { ja: \"どれ?\", en: \"Which?\" }\n  choices:\n    - { id: a, text: \"80\", correct: true, why: { ja: \"既定値\", en: \"The default\" } }\n    - { id: b, text: \"443\", why: { ja: \"TLSの値\", en: \"That of TLS\" } }",
        ),
    ),
    rule(
        "LAB070",
        Error,
        ("`covers` names no claim", "`covers` の指す主張がない"),
        (
            "`covers` takes ids of the claim registry. `lab coverage` also tells which claims nobody covers.",
            "`covers` には主張の登録簿のidを書きます。どこでも扱っていない主張は `lab coverage` で分かります。",
        ),
        Slot::Do,
        (
            "- { run: kubectl get pods, covers: [K999] }",
            "- { run: kubectl get pods, covers: [K01] }",
        ),
    ),
    rule(
        "LAB071",
        Error,
        ("the course names a lesson that is not there", "コースが、ない教材を並べている"),
        (
            "`sections[].lessons` and `requires` name lessons by their `metadata.id`.",
            "`sections[].lessons` と `requires` には、教材の `metadata.id` を書きます。",
        ),
        Slot::Nowhere,
        ("", ""),
    ),
    rule(
        "LAB080",
        Warning,
        ("an image without words", "代わりの文のない画像"),
        (
            "Whoever cannot see the image reads its text: `![what it shows](file.svg)`.",
            "画像を見られない人は、代わりの文を読みます。`![何の図か](file.svg)` と書いてください。",
        ),
        Slot::Step,
        (
            "title: { ja: \"図\", en: \"Picture\" }\ntext: { ja: \"![](a.svg)\", en: \"![](a.svg)\" }",
            "title: { ja: \"図\", en: \"Picture\" }\ntext: { ja: \"![2つのPod](a.svg)\", en: \"![two Pods](a.svg)\" }",
        ),
    ),
    rule(
        "LAB081",
        Warning,
        ("an instruction by colour alone", "色だけを頼りにした指示"),
        (
            "Not everybody sees colours, and themes change them. Name the thing.",
            "色の見え方は人によって違い、配色も変わります。ものの名前で示してください。",
        ),
        Slot::Step,
        (
            "title: { ja: \"図\", en: \"Picture\" }\ntext: { ja: \"赤いノードをクリック\", en: \"Click the red node\" }",
            "title: { ja: \"図\", en: \"Picture\" }\ntext: { ja: \"`node-a` をクリック\", en: \"Click `node-a`\" }",
        ),
    ),
    rule(
        "LAB082",
        Warning,
        ("a heading skips a level", "見出しの段が飛んでいる"),
        (
            "The step's title is the first level; inside its text headings begin with `##` and go down one at a time.",
            "題名が1段目です。本文の見出しは `##` から始め、1段ずつ下げます。",
        ),
        Slot::Step,
        (
            "title: { ja: \"図\", en: \"Picture\" }\ntext: { ja: \"#### 細部\", en: \"#### Details\" }",
            "title: { ja: \"図\", en: \"Picture\" }\ntext: { ja: \"## 細部\", en: \"## Details\" }",
        ),
    ),
    rule(
        "LAB090",
        Error,
        ("the lesson does not prove itself", "教材が自分を証明できない"),
        (
            "`--prove` plays the lesson: unsolved no task passes, solved everything does, every alternative scores full, every mutant fails exactly its checks with its score, and two runs are the same to the byte.",
            "`--prove` は教材を実行します。解かなければ合格せず、解けばすべて通り、別解は満点、誤答は書かれた確認だけに落ちて書かれた点になり、2回の実行は1バイトも違わないこと。",
        ),
        Slot::Nowhere,
        ("", ""),
    ),
];
