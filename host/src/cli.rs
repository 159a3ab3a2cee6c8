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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Progress for people
    Text,
    /// One JSON document, the same bytes for the same seed
    Json,
    /// JUnit XML for CI
    Junit,
}
