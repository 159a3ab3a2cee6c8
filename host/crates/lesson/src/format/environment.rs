//! The world a lesson needs: machines, network, files, what is broken. Never builds it.

use super::{Block, Field, Type, block, field};
use crate::fault::{FAULTS, WAYS};

/// The world a lesson needs.
pub(crate) static ENVIRONMENT: Block = block(
    "Environment",
    "The world the lesson needs.",
    "教材に必要な環境。",
    &[ENVIRONMENT_FIELDS],
);

static ENVIRONMENT_FIELDS: &[Field] = &[
    field(
        "platform",
        Type::Words(&[
            "plain",
            "minikube-docker",
            "minikube-hyperkit",
            "docker-desktop",
            "kind",
            "eks",
            "gke",
            "docker-hosts",
        ]),
        "A preset of machines and links around the cluster; `docker-hosts` has no Kubernetes.",
        "クラスターのまわりの機械と線の組み合わせ。`docker-hosts` にはKubernetesがない。",
    )
    .default("plain"),
    field(
        "profile",
        Type::String,
        "The level of API and command line behaviour.",
        "APIとコマンドのふるまいの版。",
    )
    .example("k8s-1.36"),
    field(
        "seed",
        Type::NumberOr("student"),
        "Decides every name, address, port and timing; `student` draws one per student.",
        "名前、アドレス、ポート、時機のすべてを決める数。`student` なら学習者ごと。",
    )
    .default("42"),
    field(
        "clock",
        Type::Block(&CLOCK),
        "Virtual time at the start.",
        "開始時の仮想時刻。",
    ),
    field(
        "nodes",
        Type::List(&Type::Block(&NODE)),
        "The nodes; the platform's own when absent.",
        "ノード。なければプラットフォームのもの。",
    )
    .example("[{ name: node-a }, { name: node-b }]"),
    field(
        "network",
        Type::Block(&NETWORK),
        "The cluster's network.",
        "クラスターのネットワーク。",
    ),
    field(
        "hosts",
        Type::List(&Type::Block(&HOST)),
        "Machines beside the cluster.",
        "クラスターの外の機械。",
    ),
    field(
        "images",
        Type::List(&Type::Image),
        "Images that can be pulled; all built-in ones when absent.",
        "取得できるイメージ。なければ組み込みのすべて。",
    )
    .example("[nginx, busybox]"),
    field(
        "files",
        Type::List(&Type::Block(&FILE)),
        "Files on the workstation.",
        "作業机(workstation)に置くファイル。",
    ),
    field(
        "manifests",
        Type::List(&Type::File),
        "Files applied before the first step, in order.",
        "最初のステップの前に、順に適用するファイル。",
    )
    .example("[run-my-nginx.yaml]"),
    field(
        "faults",
        Type::List(&Type::Block(&FAULT)),
        "What is broken from the start.",
        "はじめから壊れているもの。",
    ),
    field(
        "continue_from",
        Type::Id,
        "The lesson whose solved end is this one's beginning.",
        "この教材の始まりになる教材。解き終えた状態から続ける。",
    )
    .example("env"),
];

/// Virtual time at the start.
pub(crate) static CLOCK: Block = block(
    "Clock",
    "Virtual time at the start.",
    "開始時の仮想時刻。",
    &[&[field(
        "start",
        Type::String,
        "A moment as RFC 3339 has it.",
        "RFC 3339の時刻。",
    )
    .example("2026-01-01T00:00:00Z")]],
);

/// A node of the cluster.
pub(crate) static NODE: Block = block(
    "Node",
    "A node of the cluster.",
    "クラスターのノード。",
    &[NODE_FIELDS],
);

static NODE_FIELDS: &[Field] = &[
    field("name", Type::String, "Its name.", "名前。")
        .required()
        .example("node-a"),
    field("zone", Type::String, "Its zone.", "ゾーン。"),
    field(
        "cpu",
        Type::String,
        "Its processors, as a quantity.",
        "CPUの量。",
    )
    .example("\"4\""),
    field(
        "memory",
        Type::String,
        "Its memory, as a quantity.",
        "メモリ量。",
    )
    .example("8Gi"),
    field(
        "external_ip",
        Type::String,
        "An address reachable from outside.",
        "外から届くアドレス。",
    ),
    field(
        "taints",
        Type::List(&Type::Any),
        "Taints as the API has them.",
        "APIの形で書いたtaint。",
    ),
];

/// The cluster's network.
pub(crate) static NETWORK: Block = block(
    "Network",
    "The cluster's network; what is absent is the platform's own.",
    "クラスターのネットワーク。書かなければプラットフォームのもの。",
    &[NETWORK_FIELDS],
);

static NETWORK_FIELDS: &[Field] = &[
    field(
        "pod_cidr",
        Type::String,
        "Addresses of Pods.",
        "Podのアドレス。",
    )
    .example("10.244.0.0/16"),
    field(
        "service_cidr",
        Type::String,
        "Addresses of Services.",
        "Serviceのアドレス。",
    )
    .example("10.96.0.0/12"),
    field(
        "node_cidr",
        Type::String,
        "Addresses of nodes.",
        "ノードのアドレス。",
    ),
    field(
        "node_port_range",
        Type::String,
        "Ports of NodePort Services.",
        "NodePortの範囲。",
    )
    .example("30000-32767"),
    field(
        "dataplane",
        Type::Words(&["overlay", "routed", "vpc"]),
        "How Pods of different nodes reach each other.",
        "ノードをまたぐPodどうしの届き方。",
    ),
    field(
        "load_balancer",
        Type::Words(&["none", "ip", "hostname"]),
        "What a Service of type LoadBalancer is given.",
        "type LoadBalancerのServiceに与えられるもの。",
    ),
    field(
        "dns",
        Type::Bool,
        "Whether cluster DNS runs.",
        "クラスターのDNSを動かすか。",
    )
    .default("true"),
    field(
        "policy",
        Type::Bool,
        "Whether NetworkPolicies are enforced.",
        "NetworkPolicyを守らせるか。",
    )
    .default("true"),
];

/// A machine beside the cluster.
pub(crate) static HOST: Block = block(
    "Host",
    "A machine beside the cluster.",
    "クラスターの外の機械。",
    &[HOST_FIELDS],
);

static HOST_FIELDS: &[Field] = &[
    field("name", Type::String, "Its name.", "名前。")
        .required()
        .example("laptop"),
    field(
        "inside",
        Type::String,
        "The machine it runs inside of.",
        "この機械が中で動いている機械。",
    ),
    field(
        "tools",
        Type::List(&Type::String),
        "Programs on it.",
        "入っているプログラム。",
    ),
];

/// A file on the workstation.
pub(crate) static FILE: Block = Block {
    name: "File",
    en: "A file on the workstation.",
    ja: "作業机(workstation)のファイル。",
    groups: &[FILE_FIELDS],
    exactly_one: &[|| vec!["from", "content"]],
    at_most_one: &[],
};

static FILE_FIELDS: &[Field] = &[
    field(
        "path",
        Type::String,
        "Where the learner finds it.",
        "学習者から見た場所。",
    )
    .required()
    .example("nginx-svc.yaml"),
    field(
        "from",
        Type::Beside,
        "A file beside the lesson with its text.",
        "中身になる、教材の隣のファイル。",
    )
    .example("files/nginx-svc.yaml"),
    field(
        "content",
        Type::String,
        "Its text, at most 64 KiB.",
        "中身。64 KiBまで。",
    ),
    field(
        "readonly",
        Type::Bool,
        "Whether the learner cannot change it.",
        "学習者が変えられないか。",
    )
    .default("false"),
];

/// Something to break.
pub(crate) static FAULT: Block = block(
    "Fault",
    "Something to break.",
    "壊すもの。",
    &[FAULT_FIELDS],
);

static FAULT_FIELDS: &[Field] = &[
    field(
        "id",
        Type::Id,
        "Its name for `heal`.",
        "`heal` で使う名前。",
    )
    .example("crash"),
    field(
        "kind",
        Type::Names(fault_names),
        "What breaks.",
        "何が壊れるか。",
    )
    .required()
    .example("node-down"),
    field(
        "target",
        Type::String,
        "Whom it is about: a node, a Pod, a machine's cable, an image.",
        "何の故障か: ノード、Pod、機械のケーブル、イメージ。",
    )
    .required()
    .example("node-b"),
    field(
        "value",
        Type::Any,
        "How much: a percentage, a duration, bits a second.",
        "どのくらい: 割合、時間、毎秒のビット数。",
    )
    .example("10%"),
    field(
        "way",
        Type::Names(ways),
        "Which way a link is bad, seen from the machine.",
        "機械から見て、どちら向きの線が悪いか。",
    )
    .default("both"),
    field(
        "at",
        Type::Duration,
        "How long after the start.",
        "開始からの時間。",
    ),
    field(
        "for",
        Type::Duration,
        "Heals by itself after this long.",
        "これだけ経つと自然に直る。",
    )
    .example("30s"),
];

fn fault_names() -> Vec<&'static str> {
    FAULTS.iter().map(|row| row.name).collect()
}

fn ways() -> Vec<&'static str> {
    WAYS.iter().map(|(name, _)| *name).collect()
}
