//! What was typed. Never what it means: that is `cmd/`.

use clap::{Parser, Subcommand, ValueEnum};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// A whole small Kubernetes cluster in one binary, to learn its networking.
#[derive(Debug, Parser)]
#[command(name = "lab", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Plays lessons without a screen and says whether all they promise holds.
    ///
    /// Exit codes: 0 everything held, 1 an expectation failed, 3 a lesson is invalid,
    /// 4 a limit was reached.
    Run(Run),
    /// Says what is wrong with lessons and the files beside them, and where.
    ///
    /// Exit codes: 0 clean, 1 findings, 2 something could not be read.
    Lint(Lint),
    /// Explains a rule of `lab lint`: why there is such a rule, a bad and a good example.
    Explain(Explain),
    /// Says which claims of the documents the lessons show, and which command lines they type.
    ///
    /// Every lesson is played: what covers a claim counts only if it ran and passed. Exit codes:
    /// 0 everything is covered, 1 something is not.
    Coverage(Cover),
    /// Prints the format as JSON Schema: lab, course, claims, commands, glossary; `format` is the
    /// reference page.
    Schema(Schema),
    /// Puts a new lesson on the shelf, to write on from: it runs and proves itself as it is.
    New(New),
    /// Brings lessons and the files beside them into their usual form. Comments stay.
    ///
    /// Exit codes: 0 they are, 1 some were not (with --check), 2 something could not be read.
    Fmt(Fmt),
    /// Puts lessons on paper, with the outputs of a run.
    Export(Export),
    /// Speaks the Language Server Protocol on standard input and output, for editors.
    Lsp,
    /// Starts a bare cluster in the foreground, for your own kubectl.
    Up(Up),
    /// Opens a shell on a machine of a bare cluster.
    ///
    /// At a terminal it is live. Otherwise the script on standard input runs in virtual time, and
    /// its exit code is that of this command.
    Sh(Sh),
    /// Breaks something in the cluster of `lab up`, mends it, or lists what is broken.
    ///
    /// Without a kind it lists the faults that last. Exit codes: 0 done, 1 refused, 2 no lab
    /// answered.
    #[command(after_help = crate::cmd::fault::kinds_help())]
    Fault(Fault),
    /// Says why something is not reached in the cluster of `lab up`: the first broken link of the
    /// way, what was seen of it and what mends it.
    ///
    /// lab why svc/NAME, lab why pod/NAME, lab why deploy/NAME, lab why --from pod/A --to svc/B:80,
    /// --to NAME[:PORT], --to ADDRESS:PORT. Exit codes: 0 all is well, 1 something is broken, 2 it
    /// could not be asked.
    Why(Why),
    /// Prints every field of every kind that is served and what becomes of it here: honoured,
    /// inert by nature, or not in this lab.
    ApiSurface(ApiSurface),
    /// The kubectl of this lab, for the cluster of `lab up` or any other.
    ///
    /// It reads $KUBECONFIG or ~/.kube/config as the stock client does.
    #[command(disable_help_flag = true, disable_version_flag = true)]
    Kubectl(Kubectl),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ApiSurface {
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = SurfaceFormat::Text)]
    pub(crate) format: SurfaceFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SurfaceFormat {
    /// A table for people
    Text,
    /// One JSON list
    Json,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Fault {
    /// What breaks (the kinds are listed below), or `heal`.
    #[arg(value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// Whom it is about: a node, a machine, a Pod, an image; for `heal` the fault's name or `all`.
    #[arg(value_name = "TARGET")]
    pub(crate) target: Option<String>,
    /// How much: a percentage, a duration, bits a second.
    #[arg(value_name = "AMOUNT")]
    pub(crate) amount: Option<String>,
    /// Which way a link is bad, seen from the machine: both, out or in.
    #[arg(long, value_name = "WAY")]
    pub(crate) way: Option<String>,
    /// Heal by itself after this long, such as 30s or 5m.
    #[arg(long = "for", value_name = "DURATION")]
    pub(crate) lasting: Option<String>,
    /// What `heal` will call it; the kind and its target by default.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) whose: Whose,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Why {
    /// What it is about: svc/NAME[:PORT], pod/NAME, deploy/NAME or node/NAME.
    #[arg(
        value_name = "SUBJECT",
        required_unless_present = "to",
        conflicts_with = "to"
    )]
    pub(crate) subject: Option<String>,
    /// Who asks: pod/NAME, deploy/NAME, node/NAME, host/NAME, workstation, laptop or internet;
    /// whoever fits by default.
    #[arg(long, value_name = "PLACE")]
    pub(crate) from: Option<String>,
    /// What is asked for: a subject, NAME[:PORT] as a program would be given it, or ADDRESS:PORT.
    #[arg(long, value_name = "TARGET")]
    pub(crate) to: Option<String>,
    /// The namespace of names that say none.
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    pub(crate) namespace: String,
    /// How it is printed; for people by default.
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<WhyFormat>,
    /// The language; that of $LC_ALL, $LC_MESSAGES or $LANG by default.
    #[arg(long, value_enum)]
    pub(crate) lang: Option<Lang>,
    #[command(flatten)]
    pub(crate) whose: Whose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhyFormat {
    /// One JSON document in both languages
    Json,
}

/// Which `lab up` is meant.
#[derive(Debug, clap::Args)]
pub(crate) struct Whose {
    /// Its kubeconfig; $KUBECONFIG, lab.kubeconfig in this folder or ~/.kube/config by default.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<String>,
    /// A context of it.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) context: String,
}

/// What the stock kubectl would be given.
#[derive(Debug, clap::Args)]
pub(crate) struct Kubectl {
    /// kubectl's own arguments.
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGS"
    )]
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// Lesson files.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The language of titles and messages.
    #[arg(long, value_enum, default_value_t = Lang::En)]
    pub(crate) lang: Lang,
    /// Stop after this step (the steps before it are played, since it stands on them).
    #[arg(long, value_name = "ID")]
    pub(crate) step: Option<String>,
    /// Decides every name, address, port and timing; the lesson's own seed by default.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How the result is printed on standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Write every packet of the lesson to this pcapng file (Wireshark and tshark read it).
    #[arg(long, value_name = "FILE")]
    pub(crate) pcap: Option<PathBuf>,
    /// Play on the cluster of this context instead, in real time, by the kubectl of this machine;
    /// what only the lab can do is left out by name. The lesson's namespace must be empty.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["pcap", "seed", "jobs"])]
    pub(crate) context: Option<String>,
    /// The kubeconfig of `--context`; $KUBECONFIG or ~/.kube/config by default.
    #[arg(long, value_name = "FILE", requires = "context")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Leave what the lesson made in the cluster of `--context`.
    #[arg(long, requires = "context")]
    pub(crate) keep: bool,
    /// How many lessons are played at once; as many as there are cores by default.
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Play it as this student would: parameters are theirs instead of the defaults.
    #[arg(long, value_name = "ID", requires = "course_key_file")]
    pub(crate) student: Option<String>,
    /// The file with the course's key, from which students' parameters are drawn.
    #[arg(long, value_name = "FILE", requires = "student")]
    pub(crate) course_key_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Lint {
    /// Files, or folders of them; `labs` and `claims` by default.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Mend what can be mended and write the files back: quotes, stubs of a missing language,
    /// the form of the text. Comments stay.
    #[arg(long)]
    pub(crate) fix: bool,
    /// Play each lesson with no answer, its solution, its alternatives and its mutants.
    #[arg(long)]
    pub(crate) prove: bool,
    /// How the findings are printed.
    #[arg(long, value_enum, default_value_t = LintFormat::Human)]
    pub(crate) format: LintFormat,
    /// The language; that of $LC_ALL, $LC_MESSAGES or $LANG by default.
    #[arg(long, value_enum)]
    pub(crate) lang: Option<Lang>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LintFormat {
    /// Lines for people
    Human,
    /// One JSON list
    Json,
    /// SARIF 2.1.0 for code scanners
    Sarif,
    /// Annotations of GitHub
    Github,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// A code such as LAB012; all of them in short when absent.
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
    /// Print all of them as a page.
    #[arg(long, conflicts_with = "code")]
    pub(crate) page: bool,
    /// The language; that of $LC_ALL, $LC_MESSAGES or $LANG by default.
    #[arg(long, value_enum)]
    pub(crate) lang: Option<Lang>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Cover {
    /// Lessons, or folders of them; `labs` by default.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The registry of claims.
    #[arg(long, value_name = "FILE", default_value = "claims/seeds.yaml")]
    pub(crate) claims: PathBuf,
    /// The registry of command lines.
    #[arg(long, value_name = "FILE", default_value = "claims/commands.yaml")]
    pub(crate) commands: PathBuf,
    /// Only read the lessons: what they say they cover is then unplayed.
    #[arg(long)]
    pub(crate) no_play: bool,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = CoverageFormat::Text)]
    pub(crate) format: CoverageFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CoverageFormat {
    /// What is missing, and the sums
    Text,
    /// Everything as one JSON document
    Json,
    /// Everything as Markdown tables
    Md,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Schema {
    /// Which; `lab` by default, all of them with `--out`.
    #[arg(value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// Write into this folder instead of printing.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// The lesson's id: lower-case letters, digits and hyphens.
    #[arg(value_name = "LESSON_ID")]
    pub(crate) id: String,
    /// The folder of lessons.
    #[arg(long, value_name = "DIR", default_value = "labs")]
    pub(crate) dir: PathBuf,
    /// Its place in the course, which also begins the file's name.
    #[arg(long, value_name = "N")]
    pub(crate) order: Option<u32>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Fmt {
    /// Files, or folders of them; `labs` and `claims` by default.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Only say which files are not in their usual form.
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// Lesson files.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// As what.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) handout: Handout,
    /// In which language.
    #[arg(long, value_enum, default_value_t = HandoutLang::Both)]
    pub(crate) lang: HandoutLang,
    /// Write into this folder instead of printing.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Handout {
    /// Markdown
    Md,
    /// One HTML file that needs nothing else, with styles for paper
    Html,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HandoutLang {
    /// Japanese
    Ja,
    /// English
    En,
    /// Japanese, then English
    Both,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) cluster: Cluster,
    /// Where to write the kubeconfig.
    #[arg(long, value_name = "FILE", default_value = "lab.kubeconfig")]
    pub(crate) kubeconfig: PathBuf,
    /// The API server's port; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) port: u16,
    /// The API server's address; beyond loopback there is a token, printed unless it is given.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) listen: IpAddr,
    /// A file with the token that serves instead of a client certificate.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

/// What a bare lab is.
#[derive(Debug, clap::Args)]
pub(crate) struct Cluster {
    /// Where the cluster stands: plain, docker-hosts, minikube-docker, minikube-hyperkit,
    /// docker-desktop, kind, eks or gke.
    #[arg(long, value_name = "NAME", default_value = "plain")]
    pub(crate) platform: String,
    /// How many worker nodes; the platform's own number by default, 1 on plain.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=50))]
    pub(crate) nodes: Option<u8>,
    /// Decides every random choice of the cluster.
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub(crate) seed: u64,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Sh {
    /// Run this command instead of the script on standard input.
    #[arg(short, long, value_name = "TEXT", conflicts_with = "keys")]
    pub(crate) command: Option<String>,
    /// The machine: workstation, node/NAME, pod/NAME, deploy/NAME, host/NAME, internet.
    #[arg(long, value_name = "PLACE", default_value = "workstation")]
    pub(crate) on: String,
    /// Copy the files of this folder to the workstation's home folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) files: Option<PathBuf>,
    /// Type the lines of standard input at a terminal, each when everything before it has come to
    /// rest; the line ^C is that key.
    #[arg(long)]
    pub(crate) keys: bool,
    #[command(flatten)]
    pub(crate) cluster: Cluster,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// Japanese
    Ja,
    /// English
    En,
}

/// The language that was typed, or that of the terminal by the variables that say so, in POSIX'
/// order.
pub(crate) fn spoken(typed: Option<Lang>) -> lesson::Lang {
    let variables = ["LC_ALL", "LC_MESSAGES", "LANG"].iter();
    let said = variables.filter_map(|name| std::env::var(name).ok());
    match (typed, said.into_iter().find(|value| !value.is_empty())) {
        (Some(Lang::Ja), _) => lesson::Lang::Ja,
        (None, Some(locale)) if locale.starts_with("ja") => lesson::Lang::Ja,
        _ => lesson::Lang::En,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Progress for people
    Text,
    /// One JSON document, the same bytes for the same seed
    Json,
    /// JUnit XML for CI
    Junit,
}
