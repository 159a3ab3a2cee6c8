//! What can be found at a link of the way, each with its facts and its words in both languages.
//!
//! One table: a variant, the link it is found at, what it means for the way, what is the case and
//! what mends it. Never looks at a world: `walk/` does.

use super::words::{Link, Mark, Text};

/// Makes the enum and everything that is said of its variants from one table.
macro_rules! findings {
    ($(
        $(#[$doc:meta])*
        $name:ident { $($field:ident),* } $link:ident $mark:ident
        $ja:literal / $en:literal
        $(=> $mend_ja:literal / $mend_en:literal)? ;
    )*) => {
        /// Something that was found; its fields are the facts.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "a field's name is the fact's")]
        pub enum Finding {
            $( $(#[$doc])* $name { $($field: String),* }, )*
        }

        impl Finding {
            /// What it is called, for programs.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $( Self::$name { .. } => stringify!($name), )* }
            }

            /// Where on the way it is found.
            #[must_use]
            pub const fn link(&self) -> Link {
                match self { $( Self::$name { .. } => Link::$link, )* }
            }

            /// What it means for the way.
            #[must_use]
            pub const fn mark(&self) -> Mark {
                match self { $( Self::$name { .. } => Mark::$mark, )* }
            }

            /// What is the case.
            #[must_use]
            #[allow(unused_variables, reason = "a fact may be named by the mend alone")]
            pub fn text(&self) -> Text {
                match self {
                    $( Self::$name { $($field),* } => Text { ja: format!($ja), en: format!($en) }, )*
                }
            }

            /// What would mend it; nothing for what holds.
            #[must_use]
            #[allow(unused_variables, reason = "a fact may be named by the text alone")]
            pub fn mend(&self) -> Option<Text> {
                match self {
                    $( Self::$name { $($field),* } => {
                        #[allow(unused_mut, unused_assignments, reason = "most have no mend")]
                        let mut mend = None;
                        $( mend = Some(Text { ja: format!($mend_ja), en: format!($mend_en) }); )?
                        mend
                    } )*
                }
            }

            /// The facts, by name.
            #[must_use]
            pub fn facts(&self) -> Vec<(&'static str, &str)> {
                match self {
                    $( Self::$name { $($field),* } => vec![$( (stringify!($field), $field.as_str()) ),*], )*
                }
            }

            /// One of each, its facts called after themselves.
            #[cfg(test)]
            fn samples() -> Vec<Self> {
                vec![ $( Self::$name { $( $field: concat!("<", stringify!($field), ">").to_owned() ),* } ),* ]
            }
        }
    };
}

findings! {
    /// Who asks.
    AskerIs { asker } Asker Good
        "{asker} から調べる" / "asked from {asker}";
    /// Nobody of this name is there to ask from.
    AskerMissing { asker, others } Asker Broken
        "{asker} は見つからない" / "there is no {asker}"
        => "あるもの: {others}" / "there are: {others}";
    /// It does not run, so nothing can be asked from it.
    AskerDown { asker, state, command } Asker Broken
        "{asker} は動いていない({state})" / "{asker} does not run ({state})"
        => "{command}" / "{command}";

    /// What the name means where it is asked.
    NameIs { name, service, namespace } Name Good
        "名前 {name} はNamespace {namespace} から見ると Service {service}" /
        "the name {name}, asked in namespace {namespace}, is Service {service}";
    /// The name is one of another namespace.
    NameElsewhere { name, namespace, others, full } Name Broken
        "Namespace {namespace} にService {name} はない。同じ名前は {others} にある" /
        "no Service {name} in namespace {namespace}, where the name is looked up; there is one in {others}"
        => "名前にNamespaceを付ける: {full}" / "write the namespace with the name: {full}";
    /// Nearly the name of a Service.
    NameMisspelt { name, namespace, near } Name Broken
        "Namespace {namespace} から {name} というServiceは見つからない。{near} ならある" /
        "no Service is called {name}, seen from namespace {namespace}, but there is {near}"
        => "{near} の書き間違いなら直す" / "write {near} if that was meant";
    /// No Service has the name.
    NameUnknown { name, namespace, command } Name Broken
        "{name} というServiceはNamespace {namespace} にも、ほかにもない" /
        "no Service is called {name}, neither in namespace {namespace} nor in another"
        => "{command}" / "{command}";
    /// A name of the world outside.
    NameOutside { name } Name Broken
        "{name} はクラスターの外の名前で、このラボの中では引けない" /
        "{name} is a name outside the cluster, and those are not in this lab"
        => "Serviceの名前を使う: kubectl get services -A" / "use the name of a Service: kubectl get services -A";
    /// Only Pods know the names of Services.
    NameForPods { name, asker, address } Name Broken
        "{asker} はPodではないので、Serviceの名前 {name} を引けない(クラスターのDNSを使うのはPodだけ)" /
        "{asker} is no Pod and cannot look up {name}: only Pods ask the cluster's DNS"
        => "アドレス {address} を使うか、Podから試す" / "use the address {address}, or ask from a Pod";
    /// The Pod does not look names up in the cluster.
    NameNotSearched { pod, policy, name, full, command } Name Broken
        "{pod} は dnsPolicy: {policy} なので検索パスがなく、短い名前 {name} は引けない" /
        "{pod} has dnsPolicy: {policy} and no search path, so the short name {name} is not found"
        => "{full} と書くか、ClusterFirst に戻す: {command}" / "write {full}, or go back to ClusterFirst: {command}";

    /// The DNS answers.
    DnsAnswers { name, address, server } Dns Good
        "DNS {server} は {name} に {address} と答えた" / "the DNS {server} answers {address} for {name}";
    /// There is no DNS Service.
    DnsMissing { service } Dns Broken
        "DNSのService {service} がない" / "the DNS's Service {service} is missing"
        => "ラボを始めからやり直す" / "begin the lab again";
    /// Nobody runs the DNS.
    DnsScaledAway { service, workload, command } Dns Broken
        "Service {service} にendpointがない: {workload} のreplicasが0" /
        "Service {service} has no endpoints: {workload} has 0 replicas"
        => "{command}" / "{command}";
    /// The DNS's Pods are not ready.
    DnsNotReady { service, pods, command } Dns Broken
        "Service {service} にendpointがない: CoreDNSのPod {pods} がReadyでない" /
        "Service {service} has no endpoints: CoreDNS' Pods {pods} are not ready"
        => "{command}" / "{command}";
    /// Policies keep questions from the DNS.
    DnsKeptAway { policies, pod, command } Dns Broken
        "NetworkPolicy {policies} が {pod} からDNSへの問い合わせ(ポート53)を止めている" /
        "NetworkPolicy {policies} keeps the questions of {pod} from the DNS (port 53)"
        => "{command}" / "{command}";
    /// A question was not answered.
    DnsSilent { name, server, asker } Dns Broken
        "{asker} から {server} に {name} を聞いたが答えがない" / "{asker} asked {server} for {name} and got no answer"
        => "DNSまでの経路を調べる: lab why --from {asker} --to svc/kube-dns.kube-system:53" /
           "look at the way there: lab why --from {asker} --to svc/kube-dns.kube-system:53";
    /// The DNS says that there is no such name.
    DnsNegative { name, server, rcode } Dns Broken
        "DNS {server} は {name} に {rcode} と答えた" / "the DNS {server} answers {rcode} for {name}"
        => "Serviceにアドレスがあるか見る: kubectl get services,endpointslices -A" /
           "see whether the Service has addresses: kubectl get services,endpointslices -A";

    /// The Service.
    ServiceIs { service, kind, address } Object Good
        "Service {service} がある({kind}、{address})" / "Service {service} exists ({kind}, {address})";
    /// A Service that is another name for one of the cluster.
    ServiceIsAnother { service, target } Object Good
        "Service {service} は {target} の別名(ExternalName)" / "Service {service} is another name (ExternalName) for {target}";
    /// A Service that is another name for something outside.
    ServiceIsAlias { service, target } Object Broken
        "Service {service} は {target} の別名(ExternalName)で、クラスターの外の名前はこのラボの中では引けない" /
        "Service {service} is another name (ExternalName) for {target}, and names outside the cluster are not in this lab"
        => "クラスターの中の名前にする" / "let it name something inside the cluster";
    /// The Pod.
    PodIs { pod, node, address, phase } Object Good
        "{pod} は {node} にあり、{phase}、アドレスは {address}" / "{pod} is on {node}, {phase}, with the address {address}";
    /// The Deployment.
    DeployIs { deploy, ready, wanted } Object Good
        "{deploy} のPodは {wanted} 個のうち {ready} 個がReady" / "Pods of {deploy} that are ready: {ready} of {wanted}";
    /// The Deployment wants no Pods.
    DeployScaledToZero { deploy, command } Object Broken
        "{deploy} のreplicasが0" / "{deploy} has 0 replicas"
        => "{command}" / "{command}";
    /// The machine.
    MachineIs { machine, address } Object Good
        "{machine} のアドレスは {address}" / "{machine} has the address {address}";
    /// There is none in the namespace, nor nearly.
    Missing { what, namespace, command } Object Broken
        "Namespace {namespace} に {what} はない" / "there is no {what} in namespace {namespace}"
        => "{command}" / "{command}";
    /// Nearly the name of one.
    Misspelt { what, namespace, near } Object Broken
        "Namespace {namespace} に {what} はない。{near} ならある" / "there is no {what} in namespace {namespace}, but there is {near}"
        => "{near} の書き間違いなら直す" / "write {near} if that was meant";
    /// One of that name is in another namespace.
    Elsewhere { what, namespace, others, command } Object Broken
        "Namespace {namespace} に {what} はない。同じ名前のものは {others} にある" /
        "there is no {what} in namespace {namespace}; one of that name is in {others}"
        => "Namespaceを言う: {command}" / "say the namespace: {command}";
    /// The API server refused to make it.
    Refused { what, namespace, message } Object Broken
        "Namespace {namespace} に {what} はない。作ろうとしたがAPIサーバーに断られた: {message}" /
        "there is no {what} in namespace {namespace}: the API server refused it: {message}"
        => "マニフェストを直してもう一度 kubectl apply する" / "correct the manifest and kubectl apply it again";
    /// Another Service has the node port.
    NodePortTaken { what, namespace, port, owner, free } Object Broken
        "Namespace {namespace} に {what} はない。nodePort {port} はService {owner} が使っていて、断られた" /
        "there is no {what} in namespace {namespace}: it was refused because Service {owner} has the nodePort {port}"
        => "空いている番号(たとえば nodePort: {free})にするか、nodePortを書かずにapplyする" /
           "apply it with a free number (such as nodePort: {free}), or without nodePort";
    /// Not a number for node ports.
    NodePortOutOfRange { what, namespace, port, range } Object Broken
        "Namespace {namespace} に {what} はない。nodePort {port} は範囲 {range} の外で、断られた" /
        "there is no {what} in namespace {namespace}: it was refused because nodePort {port} is outside the range {range}"
        => "{range} の番号にするか、nodePortを書かずにapplyする" / "apply it with a number of {range}, or without nodePort";

    /// The address is a Service's.
    AddressIs { address, what } Object Good
        "{address} は {what} のアドレス" / "{address} is an address of {what}";
    /// The address was that of an earlier Service.
    AddressOld { address, service, now, command } Object Broken
        "{address} は前の Service {service} のアドレスで、作り直された今のアドレスは {now}" /
        "{address} was the address of an earlier Service {service}; since it was made again it is {now}"
        => "名前で呼ぶか、環境変数を作り直す: {command}" / "use its name, or let the Pods have new variables: {command}";
    /// The address was that of a Service which is gone.
    AddressGone { address, what } Object Broken
        "{address} は {what} のアドレスだったが、もうない" / "{address} was the address of {what}, which is gone"
        => "アドレスを覚えず、Serviceの名前で呼ぶ" / "do not keep addresses: use the name of a Service";
    /// Nobody has the address.
    AddressNobodys { address, range } Object Broken
        "{address} は {range} の中だが、だれのアドレスでもない" / "{address} is in {range}, and nobody has it"
        => "kubectl get pods,services -A -o wide" / "kubectl get pods,services -A -o wide";
    /// Not an address of this lab.
    AddressOutside { address } Object Broken
        "{address} はこのラボの中のアドレスではない" / "{address} is no address of this lab"
        => "kubectl get pods,services -A -o wide" / "kubectl get pods,services -A -o wide";

    /// From outside the cluster there is no way to a clusterIP.
    OnlyInside { service, address, asker, command } Outside Broken
        "Service {service} はClusterIPで、{address} はクラスターの中でだけ使える。{asker} は外にいる" /
        "Service {service} is a ClusterIP: {address} works inside the cluster only, and {asker} is outside"
        => "{command}" / "{command}";
    /// Nobody gives load balancers here.
    ExternalPending { service, platform, instead } Outside Broken
        "Service {service} のEXTERNAL-IPは <pending> のまま: プラットフォーム {platform} にロードバランサーがない" /
        "the EXTERNAL-IP of Service {service} stays <pending>: the platform {platform} has no load balancer"
        => "NodePortで呼ぶ({instead})か、ロードバランサーのあるプラットフォーム(gke)を使う" /
           "use its node port ({instead}), or a platform that has load balancers (gke)";
    /// The same, where nobody asked for the external address.
    ExternalPendingNote { service, platform } Outside Note
        "Service {service} のEXTERNAL-IPは <pending> のまま: プラットフォーム {platform} にロードバランサーがない" /
        "the EXTERNAL-IP of Service {service} stays <pending>: the platform {platform} has no load balancer";
    /// Where it can be reached from outside.
    EntryIs { service, address, asker } Outside Good
        "{asker} からは Service {service} に {address} で入る" / "from {asker}, the way in to Service {service} is {address}";
    /// The node is inside a virtual machine, and no tunnel leads there.
    TunnelClosed { service, asker, node, command } Outside Broken
        "{asker} から {node} への経路はない(ノードはDockerの仮想マシンの中)。Service {service} へのトンネルも開いていない(Ctrl-Cで閉じる)" /
        "{asker} has no route to {node}, which is inside Docker's virtual machine, and no tunnel to Service {service} is open (Ctrl-C ends them)"
        => "トンネルを開き、その端末を開いたままにする: {command}" / "open one and leave its terminal open: {command}";
    /// A tunnel listens on the learner's machine.
    TunnelOpen { service, asker, address } Outside Good
        "{asker} の {address} でトンネルが待ち受けている(Service {service} へはここから)" /
        "a tunnel listens at {address} of {asker}, the way to Service {service}";
    /// Nothing listens on the asker's own port.
    NobodyHere { asker, address, command } Outside Broken
        "{asker} の {address} では何も待ち受けていない。トンネルやport-forwardは、端末を閉じるかCtrl-Cで終わる" /
        "nothing listens at {address} of {asker}; tunnels and port-forwards end with their terminal or Ctrl-C"
        => "もう一度開く: {command}" / "open it again: {command}";
    /// Something listens on the asker's own port.
    SomebodyHere { asker, address } Outside Good
        "{asker} の {address} で待ち受けている" / "something listens at {address} of {asker}";
    /// The port of a Service is not a port of the node.
    NotANodePort { node, port, service, right } Outside Broken
        "{port} は Service {service} のポートで、{node} では待ち受けていない。ノードでのポートは {right}" /
        "{port} is the port of Service {service} and nothing on {node}; there it is {right}"
        => "{node}:{right} に接続する" / "connect to {node}:{right}";
    /// No Service has this node port, and nothing else listens there.
    NodePortNobodys { node, port, has } Outside Broken
        "{node} のポート {port} はどのServiceのnodePortでもなく、何も待ち受けていない" /
        "port {port} of {node} is no Service's nodePort, and nothing listens there"
        => "使われているnodePort: {has}" / "node ports in use: {has}";

    /// The port.
    PortIs { service, port, target } Port Good
        "Service {service} のポート {port} はPodの {target} へ" / "port {port} of Service {service} leads to {target} of its Pods";
    /// The Service has no such port.
    PortMissing { service, asked, has } Port Broken
        "Service {service} にポート {asked} はない" / "Service {service} has no port {asked}"
        => "あるのは {has}" / "it has {has}";
    /// A headless Service translates nothing.
    HeadlessPort { service, asked, target } Port Broken
        "Service {service} はヘッドレス(clusterIP: None)でポートを変換しない。Podは {asked} ではなく {target} で待っている" /
        "Service {service} is headless (clusterIP: None) and translates no ports: its Pods have {target}, not {asked}"
        => "ポート {target} に接続する" / "connect to port {target}";

    /// Whom the Service selects.
    SelectorMatches { service, selector, count } Selector Good
        "Service {service} のselector {selector} に合うPodは {count} 個" /
        "Pods with the labels {selector}, which Service {service} selects: {count}";
    /// One value is misspelt.
    SelectorTypo { service, key, wanted, found, pods, command } Selector Broken
        "Service {service} のselectorは {key}={wanted} だが、Pod {pods} のラベルは {key}={found}(書き間違い?)" /
        "Service {service} selects {key}={wanted}, but the Pods {pods} are labelled {key}={found} (a typo?)"
        => "{command}" / "{command}";
    /// One value is another.
    SelectorDiffers { service, key, wanted, found, pods, command } Selector Broken
        "Service {service} のselectorは {key}={wanted} だが、ほかのラベルが合うPod {pods} では {key}={found}" /
        "Service {service} selects {key}={wanted}, but the Pods {pods}, which match otherwise, are labelled {key}={found}"
        => "{command}" / "{command}";
    /// One label is not there.
    LabelMissing { service, key, wanted, pods, command } Selector Broken
        "Service {service} のselectorは {key}={wanted} だが、ほかのラベルが合うPod {pods} にラベル {key} がない" /
        "Service {service} selects {key}={wanted}, but the Pods {pods}, which match otherwise, have no label {key}"
        => "{command}" / "{command}";
    /// The Pods are in another namespace.
    SelectorElsewhere { service, selector, pods } Selector Broken
        "Service {service} のNamespaceに {selector} のPodはない。{pods} には合うが、ServiceはほかのNamespaceのPodを選べない" /
        "no Pod in the namespace of Service {service} has {selector}; {pods} would match, but a Service selects in its own namespace only"
        => "PodとServiceを同じNamespaceに置く" / "put Pods and Service into one namespace";
    /// Nobody is like it.
    SelectorNobody { service, selector, command } Selector Broken
        "Service {service} のselector {selector} に合うPodも、似たPodもない" /
        "no Pod has, or nearly has, the labels {selector} that Service {service} selects"
        => "{command}" / "{command}";
    /// The workload behind it has no Pods because it wants none.
    ScaledToZero { service, workload, command } Selector Broken
        "Service {service} が選ぶ {workload} のreplicasが0" / "Service {service} selects {workload}, which has 0 replicas"
        => "{command}" / "{command}";
    /// The workload's Pods are not made.
    PodsNotMade { workload, message, command } Selector Broken
        "{workload} のPodが作れない: {message}" / "the Pods of {workload} cannot be made: {message}"
        => "{command}" / "{command}";
    /// A Service without a selector, and nobody wrote its endpoints.
    NoSelector { service, command } Selector Broken
        "Service {service} にはselectorがなく、EndpointSliceもない" / "Service {service} has no selector, and no EndpointSlice either"
        => "selectorを書く: {command}" / "give it a selector: {command}";
    /// The endpoints are written by hand.
    EndpointsByHand { service } Selector Good
        "Service {service} にはselectorがなく、endpointは手で書かれている" / "Service {service} has no selector; its endpoints are written by hand";
    /// A Service that nearly selects the Pod.
    NearService { pod, service, key, wanted, found } Selector Note
        "Service {service} は {key}={wanted} を選ぶので、{key}={found} の {pod} を選ばない" /
        "Service {service} selects {key}={wanted} and so not {pod}, which has {key}={found}";
    /// The Services that select the Pod.
    SelectedBy { pod, services } Selector Good
        "{pod} を選ぶService: {services}" / "{pod} is selected by {services}";

    /// The scheduler finds no node.
    Unschedulable { pod, message, command } Pods Broken
        "{pod} はPending。スケジューラーの理由: {message}" / "{pod} is Pending; the scheduler says: {message}"
        => "{command}" / "{command}";
    /// Nobody has bound it yet.
    Unbound { pod } Pods Broken
        "{pod} はまだノードに割り当てられていない" / "{pod} is not bound to a node yet"
        => "少し待ってもう一度調べる" / "wait a little and ask again";
    /// Its node is gone.
    NodeLost { pod, node } Pods Broken
        "{pod} のノード {node} は電源が切れている" / "{node}, the node of {pod}, has no power"
        => "{node} の電源を入れるか、300秒後にPodがほかのノードに作り直されるのを待つ" /
           "switch {node} on, or wait 300 s until its Pods are made again elsewhere";
    /// It will not run again.
    PodOver { pod, phase, message } Pods Broken
        "{pod} は {phase} で、もう動かない {message}" / "{pod} is {phase} and will not run again {message}"
        => "作り直す: kubectl delete {pod}" / "let it be made again: kubectl delete {pod}";
    /// It is going away.
    PodLeaving { pod } Pods Broken
        "{pod} は終了中(Terminating)" / "{pod} is Terminating"
        => "代わりのPodがReadyになるのを待つ" / "wait until the Pod in its place is ready";

    /// A volume's or variable's object is missing.
    ObjectMissing { pod, place, object, command } Config Broken
        "{pod} の {place} が使う {object} がない" / "{place} of {pod} uses {object}, which is missing"
        => "{command}" / "{command}";
    /// The object has not the key.
    KeyMissing { pod, place, object, key, has } Config Broken
        "{pod} の {place} が使うキー {key} が {object} にない" / "{place} of {pod} uses the key {key}, which {object} has not"
        => "{object} にあるキーは {has}。どちらかを直す" / "{object} has {has}: correct one of the two";
    /// A program reads a file that the Secret does not make.
    FileMissing { pod, object, path, reader, has, command } Config Broken
        "{reader} は {path} を読むが、{pod} にそこへマウントされた {object} のキーは {has}" /
        "{reader} reads {path}, but {object}, which {pod} has mounted there, has the keys {has}"
        => "正しいキーで作り直す: {command}" / "make it again with the right keys: {command}";

    /// The image is not to be had.
    ImageUnknown { pod, container, image, reason, message, command } Containers Broken
        "{pod} のコンテナ {container} は {reason}: イメージ {image} を取れない({message})" /
        "container {container} of {pod} is in {reason}: no image {image} ({message})"
        => "{command}" / "{command}";
    /// It ends again and again.
    Crashing { pod, container, code, restarts, command } Containers Broken
        "{pod} のコンテナ {container} は終了コード {code} で終わり、{restarts} 回再起動した(CrashLoopBackOff)" /
        "container {container} of {pod} ends with exit code {code} and was restarted {restarts} times (CrashLoopBackOff)"
        => "ログで理由を見る: {command}" / "see why in its log: {command}";
    /// It used too much memory.
    OutOfMemory { pod, container, limit, command } Containers Broken
        "{pod} のコンテナ {container} はメモリの上限 {limit} を超えて止められた(OOMKilled、137)" /
        "container {container} of {pod} was killed for using more than its memory limit {limit} (OOMKilled, 137)"
        => "{command}" / "{command}";
    /// It waits for something else.
    ContainerWaits { pod, container, reason, message, command } Containers Broken
        "{pod} のコンテナ {container} は待っている: {reason} {message}" / "container {container} of {pod} waits: {reason} {message}"
        => "{command}" / "{command}";

    /// A probe fails.
    ProbeFails { pod, container, probe, message, listens, command } Readiness Broken
        "{pod} のコンテナ {container} の {probe} が失敗している: {message}。待ち受けているポート: {listens}" /
        "{probe} of container {container} of {pod} fails: {message}; it listens on {listens}"
        => "{command}" / "{command}";
    /// It is not ready, and nobody says why.
    NotReady { pod, message } Readiness Broken
        "{pod} はReadyでない: {message}" / "{pod} is not ready: {message}"
        => "少し待ってもう一度調べる: kubectl describe {pod}" / "wait a little and ask again: kubectl describe {pod}";
    /// Enough Pods are ready.
    PodsReady { ready, all } Readiness Good
        "{all} 個のPodのうち {ready} 個がReady" / "Pods that are ready: {ready} of {all}";
    /// Some are not.
    SomeNotReady { pods, command } Readiness Note
        "Readyでないもの: {pods}(詳しくは {command})" / "not ready: {pods} (more with {command})";

    /// The endpoints.
    EndpointsAre { service, endpoints } Endpoints Good
        "Service {service} のendpoint: {endpoints}" / "Service {service} leads to {endpoints}";
    /// Ready Pods are no endpoints.
    EndpointsMissing { service, pods } Endpoints Broken
        "Readyな {pods} がまだ Service {service} のendpointになっていない" / "{pods} are ready and not yet endpoints of Service {service}"
        => "少し待ってもう一度調べる" / "wait a little and ask again";
    /// The Pods have no port of the target's name.
    NamedPortMissing { service, target, pods, has, command } Endpoints Broken
        "Service {service} のtargetPort は名前 {target} だが、{pods} のコンテナにその名前のポートはない(あるのは {has})" /
        "the targetPort of Service {service} is called {target}, but the containers of {pods} have no port of that name (they have {has})"
        => "{command}" / "{command}";

    /// It listens.
    Listens { pods, port } Listener Good
        "{pods} はポート {port} で待ち受けている" / "something listens on port {port} of {pods}";
    /// Nothing listens there, but elsewhere.
    NothingListens { pod, port, listens, command } Listener Broken
        "{pod} はポート {port} で待ち受けていない。待ち受けているのは {listens}" / "{pod} does not listen on port {port}; it listens on {listens}"
        => "{command}" / "{command}";
    /// Nothing listens at all.
    NothingListensAtAll { pod, port, command } Listener Broken
        "{pod} はポート {port} でも、ほかのどのポートでも待ち受けていない" / "{pod} listens neither on port {port} nor on any other"
        => "{command}" / "{command}";
    /// It listens for itself only.
    ListensLoopback { pod, port } Listener Broken
        "{pod} はポート {port} を 127.0.0.1 でしか待ち受けていない" / "{pod} listens on port {port} of 127.0.0.1 only"
        => "プログラムの設定を 0.0.0.0 で待ち受けるように変える" / "let the program listen on 0.0.0.0";

    /// Policies let it through.
    PolicyLets { from, to } Policy Good
        "NetworkPolicyは {from} から {to} への接続を止めない" / "no NetworkPolicy keeps {from} from {to}";
    /// A policy of the receiver keeps it out.
    PolicyIngress { policies, pod, from, port, command } Policy Broken
        "NetworkPolicy {policies} が {pod} への受信を制限していて、{from} からポート {port} は許可されていない" /
        "NetworkPolicy {policies} isolates {pod} and does not let {from} in on port {port}"
        => "許可する規則を足すか、いらないなら消す: {command}" / "add a rule that lets it in, or take the policy away if it is not wanted: {command}";
    /// A policy of the sender keeps it in.
    PolicyEgress { policies, from, to, port, command } Policy Broken
        "NetworkPolicy {policies} が {from} からの送信を制限していて、{to} のポート {port} は許可されていない" /
        "NetworkPolicy {policies} isolates {from} and does not let it out to port {port} of {to}"
        => "許可する規則を足すか、いらないなら消す: {command}" / "add a rule that lets it out, or take the policy away if it is not wanted: {command}";

    /// The rule leads there.
    RuleLeads { service, address, count } Rule Good
        "ノードの規則は {address} を Service {service} の {count} 個のendpointのどれかに変える" /
        "the nodes' rules turn {address} into one of {count} endpoints of Service {service}";
    /// Only the node's own endpoints count, and it has none.
    NoLocalEndpoint { service, field, node, command } Rule Broken
        "Service {service} は {field}: Local で、ノード {node} にendpointがない" /
        "Service {service} has {field}: Local, and node {node} has no endpoint of it"
        => "{command}" / "{command}";

    /// Machines and cables are well.
    RouteStands { from, to } Route Good
        "{from} から {to} までの機器とケーブルに異常はない" / "machines and cables from {from} to {to} are well";
    /// A machine has no power.
    MachineDown { machine, carries } Route Broken
        "{machine} の電源が切れている({carries})" / "{machine} has no power ({carries})"
        => "{machine} の電源を入れる" / "switch {machine} on";
    /// A machine's cable is unplugged.
    CableDown { machine, carries } Route Broken
        "{machine} のケーブルが抜けている({carries})" / "the cable of {machine} is unplugged ({carries})"
        => "{machine} のケーブルを差す" / "plug the cable of {machine} in";
    /// A machine's cable loses packets.
    CableLossy { machine, loss } Route Note
        "{machine} のケーブルはパケットの {loss} % を失う" / "the cable of {machine} loses {loss} % of the packets";

    /// A connection was made.
    Connected { asker, to, way } Probe Good
        "{asker} から {to} に接続できた: {way}" / "{asker} connected to {to}: {way}";
    /// It was refused.
    ConnectionRefused { asker, to, by, way } Probe Broken
        "{asker} から {to} への接続は {by} に断られた: {way}" / "{by} refused the connection from {asker} to {to}: {way}"
        => "{by} で待ち受けているものを見る: netstat -ltn" / "see what listens on {by}: netstat -ltn";
    /// It was lost.
    ConnectionLost { asker, to, error, last, way } Probe Broken
        "{asker} から {to} への接続は {error}。パケットを最後に見たのは {last}: {way}" /
        "the connection from {asker} to {to}: {error}; its packets were last seen at {last}: {way}"
        => "{last} で見る: tcpdump -ni any" / "look there, at {last}: tcpdump -ni any";

    /// The variables were made before the Service was.
    VariablesMissing { pod, variable, service, command } Environment Broken
        "{pod} はService {service} より先に始まったので、使っている環境変数 {variable} がない" /
        "{pod} began before Service {service} and so has no variable {variable}, which it uses"
        => "Podを作り直す: {command}" / "let it begin again: {command}";
    /// The variables are those of an earlier Service.
    VariablesStale { pod, variable, value, service, address, command } Environment Broken
        "{pod} の環境変数 {variable}={value} は前の Service {service} のもの。今のアドレスは {address}" /
        "{variable}={value} in {pod} is of an earlier Service {service}, whose address is now {address}"
        => "Podを作り直す: {command}" / "let it begin again: {command}";
    /// The Pod is older than the Service; names work all the same.
    OlderThanService { pod, service, variable } Environment Note
        "{pod} はService {service} より古いので環境変数 {variable} がない(名前は使える)" /
        "{pod} is older than Service {service} and has no variable {variable} (the name works)";

    /// The certificate is for the name.
    CertificateFits { object, names } Certificate Good
        "{object} の証明書の名前は {names}" / "the certificate in {object} is for {names}";
    /// The certificate is for another name.
    CertificateDiffers { pod, object, names, asked, command } Certificate Broken
        "{pod} が使う {object} の証明書の名前は {names} で、{asked} ではない" /
        "the certificate in {object}, which {pod} uses, is for {names} and not for {asked}"
        => "{command}" / "{command}";
}

#[cfg(test)]
mod tests {
    use super::super::words::Lang;
    use super::*;
    use std::collections::BTreeSet;

    fn both(finding: &Finding, lang: Lang) -> String {
        let mend = finding.mend();
        let mend = mend.as_ref().map_or("", |mend| mend.get(lang));
        format!("{} {mend}", finding.text().get(lang))
    }

    #[test]
    fn every_finding_has_words_in_both_languages_that_name_the_same_facts() {
        for finding in Finding::samples() {
            let name = finding.name();
            let (ja, en) = (both(&finding, Lang::Ja), both(&finding, Lang::En));
            for (fact, shown) in finding.facts() {
                assert!(
                    ja.contains(shown),
                    "{name}: {fact} is not in the Japanese text"
                );
                assert!(
                    en.contains(shown),
                    "{name}: {fact} is not in the English text"
                );
            }
            assert!(ja.chars().any(|c| c > '\u{2e7f}'), "{name}: no Japanese");
            assert!(en.is_ascii(), "{name}: the English text is not");
        }
    }

    #[test]
    fn what_is_broken_says_what_mends_it_and_nothing_else_does() {
        for finding in Finding::samples() {
            let broken = finding.mark() == Mark::Broken;
            assert_eq!(finding.mend().is_some(), broken, "{}", finding.name());
        }
    }

    #[test]
    fn no_two_findings_have_one_name() {
        let samples = Finding::samples();
        let names: BTreeSet<&str> = samples.iter().map(Finding::name).collect();
        assert_eq!(names.len(), samples.len());
    }
}
